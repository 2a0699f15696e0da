// SPDX-License-Identifier: Apache-2.0
// The states of a node are one table; every pair of state and event is in it or illegal.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "broker/lives/node.h"

static struct node_life node_in(enum node_state state)
{
    return (struct node_life){.id = "camera", .state = state, .generation = 3, .since_ns = 1};
}

// R-WORKER-012
static void every_pair_is_a_transition_or_illegal(void **state)
{
    (void)state;
    unsigned legal = 0;
    for (unsigned from = 0; from < NODE_STATE_COUNT; from++) {
        for (unsigned event = 0; event < NODE_EVENT_COUNT; event++) {
            if (!node_is_legal(from, event)) {
                continue;
            }
            struct node_life node = node_in(from);
            node_transition(&node, event, "test", 5);
            assert_true(node.state < NODE_STATE_COUNT);
            assert_int_equal(node.since_ns, 5);
            legal++;
        }
    }
    // The number of entries of the table: a changed one must be looked at.
    assert_int_equal(legal, 46);
}

static void every_state_is_reached_and_left(void **state)
{
    (void)state;
    for (unsigned wanted = 1; wanted < NODE_STATE_COUNT; wanted++) {
        unsigned in = 0;
        unsigned out = 0;
        for (unsigned from = 0; from < NODE_STATE_COUNT; from++) {
            for (unsigned event = 0; event < NODE_EVENT_COUNT; event++) {
                struct node_life node = node_in(from);
                if (node_is_legal(from, event)) {
                    node_transition(&node, event, "test", 5);
                    in += node.state == wanted && from != wanted ? 1 : 0;
                    out += node.state != wanted && from == wanted ? 1 : 0;
                }
            }
        }
        assert_true(in > 0);
        assert_true(out > 0);
    }
}

// R-GRAPH-029
static void each_start_is_a_new_generation_and_nothing_else_is(void **state)
{
    (void)state;
    struct node_life node = {.id = "camera"};
    node_transition(&node, NODE_ON_START, "test", 1);
    assert_int_equal(node.generation, 1);
    node_transition(&node, NODE_ON_READY, "test", 2);
    node_transition(&node, NODE_ON_RUN, "test", 3);
    node_transition(&node, NODE_ON_RETRY, "test", 4);
    assert_int_equal(node.generation, 1);
    node_transition(&node, NODE_ON_START, "test", 5);
    assert_int_equal(node.generation, 2);
    assert_int_equal(node.state, NODE_STARTING);
}

static void a_worker_that_ends_before_it_was_ready_has_not_finished(void **state)
{
    (void)state;
    assert_false(node_is_legal(NODE_STARTING, NODE_ON_FINISH));
    assert_true(node_is_legal(NODE_STARTING, NODE_ON_FAIL));
}

static void a_state_is_alive_or_over_and_never_both(void **state)
{
    (void)state;
    for (unsigned s = 0; s < NODE_STATE_COUNT; s++) {
        assert_false(node_is_alive(s) && node_is_over(s));
        assert_string_not_equal(node_state_name(s), "?");
    }
    assert_string_equal(node_state_name(NODE_STATE_COUNT), "?");
    assert_string_equal(node_event_name(NODE_ON_RETRY), "retry");
    assert_string_equal(node_event_name(NODE_EVENT_COUNT), "?");
}

int main(void)
{
    log_configure(LOG_WARNING, LOG_FORMAT_TEXT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_is_a_transition_or_illegal),
        cmocka_unit_test(every_state_is_reached_and_left),
        cmocka_unit_test(each_start_is_a_new_generation_and_nothing_else_is),
        cmocka_unit_test(a_worker_that_ends_before_it_was_ready_has_not_finished),
        cmocka_unit_test(a_state_is_alive_or_over_and_never_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
