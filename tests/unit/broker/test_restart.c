// SPDX-License-Identifier: Apache-2.0
// When a dead worker's node is started again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "broker/supervision/restart.h"

#define SECOND CLOCK_NS_PER_S

static const struct restart_rules usual = {.when = GRAPH_RESTART_ON_FAILURE,
                                           .max = 5,
                                           .window_ns = 300 * SECOND,
                                           .delay_ns = 2 * SECOND,
                                           .max_delay_ns = 30 * SECOND};

static enum restart_answer die(struct restart *restart, const struct restart_rules *rules,
                               enum exit_verdict verdict, int64_t now_ns, int64_t *out_delay_ns)
{
    const struct restart_death death = {.verdict = verdict, .lived_ns = SECOND, .now_ns = now_ns};
    return restart_decide(restart, rules, &death, out_delay_ns);
}

// R-SUP-001 R-SUP-002
static void five_restarts_with_growing_waits_and_then_no_more(void **state)
{
    (void)state;
    struct restart restart = {.count = 0};
    const int64_t waits[] = {2 * SECOND, 4 * SECOND, 8 * SECOND, 16 * SECOND, 30 * SECOND};
    int64_t delay_ns = 0;
    for (size_t i = 0; i < 5; i++) {
        int64_t now_ns = (int64_t)(i + 1) * SECOND;
        assert_int_equal(die(&restart, &usual, EXIT_VERDICT_FAILED, now_ns, &delay_ns),
                         RESTART_AGAIN);
        assert_in_range(delay_ns, waits[i], waits[i] + waits[i] / 10);
    }
    assert_int_equal(die(&restart, &usual, EXIT_VERDICT_FAILED, 7 * SECOND, &delay_ns),
                     RESTART_SPENT);
    assert_int_equal(restart_used(&restart), 5);
    // What is older than the window does not count.
    assert_int_equal(die(&restart, &usual, EXIT_VERDICT_FAILED, 302 * SECOND, &delay_ns),
                     RESTART_AGAIN);
    restart_fini(&restart);
}

// R-SUP-001
static void a_budget_of_0_never_starts_again_and_an_unlimited_one_always(void **state)
{
    (void)state;
    struct restart restart = {.count = 0};
    struct restart_rules rules = usual;
    int64_t delay_ns = 0;
    rules.max = 0;
    assert_int_equal(die(&restart, &rules, EXIT_VERDICT_FAILED, 1, &delay_ns), RESTART_SPENT);
    rules.max = GRAPH_UNLIMITED;
    rules.delay_ns = 0;
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(die(&restart, &rules, EXIT_VERDICT_FAILED, i, &delay_ns), RESTART_AGAIN);
        assert_int_equal(delay_ns, 0);
    }
    assert_int_equal(restart.total, 5000);
    assert_int_equal(restart.capacity, 0);
    restart_fini(&restart);
}

// R-SUP-003
static void a_healthy_life_forgives_what_was_before(void **state)
{
    (void)state;
    struct restart restart = {.count = 0};
    int64_t delay_ns = 0;
    for (int i = 0; i < 5; i++) {
        die(&restart, &usual, EXIT_VERDICT_FAILED, i, &delay_ns);
    }
    const struct restart_death healthy = {
        .verdict = EXIT_VERDICT_FAILED, .lived_ns = 300 * SECOND, .now_ns = 10 * SECOND};
    assert_int_equal(restart_decide(&restart, &usual, &healthy, &delay_ns), RESTART_AGAIN);
    assert_in_range(delay_ns, 2 * SECOND, 2 * SECOND + SECOND / 5);
    assert_int_equal(restart_used(&restart), 1);
    restart_fini(&restart);
}

// R-SUP-004
static void the_exit_status_and_the_rules_say_who_is_started_again(void **state)
{
    (void)state;
    const struct {
        enum graph_restart_when when;
        enum exit_verdict verdict;
        enum restart_answer answer;
    } cases[] = {
        {GRAPH_RESTART_ON_FAILURE, EXIT_VERDICT_FINISHED, RESTART_NEVER},
        {GRAPH_RESTART_ALWAYS, EXIT_VERDICT_FINISHED, RESTART_AGAIN},
        {GRAPH_RESTART_NEVER, EXIT_VERDICT_FAILED, RESTART_NEVER},
        {GRAPH_RESTART_NEVER, EXIT_VERDICT_RESTART, RESTART_NEVER},
        {GRAPH_RESTART_ON_FAILURE, EXIT_VERDICT_RESTART, RESTART_AGAIN},
        {GRAPH_RESTART_ALWAYS, EXIT_VERDICT_NO_CONFIG, RESTART_NEVER},
        {GRAPH_RESTART_ALWAYS, EXIT_VERDICT_BAD_DATA, RESTART_NEVER},
        {GRAPH_RESTART_ALWAYS, EXIT_VERDICT_REFUSED, RESTART_NEVER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct restart restart = {.count = 0};
        struct restart_rules rules = usual;
        int64_t delay_ns = 0;
        rules.when = cases[i].when;
        assert_int_equal(die(&restart, &rules, cases[i].verdict, SECOND, &delay_ns),
                         cases[i].answer);
        // A restart that the worker itself asked for does not count.
        bool is_counted =
            cases[i].answer == RESTART_AGAIN && cases[i].verdict != EXIT_VERDICT_RESTART;
        assert_int_equal(restart_used(&restart), is_counted ? 1 : 0);
        restart_fini(&restart);
    }
}

static void deaths_that_were_the_doing_of_a_frame_are_given_back(void **state)
{
    (void)state;
    struct restart restart = {.count = 0};
    int64_t delay_ns = 0;
    for (int i = 0; i < 4; i++) {
        die(&restart, &usual, EXIT_VERDICT_FAILED, i, &delay_ns);
    }
    restart_forgive(&restart, 3);
    assert_int_equal(restart_used(&restart), 1);
    restart_forgive(&restart, 100);
    assert_int_equal(restart_used(&restart), 0);
    die(&restart, &usual, EXIT_VERDICT_FAILED, 9, &delay_ns);
    assert_in_range(delay_ns, 2 * SECOND, 2 * SECOND + SECOND / 5);
    restart_fini(&restart);
}

// R-IOX-018
static void a_death_in_doubt_is_forgiven_once_it_is_known_whose_fault_it_was(void **state)
{
    (void)state;
    struct restart restart = {.count = 0};
    int64_t delay_ns = 0;
    for (int i = 0; i < 2; i++) {
        die(&restart, &usual, EXIT_VERDICT_FAILED, i, &delay_ns);
    }
    restart_settle(&restart, true);
    assert_int_equal(restart_used(&restart), 2);
    restart_doubt(&restart);
    restart_settle(&restart, false);
    restart_settle(&restart, true);
    assert_int_equal(restart_used(&restart), 2);
    restart_doubt(&restart);
    restart_settle(&restart, true);
    assert_int_equal(restart_used(&restart), 1);
    restart_fini(&restart);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_restarts_with_growing_waits_and_then_no_more),
        cmocka_unit_test(a_budget_of_0_never_starts_again_and_an_unlimited_one_always),
        cmocka_unit_test(a_healthy_life_forgives_what_was_before),
        cmocka_unit_test(the_exit_status_and_the_rules_say_who_is_started_again),
        cmocka_unit_test(a_death_in_doubt_is_forgiven_once_it_is_known_whose_fault_it_was),
        cmocka_unit_test(deaths_that_were_the_doing_of_a_frame_are_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
