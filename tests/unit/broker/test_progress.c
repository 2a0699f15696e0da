// SPDX-License-Identifier: Apache-2.0
// Since when a worker owes progress.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/supervision/progress.h"

static int64_t note(struct progress *progress, uint64_t step, int64_t entered_ns, int64_t now_ns)
{
    const struct progress_look look = {
        .step = step, .entered_ns = entered_ns, .is_inside = entered_ns != 0, .now_ns = now_ns};
    return progress_note(progress, &look);
}

// R-SUP-011
static void a_call_counts_from_the_look_that_saw_its_step_first(void **state)
{
    (void)state;
    struct progress progress = {.has_look = false};
    // The word of the worker may be hundreds of steps old.
    assert_int_equal(note(&progress, 300, 10, 1000), 1000);
    assert_int_equal(note(&progress, 300, 10, 1100), 1000);
    assert_int_equal(note(&progress, 900, 10, 1200), 1200);
    assert_int_equal(note(&progress, 900, 10, 1300), 1200);
    // One step after the last look, with a clock that was read after that look: exactly then.
    assert_int_equal(note(&progress, 901, 1350, 1400), 1350);
    // A word from the future or from before the last look says nothing.
    assert_int_equal(note(&progress, 902, 9999, 1500), 1500);
    assert_int_equal(note(&progress, 903, 1450, 1600), 1600);
}

// R-SUP-021
static void who_is_outside_without_work_owes_nothing(void **state)
{
    (void)state;
    struct progress progress = {.has_look = false};
    for (int64_t now_ns = 1000; now_ns < 2000; now_ns += 100) {
        assert_int_equal(note(&progress, 7, 0, now_ns), INT64_MAX);
    }
    const struct progress_look work = {.step = 7, .is_work_there = true, .now_ns = 2000};
    // It was idle until just now.
    assert_int_equal(progress_note(&progress, &work), 1900);
}

static void work_that_moves_is_progress_and_a_call_that_publishes_is_not(void **state)
{
    (void)state;
    struct progress progress = {.has_look = false};
    struct progress_look look = {.step = 7, .moved = 1, .is_work_there = true, .now_ns = 1000};
    assert_int_equal(progress_note(&progress, &look), 1000);
    look.moved = 2;
    look.now_ns = 1100;
    assert_int_equal(progress_note(&progress, &look), 1100);
    look.now_ns = 1200;
    assert_int_equal(progress_note(&progress, &look), 1100);
    look.is_inside = true;
    look.entered_ns = 5;
    look.now_ns = 1300;
    assert_int_equal(progress_note(&progress, &look), 1300);
    look.moved = 99;
    look.now_ns = 1400;
    assert_int_equal(progress_note(&progress, &look), 1300);
}

// R-SUP-013
static void who_waits_for_a_full_link_owes_nothing_and_begins_again_after_it(void **state)
{
    (void)state;
    struct progress progress = {.has_look = false};
    struct progress_look look = {.step = 7, .entered_ns = 900, .is_inside = true, .now_ns = 1000};
    assert_int_equal(progress_note(&progress, &look), 1000);
    look.is_held_up = true;
    look.now_ns = 5000;
    assert_int_equal(progress_note(&progress, &look), INT64_MAX);
    look.is_held_up = false;
    look.now_ns = 5100;
    assert_int_equal(progress_note(&progress, &look), 5000);
}

// R-SUP-020
static void a_clock_can_begin_again(void **state)
{
    (void)state;
    struct progress progress = {.has_look = false};
    note(&progress, 7, 900, 1000);
    progress_rearm(&progress, 4000);
    assert_true(progress.is_rearmed);
    assert_int_equal(note(&progress, 7, 900, 4100), 4000);
    // Progress earns another second chance.
    note(&progress, 8, 900, 4200);
    assert_false(progress.is_rearmed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_counts_from_the_look_that_saw_its_step_first),
        cmocka_unit_test(who_is_outside_without_work_owes_nothing),
        cmocka_unit_test(work_that_moves_is_progress_and_a_call_that_publishes_is_not),
        cmocka_unit_test(who_waits_for_a_full_link_owes_nothing_and_begins_again_after_it),
        cmocka_unit_test(a_clock_can_begin_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
