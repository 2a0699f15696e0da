// SPDX-License-Identifier: Apache-2.0
// The newest dead letters are kept.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/dead_letters.h"

// R-SUP-043
static void the_last_hundred_are_kept_and_all_are_counted(void **state)
{
    (void)state;
    struct dead_letters letters = {.total = 0};
    assert_int_equal(dead_letters_count(&letters), 0);
    for (uint64_t seq = 1; seq <= 250; seq++) {
        const struct dead_letter letter = {.seq = seq, .deaths = 3};
        dead_letters_add(&letters, &letter);
        assert_int_equal(dead_letters_count(&letters), seq < 100 ? seq : 100);
    }
    assert_int_equal(letters.total, 250);
    assert_int_equal(dead_letters_at(&letters, 0)->seq, 151);
    assert_int_equal(dead_letters_at(&letters, 99)->seq, 250);
    dead_letters_fini(&letters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_hundred_are_kept_and_all_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
