// SPDX-License-Identifier: Apache-2.0
// Every frame of a link is somewhere, whatever a worker writes into its page.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/links/account.h"

#define DEPTH 4
#define CLAIMS 2

struct pages {
    struct publish_page *publish;
    struct consume_page *consume;
    struct account_link link;
};

static struct pages pages_new(enum sb_delivery delivery)
{
    struct pages pages = {
        .publish = calloc(1, layout_publish_page_bytes(DEPTH)),
        .consume = calloc(1, layout_consume_page_bytes(DEPTH, CLAIMS)),
        .link = {.delivery = delivery, .depth = DEPTH, .claims = CLAIMS, .first_seq = 1}};
    assert_non_null(pages.publish);
    assert_non_null(pages.consume);
    atomic_store(&pages.consume->next, 1);
    return pages;
}

static void pages_free(struct pages *pages)
{
    free(pages->publish);
    free(pages->consume);
}

static void publish(struct pages *pages, uint64_t seq)
{
    uint64_t first = pages->link.first_seq;
    atomic_store(&publish_cell(pages->publish, DEPTH, (seq - first) % DEPTH)->seq, seq);
    atomic_store(&pages->publish->tail, seq);
}

static void set_state(struct pages *pages, uint64_t seq, enum cell_state state)
{
    uint8_t *bytes = (uint8_t *)pages->consume;
    bytes[layout_cell_states_offset(CLAIMS) + (seq - pages->link.first_seq) % DEPTH] =
        (uint8_t)state;
}

static struct account read_account(const struct pages *pages)
{
    struct account account = account_link(&pages->link, pages->publish, pages->consume);
    assert_true(account_is_balanced(&account));
    return account;
}

// R-DATA-007
static void a_lossless_link_counts_released_held_and_queued(void **state)
{
    (void)state;
    struct pages pages = pages_new(SB_DELIVERY_LOSSLESS);
    for (uint64_t seq = 1; seq <= 6; seq++) {
        publish(&pages, seq);
    }
    atomic_store(&pages.consume->next, 6);
    atomic_store(&pages.consume->retired, 2);
    set_state(&pages, 4, CELL_RELEASED);
    struct account account = read_account(&pages);
    assert_int_equal(account.published, 6);
    assert_int_equal(account.released, 3);
    assert_int_equal(account.held, 2);
    assert_int_equal(account.queued, 1);
    assert_int_equal(account.clamped, 0);
    pages_free(&pages);
}

// R-DATA-008
static void an_evicting_link_counts_what_was_evicted(void **state)
{
    (void)state;
    struct pages pages = pages_new(SB_DELIVERY_ORDERED);
    for (uint64_t seq = 1; seq <= 10; seq++) {
        publish(&pages, seq);
    }
    atomic_store(&pages.consume->next, 9);
    atomic_store(&pages.consume->evicted, 5);
    atomic_store(&pages.consume->hazards[1], 8);
    struct account account = read_account(&pages);
    assert_int_equal(account.published, 10);
    assert_int_equal(account.evicted, 5);
    assert_int_equal(account.held, 1);
    assert_int_equal(account.released, 2);
    assert_int_equal(account.queued, 2);
    char text[256];
    account_text(&account, text, sizeof text);
    assert_string_equal(text, "published=10 released=2 evicted=5 queued=2 held=1");
    pages_free(&pages);
}

static void the_end_of_a_dead_producer_is_found_in_the_cells(void **state)
{
    (void)state;
    struct pages pages = pages_new(SB_DELIVERY_LOSSLESS);
    publish(&pages, 1);
    publish(&pages, 2);
    // Committed, but the producer died before it moved the hint.
    atomic_store(&publish_cell(pages.publish, DEPTH, 2)->seq, 3);
    assert_int_equal(account_end(pages.publish, DEPTH, 1), 4);
    atomic_store(&pages.publish->end, 3);
    assert_int_equal(account_end(pages.publish, DEPTH, 1), 3);
    pages_free(&pages);
}

static void generations_of_a_link_are_summed(void **state)
{
    (void)state;
    struct pages pages = pages_new(SB_DELIVERY_ORDERED);
    pages.link.first_seq = 101;
    atomic_store(&pages.publish->tail, 100);
    atomic_store(&pages.consume->next, 101);
    publish(&pages, 101);
    struct account sum = {.published = 100, .released = 80, .evicted = 20};
    struct account newest = read_account(&pages);
    account_add(&sum, &newest);
    assert_true(account_is_balanced(&sum));
    assert_int_equal(sum.published, 101);
    assert_int_equal(sum.evicted, 20);
    assert_int_equal(sum.released, 80);
    assert_int_equal(sum.queued, 1);
    // A generation that has not begun has nothing.
    pages.link.first_seq = 0;
    newest = read_account(&pages);
    assert_int_equal(newest.published, 0);
    pages_free(&pages);
}

static void a_link_without_a_reader_has_everything_queued(void **state)
{
    (void)state;
    struct pages pages = pages_new(SB_DELIVERY_LOSSLESS);
    publish(&pages, 1);
    publish(&pages, 2);
    struct account account = account_link(&pages.link, pages.publish, NULL);
    assert_true(account_is_balanced(&account));
    assert_int_equal(account.queued, 2);
    account_abandon(&account);
    assert_true(account_is_balanced(&account));
    assert_int_equal(account.abandoned, 2);
    account = account_link(&pages.link, NULL, NULL);
    assert_int_equal(account.published, 0);
    pages_free(&pages);
}

// R-DATA-022
static void lies_are_clamped_counted_and_the_equation_still_holds(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (unsigned round = 0; round < 20000; round++) {
        struct pages pages = pages_new(round % 2 == 0 ? SB_DELIVERY_LOSSLESS : SB_DELIVERY_LATEST);
        uint64_t words[8];
        for (size_t i = 0; i < 8; i++) {
            words[i] = (uint64_t)rand_r(&seed) << (unsigned)(rand_r(&seed) % 40);
            words[i] = rand_r(&seed) % 3 == 0 ? UINT64_MAX - words[i] % 4 : words[i] % 12;
        }
        atomic_store(&pages.publish->tail, words[0]);
        atomic_store(&pages.publish->end, words[1]);
        atomic_store(&pages.consume->next, words[2]);
        atomic_store(&pages.consume->retired, words[3]);
        atomic_store(&pages.consume->evicted, words[4]);
        atomic_store(&pages.consume->poisoned, words[5]);
        atomic_store(&pages.consume->hazards[0], words[6]);
        atomic_store(&publish_cell(pages.publish, DEPTH, words[7] % DEPTH)->seq, words[7]);
        read_account(&pages);
        pages_free(&pages);
    }
}

// Its reader has not come to it, and its first seq was not known when it was made.
// R-DATA-007
static void a_page_that_nobody_has_begun_is_no_lie(void **state)
{
    (void)state;
    struct pages pages = pages_new(SB_DELIVERY_LOSSLESS);
    pages.link.first_seq = 17;
    atomic_store(&pages.consume->next, 0);
    struct account empty = read_account(&pages);
    assert_int_equal(empty.clamped, 0);
    publish(&pages, 17);
    publish(&pages, 18);
    struct account account = read_account(&pages);
    assert_int_equal(account.published, 2);
    assert_int_equal(account.queued, 2);
    assert_int_equal(account.clamped, 0);
    // Begun, and from before its first.
    atomic_store(&pages.consume->next, 3);
    assert_int_equal(read_account(&pages).clamped, 2);
    pages_free(&pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lossless_link_counts_released_held_and_queued),
        cmocka_unit_test(an_evicting_link_counts_what_was_evicted),
        cmocka_unit_test(the_end_of_a_dead_producer_is_found_in_the_cells),
        cmocka_unit_test(generations_of_a_link_are_summed),
        cmocka_unit_test(a_link_without_a_reader_has_everything_queued),
        cmocka_unit_test(lies_are_clamped_counted_and_the_equation_still_holds),
        cmocka_unit_test(a_page_that_nobody_has_begun_is_no_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
