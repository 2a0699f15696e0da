// SPDX-License-Identifier: Apache-2.0
// Frames that kill their readers are found and skipped.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/supervision/poison.h"

// R-SUP-007
static void a_frame_is_skipped_after_its_deaths_and_no_other(void **state)
{
    (void)state;
    struct poison poison = {.count = 0};
    uint64_t skips[4];
    assert_int_equal(poison_attempt(&poison), 1);
    // The first death was in a step of three frames, the next ones with one of them alone.
    for (uint64_t seq = 10; seq <= 12; seq++) {
        assert_int_equal(poison_add(&poison, seq, 3), 1);
    }
    assert_int_equal(poison_attempt(&poison), 2);
    assert_int_equal(poison_add(&poison, 11, 3), 2);
    assert_int_equal(poison_skips(&poison, skips, 4), 0);
    assert_int_equal(poison_add(&poison, 11, 3), 3);
    assert_int_equal(poison_skips(&poison, skips, 4), 1);
    assert_int_equal(skips[0], 11);
    assert_true(poison_is_skipped(&poison, 11));
    assert_false(poison_is_skipped(&poison, 10));
    assert_false(poison_is_skipped(&poison, 99));
    assert_int_equal(poison_attempt(&poison), 2);
    poison_prune(&poison, 11);
    assert_int_equal(poison.count, 1);
    assert_false(poison_is_skipped(&poison, 11));
    poison_fini(&poison);
}

static void a_reader_that_claims_everything_uses_bounded_memory(void **state)
{
    (void)state;
    struct poison poison = {.count = 0};
    uint64_t skips[4];
    uint64_t counted = 0;
    for (uint64_t seq = 1; seq <= 10000; seq++) {
        counted += poison_add(&poison, seq, 1);
    }
    assert_int_equal(counted, poison.count);
    assert_true(poison.count < 10000);
    assert_int_equal(poison_skips(&poison, skips, 4), 4);
    poison_fini(&poison);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_skipped_after_its_deaths_and_no_other),
        cmocka_unit_test(a_reader_that_claims_everything_uses_bounded_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
