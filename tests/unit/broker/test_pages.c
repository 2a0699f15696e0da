// SPDX-License-Identifier: Apache-2.0
// Ends and counters of a link over two generations.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "broker/links/pages.h"

#define DEPTH 4
#define CLAIMS 2

struct fixture {
    struct graph_link wanted;
    struct actual_link link;
    struct actual_output output;
};

static struct generation *add_generation(struct fixture *fixture, uint32_t number,
                                         uint64_t first_seq)
{
    struct generation *generation = calloc(1, sizeof *generation + sizeof generation->links[0]);
    struct publish_page *publish = calloc(1, layout_publish_page_bytes(DEPTH));
    struct consume_page *consume = calloc(1, layout_consume_page_bytes(DEPTH, CLAIMS));
    assert_non_null(generation);
    assert_non_null(publish);
    assert_non_null(consume);
    atomic_store(&consume->next, first_seq == 0 ? 1 : first_seq);
    generation->output = &fixture->output;
    generation->number = number;
    generation->link_count = 1;
    generation->links[0] =
        (struct generation_link){.link = &fixture->link, .depth = DEPTH, .first_seq = first_seq};
    generation->links[0].publish.view = publish;
    generation->links[0].consume.view = consume;
    fixture->output.old = fixture->output.now;
    fixture->output.now = generation;
    return generation;
}

static void free_generation(struct generation *generation)
{
    if (generation != NULL) {
        free((void *)(uintptr_t)generation->links[0].publish.view);
        free((void *)(uintptr_t)generation->links[0].consume.view);
        free(generation);
    }
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (fixture == NULL) {
        return -1;
    }
    fixture->wanted.found.depth = DEPTH;
    fixture->wanted.found.claims = CLAIMS;
    fixture->wanted.found.delivery = SB_DELIVERY_LOSSLESS;
    fixture->link.wanted = &fixture->wanted;
    fixture->link.output = &fixture->output;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    free_generation(fixture->output.old);
    free_generation(fixture->output.now);
    free(fixture);
    return 0;
}

static struct publish_page *publish_of(struct generation *generation)
{
    return (void *)(uintptr_t)generation->links[0].publish.view;
}

static struct consume_page *consume_of(struct generation *generation)
{
    return (void *)(uintptr_t)generation->links[0].consume.view;
}

static void publish(struct generation *generation, uint64_t first, uint64_t seq)
{
    atomic_store(&publish_cell(publish_of(generation), DEPTH, (seq - first) % DEPTH)->seq, seq);
    atomic_store(&publish_of(generation)->tail, seq);
}

static void end_at(struct generation *generation, uint64_t end, enum link_end kind)
{
    atomic_store(&publish_of(generation)->end_kind, kind);
    atomic_store(&publish_of(generation)->end, end);
}

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
    fixture->output.old = NULL;
    free_generation(first);
    account = pages_account(&fixture->link);
    assert_true(account_is_balanced(&account));
    assert_int_equal(account.published, 4);
    assert_int_equal(account.released, 3);
    assert_int_equal(account.queued, 1);
    assert_int_equal(second->links[0].first_seq, 4);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
