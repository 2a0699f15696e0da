// SPDX-License-Identifier: Apache-2.0
// Ends and counters of a link over its generations.
#include "pages_fixture.h"

static void a_link_without_memory_has_no_end_and_no_frames(void **state)
{
    struct fixture *fixture = *state;
    assert_null(pages_set_lost(&fixture->link));
    assert_false(pages_is_stream_ended(&fixture->link));
    struct account account = pages_account(&fixture->link);
    assert_int_equal(account.published, 0);
}

static void the_end_of_a_crash_is_in_the_cells(void **state)
{
    struct fixture *fixture = *state;
    struct generation *first = add_generation(fixture, 1, 1);
    publish(first, 1, 1);
    publish(first, 1, 2);
    assert_false(pages_is_stream_ended(&fixture->link));
    assert_ptr_equal(pages_set_lost(&fixture->link), first);
    assert_int_equal(first->links[0].end_seq, 3);
    assert_int_equal(first->links[0].end_kind, LINK_END_LOST);
    assert_false(pages_is_stream_ended(&fixture->link));
}

static void an_end_that_was_written_is_one(void **state)
{
    struct fixture *fixture = *state;
    struct generation *first = add_generation(fixture, 1, 1);
    publish(first, 1, 1);
    end_at(first, 2, LINK_END_STREAM);
    assert_true(pages_is_stream_ended(&fixture->link));
}

static void before_the_switch_the_end_is_in_the_old_generation(void **state)
{
    struct fixture *fixture = *state;
    struct generation *first = add_generation(fixture, 1, 1);
    add_generation(fixture, 2, 0);
    publish(first, 1, 1);
    assert_ptr_equal(pages_set_lost(&fixture->link), first);
    assert_int_equal(first->links[0].end_seq, 2);
}

static void after_the_switch_the_new_generation_begins_at_the_old_end(void **state)
{
    struct fixture *fixture = *state;
    struct generation *first = add_generation(fixture, 1, 1);
    struct generation *second = add_generation(fixture, 2, 0);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        publish(first, 1, seq);
    }
    end_at(first, 4, LINK_END_GENERATION);
    publish(second, 4, 4);
    publish(second, 4, 5);
    assert_ptr_equal(pages_set_lost(&fixture->link), second);
    assert_int_equal(second->links[0].first_seq, 4);
    assert_int_equal(second->links[0].end_seq, 6);
}

// R-DATA-007
static void counters_of_both_generations_and_of_the_past_are_summed(void **state)
{
    struct fixture *fixture = *state;
    struct generation *first = add_generation(fixture, 1, 1);
    struct generation *second = add_generation(fixture, 2, 0);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        publish(first, 1, seq);
    }
    end_at(first, 4, LINK_END_GENERATION);
    atomic_store(&consume_of(first)->next, 3);
    atomic_store(&consume_of(first)->retired, 1);
    publish(second, 4, 4);
    struct account account = pages_account(&fixture->link);
    assert_true(account_is_balanced(&account));
    assert_int_equal(account.published, 4);
    assert_int_equal(account.released, 1);
    assert_int_equal(account.held, 1);
    assert_int_equal(account.queued, 2);
    // The old one is read to its end and dropped: nothing is forgotten.
    atomic_store(&consume_of(first)->next, 4);
    atomic_store(&consume_of(first)->retired, 3);
    pages_keep(first);
    fixture->output.generations[0] = second;
    fixture->output.generation_count = 1;
    free_generation(first);
    account = pages_account(&fixture->link);
    assert_true(account_is_balanced(&account));
    assert_int_equal(account.published, 4);
    assert_int_equal(account.released, 3);
    assert_int_equal(account.queued, 1);
    assert_int_equal(second->links[0].first_seq, 4);
}

// R-DATA-030 R-DATA-007: of each life of the producer something is held.
static void any_number_of_generations_is_counted_and_ended(void **state)
{
    struct fixture *fixture = *state;
    struct generation *newest = NULL;
    for (uint32_t number = 1; number <= 20; number++) {
        newest = add_generation(fixture, number, number == 1 ? 1 : 0);
        publish(newest, number, number);
        if (number < 20) {
            end_at(newest, number + 1, LINK_END_GENERATION);
        }
        atomic_store(&consume_of(newest)->next, number + 1);
        atomic_store(&consume_of(newest)->retired, number - 1);
    }
    struct account account = pages_account(&fixture->link);
    assert_true(account_is_balanced(&account));
    assert_int_equal(account.published, 20);
    assert_int_equal(account.held, 20);
    assert_int_equal(newest->links[0].first_seq, 20);
    assert_ptr_equal(pages_set_lost(&fixture->link), newest);
    assert_int_equal(newest->links[0].end_seq, 21);
}

// R-DATA-030: a reader may be done with a newer one first.
static void a_generation_that_is_dropped_between_others_leaves_no_gap(void **state)
{
    struct fixture *fixture = *state;
    struct generation *first = add_generation(fixture, 1, 1);
    struct generation *second = add_generation(fixture, 2, 0);
    struct generation *third = add_generation(fixture, 3, 0);
    publish(first, 1, 1);
    end_at(first, 2, LINK_END_GENERATION);
    publish(second, 2, 2);
    end_at(second, 3, LINK_END_GENERATION);
    pages_resolve(&fixture->link);
    atomic_store(&consume_of(second)->next, 3);
    atomic_store(&consume_of(second)->retired, 2);
    pages_keep(second);
    fixture->output.generations[1] = third;
    fixture->output.generation_count = 2;
    free_generation(second);
    publish(third, 3, 3);
    struct account account = pages_account(&fixture->link);
    assert_true(account_is_balanced(&account));
    assert_int_equal(account.published, 3);
    assert_int_equal(account.released, 1);
    assert_int_equal(account.queued, 2);
    assert_int_equal(third->links[0].first_seq, 3);
}

// R-DATA-030
static void frames_that_were_taken_are_read_and_those_behind_them_are_not(void **state)
{
    struct fixture *fixture = *state;
    struct generation *first = add_generation(fixture, 1, 1);
    assert_false(pages_is_unread(&first->links[0]));
    publish(first, 1, 1);
    assert_true(pages_is_unread(&first->links[0]));
    atomic_store(&consume_of(first)->next, 2);
    assert_false(pages_is_unread(&first->links[0]));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_link_without_memory_has_no_end_and_no_frames),
        CASE(the_end_of_a_crash_is_in_the_cells),
        CASE(an_end_that_was_written_is_one),
        CASE(before_the_switch_the_end_is_in_the_old_generation),
        CASE(after_the_switch_the_new_generation_begins_at_the_old_end),
        CASE(counters_of_both_generations_and_of_the_past_are_summed),
        CASE(any_number_of_generations_is_counted_and_ended),
        CASE(a_generation_that_is_dropped_between_others_leaves_no_gap),
        CASE(frames_that_were_taken_are_read_and_those_behind_them_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
