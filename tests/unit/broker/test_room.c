// SPDX-License-Identifier: Apache-2.0
// R-SUP-081: when an output may have one more generation, and whom it waits for.
#include "broker/links/room.h"

#include "pages_fixture.h"

// A life of the producer that published one frame and died.
static struct generation *add_life(struct fixture *fixture, uint32_t number)
{
    struct generation *life = add_generation(fixture, number, number);
    publish(life, number, number);
    life->is_orphan = true;
    life->links[0].end_seq = number + 1;
    life->links[0].end_kind = LINK_END_GENERATION;
    return life;
}

static void take(struct generation *life)
{
    atomic_store(&consume_of(life)->next, (uint64_t)life->number + 1);
}

static void a_reader_that_has_read_all_may_hold_frames_of_any_number(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t number = 1; number <= 5 * ROOM_UNREAD_MAX; number++) {
        assert_int_equal(room_look(&fixture->output), ROOM_FREE);
        take(add_life(fixture, number));
    }
    assert_int_equal(room_unread(&fixture->link), 0);
}

static void a_reader_that_is_too_far_behind_is_waited_for(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t number = 1; number < ROOM_UNREAD_MAX; number++) {
        add_life(fixture, number);
    }
    assert_int_equal(room_look(&fixture->output), ROOM_FREE);
    add_life(fixture, ROOM_UNREAD_MAX);
    assert_int_equal(room_look(&fixture->output), ROOM_UNREAD);
    fixture->output.is_offer_new = true;
    assert_true(room_is_withheld(&fixture->link));
    take(fixture->output.generations[0]);
    assert_int_equal(room_unread(&fixture->link), ROOM_UNREAD_MAX - 1);
    assert_int_equal(room_look(&fixture->output), ROOM_FREE);
    assert_false(room_is_withheld(&fixture->link));
}

static void lives_without_a_frame_count_only_behind_one_that_has_some(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t number = 2; number < 5; number++) {
        add_generation(fixture, number, 2)->is_orphan = true;
    }
    assert_int_equal(room_unread(&fixture->link), 0);
    publish(fixture->output.generations[1], 2, 2);
    assert_int_equal(room_unread(&fixture->link), 2);
}

static void who_waits_in_a_circle_gets_it_all_the_same(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t number = 1; number <= ROOM_UNREAD_MAX; number++) {
        add_life(fixture, number);
    }
    fixture->output.is_room_forced = true;
    assert_int_equal(room_look(&fixture->output), ROOM_FREE);
}

static void a_link_that_is_over_holds_nobody_up(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t number = 1; number <= ROOM_UNREAD_MAX; number++) {
        add_life(fixture, number);
    }
    fixture->link.state = LINK_DISCONNECTED;
    assert_int_equal(room_look(&fixture->output), ROOM_FREE);
}

// It has place for the one that it writes, and for the next.
static void a_producer_that_goes_on_gets_a_third_when_it_has_left_the_first(void **state)
{
    struct fixture *fixture = *state;
    struct generation *first = add_generation(fixture, 1, 1);
    struct generation *second = add_generation(fixture, 2, 0);
    for (size_t i = 0; i < 2; i++) {
        struct generation *generation = fixture->output.generations[i];
        generation->pool.is_sealed = true;
        generation->links[0].publish.is_sealed = true;
        generation->links[0].consume.is_sealed = true;
    }
    assert_int_equal(room_look(&fixture->output), ROOM_BUSY);
    publish(first, 1, 1);
    end_at(first, 2, LINK_END_GENERATION);
    assert_int_equal(room_look(&fixture->output), ROOM_FREE);
    second->is_being_made = true;
    assert_int_equal(room_look(&fixture->output), ROOM_BUSY);
}

static void memory_is_waited_for_only_where_some_will_come(void **state)
{
    struct fixture *fixture = *state;
    assert_false(room_will_come(&fixture->output));
    struct generation *only = add_generation(fixture, 1, 1);
    assert_false(room_will_come(&fixture->output));
    only->is_orphan = true;
    assert_true(room_will_come(&fixture->output));
    // Its reader is the one that keeps it.
    assert_false(room_is_withheld(&fixture->link));
    fixture->output.is_memory_awaited = true;
    assert_true(room_is_withheld(&fixture->link));
    only->links[0].is_drained = true;
    assert_false(room_is_withheld(&fixture->link));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_reader_that_has_read_all_may_hold_frames_of_any_number),
        CASE(a_reader_that_is_too_far_behind_is_waited_for),
        CASE(lives_without_a_frame_count_only_behind_one_that_has_some),
        CASE(who_waits_in_a_circle_gets_it_all_the_same),
        CASE(a_link_that_is_over_holds_nobody_up),
        CASE(a_producer_that_goes_on_gets_a_third_when_it_has_left_the_first),
        CASE(memory_is_waited_for_only_where_some_will_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
