// SPDX-License-Identifier: Apache-2.0
// What is told of the time of calls: some are timed, and stand for the others.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "worker/call_time.h"

static struct sb_node *node_new(enum sb_mode mode)
{
    struct sb_node *node = calloc(1, sizeof *node);
    assert_non_null(node);
    node->status = calloc(1, sizeof *node->status);
    assert_non_null(node->status);
    node->mode = mode;
    return node;
}

static void node_free(struct sb_node *node)
{
    free(node->status);
    free(node);
}

// A call that began so long ago, and slept for a part of that.
static void run_call(struct sb_node *node, uint64_t step, int64_t took_ns, int64_t slept_ns)
{
    node->step = step;
    node->clock_ns = clock_now_ns() - took_ns;
    call_time_begin(node);
    node->timed_wait_ns += slept_ns;
    call_time_end(node);
}

static uint64_t calls_of(const struct sb_node *node, int64_t least_ns)
{
    uint64_t count = 0;
    for (uint32_t i = layout_call_time(least_ns); i < LAYOUT_CALL_TIMES; i++) {
        count += atomic_load(&node->status->call_times[i]);
    }
    return count;
}

// R-CTL-021
static void a_call_is_told_with_its_time_and_without_its_sleep(void **state)
{
    (void)state;
    struct sb_node *node = node_new(SB_MODE_REACTIVE);
    run_call(node, 7, 50 * CLOCK_NS_PER_MS, 0);
    assert_true(atomic_load(&node->status->busy_ns) >= (uint64_t)(50 * CLOCK_NS_PER_MS));
    assert_true(atomic_load(&node->status->longest_ns) >= (uint64_t)(50 * CLOCK_NS_PER_MS));
    assert_int_equal(calls_of(node, 0), 1);
    assert_int_equal(calls_of(node, 50 * CLOCK_NS_PER_MS), 1);
    // Long calls are timed one by one.
    assert_int_equal(node->timed_due, 8);
    // A sleep that was longer than the call by the grain of the clock is a call without time.
    uint64_t busy_ns = atomic_load(&node->status->busy_ns);
    run_call(node, 8, CLOCK_NS_PER_MS, CLOCK_NS_PER_S);
    assert_int_equal(atomic_load(&node->status->busy_ns), busy_ns);
    assert_int_equal(calls_of(node, 0), 2);
    node_free(node);
}

static void one_that_is_timed_stands_for_those_before_it(void **state)
{
    (void)state;
    struct sb_node *node = node_new(SB_MODE_REACTIVE);
    run_call(node, 1000, 0, CLOCK_NS_PER_S);  // a short one, however busy the machine is
    assert_int_equal(calls_of(node, 0), 1);
    assert_true(node->timed_due > 1001);
    assert_true(node->timed_due <= 1000 + CALL_TIME_STEPS_MAX);
    run_call(node, 1100, CLOCK_NS_PER_MS, 0);
    assert_int_equal(calls_of(node, 0), 101);
    assert_int_equal(calls_of(node, CLOCK_NS_PER_MS), 100);
    assert_true(atomic_load(&node->status->busy_ns) >= (uint64_t)(100 * CLOCK_NS_PER_MS));
    // Never for more than there can have been.
    run_call(node, 1000000, 0, CLOCK_NS_PER_S);
    assert_int_equal(calls_of(node, 0), 102);
    node_free(node);
}

static void a_call_of_several_steps_is_one_call(void **state)
{
    (void)state;
    struct sb_node *node = node_new(SB_MODE_CONTINUOUS);
    run_call(node, 10, 0, CLOCK_NS_PER_S);
    node->step = 30;
    node->clock_ns = clock_now_ns();
    call_time_begin(node);
    assert_true(node->is_step_timed);
    node->step = 60;
    node->timed_wait_ns = CLOCK_NS_PER_S;
    call_time_end(node);
    assert_int_equal(calls_of(node, 0), 2);
    assert_true(node->timed_due > 60);
    // Not at once again, even after a sleep.
    node->step = 61;
    call_time_begin(node);
    assert_false(node->is_step_timed);
    node_free(node);
}

static void the_one_call_of_a_manual_processor_is_not_timed(void **state)
{
    (void)state;
    struct sb_node *node = node_new(SB_MODE_MANUAL);
    node->step = 1;
    call_time_begin(node);
    assert_false(node->is_step_timed);
    node_free(node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_told_with_its_time_and_without_its_sleep),
        cmocka_unit_test(one_that_is_timed_stands_for_those_before_it),
        cmocka_unit_test(a_call_of_several_steps_is_one_call),
        cmocka_unit_test(the_one_call_of_a_manual_processor_is_not_timed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
