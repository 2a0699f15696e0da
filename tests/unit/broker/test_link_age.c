// SPDX-License-Identifier: Apache-2.0
// Ages of frames that nobody reads are known from two cursors.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/links/link_age.h"

// R-SUP-061
static void the_newest_frame_is_as_old_as_the_look_that_saw_it_first(void **state)
{
    (void)state;
    struct link_age age = {0};
    link_age_note(&age, 1, 0, 100);
    assert_int_equal(link_age_newest_ns(&age, 200), -1);
    link_age_note(&age, 1, 3, 200);
    link_age_note(&age, 4, 3, 300);
    assert_int_equal(link_age_newest_ns(&age, 350), 150);
    link_age_note(&age, 4, 4, 400);
    assert_int_equal(link_age_newest_ns(&age, 450), 50);
}

static void the_oldest_frame_ages_until_it_is_taken(void **state)
{
    (void)state;
    struct link_age age = {0};
    link_age_note(&age, 1, 3, 100);
    assert_int_equal(link_age_head_ns(&age, 150), 50);
    // The frame that was seen first is the third: the first two are taken, it is not.
    link_age_note(&age, 3, 9, 200);
    assert_int_equal(link_age_head_ns(&age, 200), 100);
    // All that was there at 100 is taken. What is left was seen now.
    link_age_note(&age, 5, 9, 300);
    assert_int_equal(link_age_head_ns(&age, 300), 0);
    link_age_note(&age, 10, 9, 400);
    assert_int_equal(link_age_head_ns(&age, 900), 0);
}

static void a_reader_that_is_always_late_by_the_same_time_is_found(void **state)
{
    (void)state;
    struct link_age age = {0};
    int64_t most_ns = 0;
    // One frame per ns, taken 50 ns later, looked at every 5 ns.
    for (uint64_t now = 100; now < 1000; now += 5) {
        link_age_note(&age, now - 50, now, (int64_t)now);
        int64_t head_ns = link_age_head_ns(&age, (int64_t)now);
        most_ns = head_ns > most_ns ? head_ns : most_ns;
    }
    assert_in_range(most_ns, 45, 50);
}

static void memory_that_is_gone_has_no_age(void **state)
{
    (void)state;
    struct link_age age = {0};
    link_age_note(&age, 1, 3, 100);
    link_age_note(&age, 0, 0, 200);
    assert_int_equal(link_age_head_ns(&age, 300), 0);
    assert_int_equal(link_age_newest_ns(&age, 300), 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_frame_is_as_old_as_the_look_that_saw_it_first),
        cmocka_unit_test(the_oldest_frame_ages_until_it_is_taken),
        cmocka_unit_test(a_reader_that_is_always_late_by_the_same_time_is_found),
        cmocka_unit_test(memory_that_is_gone_has_no_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
