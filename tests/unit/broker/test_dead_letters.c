// SPDX-License-Identifier: Apache-2.0
// The newest dead letters are kept.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/supervision/dead_letters.h"

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

// R-SUP-044
static void a_letter_is_found_by_its_id_until_it_is_dropped(void **state)
{
    (void)state;
    struct dead_letters letters = {.total = 0};
    for (uint64_t seq = 1; seq <= 102; seq++) {
        const struct dead_letter letter = {.seq = 10 * seq};
        assert_int_equal(dead_letters_add(&letters, &letter), seq);
    }
    assert_null(dead_letters_find(&letters, 2));  // forgotten
    assert_int_equal(dead_letters_find(&letters, 3)->seq, 30);
    assert_int_equal(dead_letters_drop(&letters, 50), 0);
    assert_int_equal(dead_letters_drop(&letters, 50), -ENOENT);
    assert_null(dead_letters_find(&letters, 50));
    assert_int_equal(dead_letters_count(&letters), 99);
    assert_int_equal(dead_letters_at(&letters, 0)->id, 3);
    assert_int_equal(dead_letters_at(&letters, 98)->id, 102);
    assert_int_equal(dead_letters_find(&letters, 51)->seq, 510);
    assert_string_equal(dead_letters_state_name(DEAD_LETTER_FILE), "file");
    dead_letters_fini(&letters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_hundred_are_kept_and_all_are_counted),
        cmocka_unit_test(a_letter_is_found_by_its_id_until_it_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
