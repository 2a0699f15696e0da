// SPDX-License-Identifier: Apache-2.0
// Who waits for whom, and who can never go on.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/supervision/wait_cycle.h"

enum { A, B, D, NODES };

// A -> D (port 0), A -> B (port 1), B -> D (port 2); B holds frames back and D wants both.
static struct wait_node nodes[NODES];
static struct wait_link links[3];
static bool stuck[NODES];

static void set_join(void)
{
    nodes[A] = (struct wait_node){.is_for_space = true};
    nodes[B] = (struct wait_node){.is_for_frames = true};
    nodes[D] = (struct wait_node){.is_for_frames = true, .needs_all = true};
    links[0] = (struct wait_link){.from = A, .to = D, .port = 0, .is_open = true, .is_full = true};
    links[1] = (struct wait_link){.from = A, .to = B, .port = 1, .is_open = true};
    links[2] = (struct wait_link){.from = B, .to = D, .port = 2, .is_open = true};
    links[1].is_missing = true;
    links[2].is_missing = true;
}

static size_t find(void)
{
    return wait_cycle_find(nodes, NODES, links, 3, stuck);
}

// R-SUP-022
static void a_join_that_waits_for_itself_is_found(void **state)
{
    (void)state;
    set_join();
    assert_int_equal(find(), 3);
    assert_true(stuck[A] && stuck[B] && stuck[D]);
}

// R-SUP-022
static void one_that_can_go_on_frees_the_others(void **state)
{
    (void)state;
    set_join();
    nodes[B].is_for_frames = false;
    assert_int_equal(find(), 0);
    set_join();
    links[0].is_full = false;
    assert_int_equal(find(), 0);
    set_join();
    links[2].is_missing = false;
    assert_int_equal(find(), 0);
}

static void any_input_is_enough_for_a_node_that_takes_any(void **state)
{
    (void)state;
    set_join();
    // D takes what there is: its full input would feed it.
    nodes[D].is_for_frames = false;
    assert_int_equal(find(), 0);
    // Two producers into one input: one of them goes on.
    set_join();
    links[2].port = 0;
    links[0].is_missing = true;
    nodes[B].is_for_frames = false;
    assert_int_equal(find(), 0);
}

static void an_input_that_has_ended_is_not_waited_for(void **state)
{
    (void)state;
    set_join();
    links[2].is_open = false;
    assert_int_equal(find(), 0);
}

static void a_full_link_to_a_slow_reader_is_no_circle(void **state)
{
    (void)state;
    set_join();
    nodes[D] = (struct wait_node){.is_for_space = false};
    nodes[B].is_for_frames = false;
    assert_int_equal(find(), 0);
}

// s -> m, m -> b -> j, m -> j, j -> y: m, b and j wait for each other; s and y for them.
// R-SUP-083
static void who_waits_behind_a_circle_is_not_in_it(void **state)
{
    (void)state;
    enum { S, M, HOLDER, J, Y, COUNT };
    struct wait_node all[COUNT] = {[S] = {.is_for_space = true},
                                   [M] = {.is_for_space = true},
                                   [HOLDER] = {.is_for_frames = true},
                                   [J] = {.is_for_frames = true, .needs_all = true},
                                   [Y] = {.is_for_frames = true}};
    struct wait_link ways[] = {{.from = S, .to = M, .port = 0, .is_open = true, .is_full = true},
                               {.from = M, .to = HOLDER, .port = 1, .is_open = true},
                               {.from = M, .to = J, .port = 2, .is_open = true, .is_full = true},
                               {.from = HOLDER, .to = J, .port = 3, .is_open = true},
                               {.from = J, .to = Y, .port = 4, .is_open = true}};
    ways[1].is_missing = true;
    ways[3].is_missing = true;
    ways[4].is_missing = true;
    bool are_stuck[COUNT];
    uint32_t circles[COUNT];
    assert_int_equal(wait_cycle_find(all, COUNT, ways, 5, are_stuck), COUNT);
    wait_cycle_number(ways, 5, COUNT, circles);
    assert_int_equal(circles[S], 0);
    assert_int_equal(circles[Y], 0);
    assert_int_not_equal(circles[M], 0);
    assert_int_equal(circles[M], circles[HOLDER]);
    assert_int_equal(circles[M], circles[J]);
    assert_true(ways[0].is_space_awaited && !wait_cycle_has(&ways[0], circles));
    assert_true(ways[2].is_space_awaited && wait_cycle_has(&ways[2], circles));
    assert_true(ways[3].are_frames_awaited && wait_cycle_has(&ways[3], circles));
    assert_false(wait_cycle_has(&ways[4], circles));
}

// A reader that holds all that its link has place for, and a second pair like it behind.
// R-SUP-083
static void two_circles_have_two_numbers(void **state)
{
    (void)state;
    enum { A1, B1, A2, B2, COUNT };
    struct wait_node all[COUNT] = {{.is_for_space = true},
                                   {.is_for_frames = true},
                                   {.is_for_space = true},
                                   {.is_for_frames = true}};
    struct wait_link ways[] = {
        {.from = A1, .to = B1, .port = 0, .is_open = true, .is_full = true, .is_missing = true},
        {.from = A1, .to = A2, .port = 1, .is_open = true, .is_full = true},
        {.from = A2, .to = B2, .port = 2, .is_open = true, .is_full = true, .is_missing = true}};
    bool are_stuck[COUNT];
    uint32_t circles[COUNT];
    assert_int_equal(wait_cycle_find(all, COUNT, ways, 3, are_stuck), COUNT);
    wait_cycle_number(ways, 3, COUNT, circles);
    assert_int_equal(circles[A1], circles[B1]);
    assert_int_equal(circles[A2], circles[B2]);
    assert_int_not_equal(circles[A1], circles[A2]);
    assert_true(wait_cycle_has(&ways[0], circles) && wait_cycle_has(&ways[2], circles));
    assert_false(wait_cycle_has(&ways[1], circles));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_join_that_waits_for_itself_is_found),
        cmocka_unit_test(one_that_can_go_on_frees_the_others),
        cmocka_unit_test(any_input_is_enough_for_a_node_that_takes_any),
        cmocka_unit_test(an_input_that_has_ended_is_not_waited_for),
        cmocka_unit_test(a_full_link_to_a_slow_reader_is_no_circle),
        cmocka_unit_test(who_waits_behind_a_circle_is_not_in_it),
        cmocka_unit_test(two_circles_have_two_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
