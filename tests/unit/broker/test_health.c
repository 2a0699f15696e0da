// SPDX-License-Identifier: Apache-2.0
// Events are numbered, bounded and not repeated more than once per second.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "broker/supervision/health.h"

static struct health health;

static int set_up(void **state)
{
    (void)state;
    return health_init(&health);
}

static int tear_down(void **state)
{
    (void)state;
    health_fini(&health);
    return 0;
}

static void emit(enum health_type type, const char *node, int64_t now_ns)
{
    struct health_event event = {.type = type, .generation = 2, .seq = 9};
    snprintf(event.node, sizeof event.node, "%s", node);
    snprintf(event.text, sizeof event.text, "it happened");
    health_emit(&health, &event, now_ns);
}

// R-SUP-040
static void every_event_has_a_number_a_time_and_its_node(void **state)
{
    (void)state;
    struct health_listener listener;
    struct health_event event;
    uint64_t missed;
    health_listen(&health, &listener);
    assert_int_equal(health_next(&health, &listener, &event, &missed), 0);
    emit(HEALTH_NODE_FAILED, "camera", 5);
    emit(HEALTH_NODE_FAILED, "camera", 6);
    for (uint64_t i = 1; i <= 2; i++) {
        assert_int_equal(health_next(&health, &listener, &event, &missed), 1);
        assert_int_equal(event.serial, i);
        assert_int_equal(event.time_ns, 4 + i);
        assert_int_equal(event.count, 1);
        assert_int_equal(event.generation, 2);
        assert_int_equal(event.seq, 9);
        assert_string_equal(event.node, "camera");
        assert_int_equal(missed, 0);
    }
    assert_int_equal(health_next(&health, &listener, &event, &missed), 0);
}

// R-SUP-041
static void a_slow_listener_is_told_what_it_missed_and_a_fast_one_misses_nothing(void **state)
{
    (void)state;
    struct health_listener slow;
    struct health_listener fast;
    struct health_event event;
    uint64_t missed;
    health_listen(&health, &slow);
    health_listen(&health, &fast);
    for (uint64_t i = 1; i <= HEALTH_RING_EVENTS + 100; i++) {
        emit(HEALTH_NODE_FAILED, "camera", (int64_t)i);
        assert_int_equal(health_next(&health, &fast, &event, &missed), 1);
        assert_int_equal(event.serial, i);
        assert_int_equal(missed, 0);
    }
    uint64_t read = 0;
    uint64_t lost = 0;
    while (health_next(&health, &slow, &event, &missed) == 1) {
        read++;
        lost += missed;
    }
    assert_int_equal(read, HEALTH_RING_EVENTS);
    assert_int_equal(lost, 100);
}

// R-SUP-042
static void what_repeats_is_told_at_once_and_then_once_per_second_with_its_sum(void **state)
{
    (void)state;
    struct health_listener listener;
    struct health_event event;
    uint64_t missed;
    health_listen(&health, &listener);
    for (int64_t i = 0; i < 10; i++) {
        emit(HEALTH_FRAME_SKIPPED, "blur", i);
    }
    emit(HEALTH_FRAME_SKIPPED, "scale", 11);  // another node is another subject
    assert_int_equal(health.last_serial, 2);
    assert_int_equal(health_due_ns(&health), CLOCK_NS_PER_S);
    health_flush(&health, CLOCK_NS_PER_S - 1, false);
    assert_int_equal(health.last_serial, 2);
    health_flush(&health, CLOCK_NS_PER_S, false);
    uint64_t sum = 0;
    while (health_next(&health, &listener, &event, &missed) == 1) {
        sum += strcmp(event.node, "blur") == 0 ? event.count : 0;
    }
    assert_int_equal(sum, 10);
    assert_int_equal(health_due_ns(&health), INT64_MAX);
    // The end does not wait for the second.
    emit(HEALTH_FRAME_SKIPPED, "blur", CLOCK_NS_PER_S + 5);
    health_flush(&health, CLOCK_NS_PER_S + 6, true);
    assert_int_equal(health_next(&health, &listener, &event, &missed), 1);
    assert_int_equal(event.count, 1);
    // After a quiet second the first is told at once again.
    health_flush(&health, 9 * CLOCK_NS_PER_S, false);
    uint64_t before = health.last_serial;
    emit(HEALTH_FRAME_SKIPPED, "blur", 9 * CLOCK_NS_PER_S);
    assert_int_equal(health.last_serial, before + 1);
}

// R-SUP-058
static void events_that_stand_for_several_are_summed_per_link(void **state)
{
    (void)state;
    static const char *const links[] = {"a.data -> b.in", "c.data -> b.in"};
    struct health_listener listener;
    struct health_event event;
    uint64_t missed;
    health_listen(&health, &listener);
    for (int64_t i = 0; i < 20; i++) {
        struct health_event each = {.type = HEALTH_FRAMES_EVICTED, .count = 3};
        snprintf(each.node, sizeof each.node, "b");
        snprintf(each.link, sizeof each.link, "%s", links[i % 2]);
        health_emit(&health, &each, i);
    }
    assert_int_equal(health.last_serial, 2);
    assert_int_equal(health_held(&health, HEALTH_FRAMES_EVICTED), 54);
    assert_int_equal(health_held(&health, HEALTH_FRAME_LAG), 0);
    // The end of a node tells what is held back of it, and of nobody else.
    health_flush_node(&health, "a", 30);
    assert_int_equal(health.last_serial, 2);
    health_flush_node(&health, "b", 30);
    assert_int_equal(health_held(&health, HEALTH_FRAMES_EVICTED), 0);
    uint64_t sums[2] = {0};
    while (health_next(&health, &listener, &event, &missed) == 1) {
        sums[strcmp(event.link, links[0]) == 0 ? 0 : 1] += event.count;
    }
    assert_int_equal(sums[0], 30);
    assert_int_equal(sums[1], 30);
}

static void every_type_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned a = 0; a < HEALTH_TYPE_COUNT; a++) {
        for (unsigned b = a + 1; b < HEALTH_TYPE_COUNT; b++) {
            assert_string_not_equal(health_type_name(a), health_type_name(b));
        }
    }
    assert_string_equal(health_type_name(HEALTH_TYPE_COUNT), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_event_has_a_number_a_time_and_its_node, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_slow_listener_is_told_what_it_missed_and_a_fast_one_misses_nothing, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(
            what_repeats_is_told_at_once_and_then_once_per_second_with_its_sum, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_that_stand_for_several_are_summed_per_link, set_up,
                                        tear_down),
        cmocka_unit_test(every_type_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
