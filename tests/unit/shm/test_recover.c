// SPDX-License-Identifier: Apache-2.0
// What the broker makes of the pages of dead workers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "schemas/limits.h"
#include "unit/shm/ring_rig.h"

static void begin(struct ring_rig *rig, enum ring_rig_delivery delivery, uint32_t depth,
                  uint64_t first_seq)
{
    const struct ring_rig_config config = {
        .delivery = delivery, .depth = depth, .claims_max = 4, .first_seq = first_seq};
    ring_rig_init(rig, &config);
}

static uint64_t end_of(const struct ring_rig *rig)
{
    uint64_t first_seq = rig->config.first_seq;
    return recover_published_end(rig->publish, rig->config.depth, first_seq, first_seq);
}

static void publish(struct ring_rig *rig, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_true(ring_rig_publish(rig));
    }
}

static void take(struct ring_rig *rig, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct ring_lease lease;
        assert_int_equal(ring_reader_take(&rig->reader, &lease), RING_TAKEN);
    }
}

// R-DATA-009 R-DATA-025
static void the_end_of_a_dead_producer_is_behind_its_last_frame(void **state)
{
    (void)state;
    const uint64_t firsts[] = {1, 2, 1000};
    for (size_t f = 0; f < 3; f++) {
        for (uint32_t depth = 1; depth <= 5; depth++) {
            struct ring_rig rig;
            begin(&rig, RIG_ORDERED, depth, firsts[f]);
            assert_int_equal(end_of(&rig), firsts[f]);
            assert_int_equal(recover_last_step(rig.publish, depth, firsts[f], firsts[f]), 0);
            for (uint64_t n = 1; n <= 12; n++) {
                publish(&rig, 1);
                assert_int_equal(end_of(&rig), firsts[f] + n);
                assert_int_equal(recover_last_step(rig.publish, depth, firsts[f], firsts[f] + n),
                                 ring_rig_step(firsts[f] + n - 1));
            }
            ring_rig_fini(&rig);
        }
    }
}

// R-DATA-025
static void a_tail_that_was_not_stored_any_more_is_made_up_for_by_the_cells(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_LOSSLESS, 4, 1);
    publish(&rig, 3);
    atomic_store(&rig.publish->tail, 2);
    assert_int_equal(end_of(&rig), 4);
    ring_rig_fini(&rig);
}

// R-DATA-022
static void a_tail_that_no_cell_confirms_is_not_believed(void **state)
{
    (void)state;
    const uint64_t lies[] = {0, 4, 100, UINT64_MAX, UINT64_MAX / 2, LIMIT_SEQ_MAX + 1};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct ring_rig rig;
        begin(&rig, RIG_LOSSLESS, 4, 1);
        publish(&rig, 3);
        atomic_store(&rig.publish->tail, lies[i]);
        assert_int_equal(recover_published_end(rig.publish, 4, 1, 3), 4);
        ring_rig_fini(&rig);
    }
}

// R-DATA-018: the only cell held the seq of the old frame and the step of the next one: on a
// lossless link the frame of that step was suppressed when the step was run again, and so was lost.
static void a_death_in_the_only_cell_does_not_count_the_step_that_was_not_published(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_LOSSLESS, 1, 1);
    publish(&rig, 1);
    struct link_cell *cell = publish_cell(rig.publish, 1, 0);
    atomic_store(&rig.publish->low, 2);
    atomic_store(&cell->seq, 0);
    atomic_store(&cell->step, ring_rig_step(2));
    assert_int_equal(end_of(&rig), 2);
    assert_int_equal(recover_last_step(rig.publish, 1, 1, 2), 0);
    ring_rig_fini(&rig);
}

static struct recovered_reader recover(struct ring_rig *rig, const uint64_t *done_seqs,
                                       uint32_t done_count)
{
    struct recovered_reader reader;
    ring_rig_replace_reader(rig, end_of(rig), done_seqs, done_count, &reader);
    return reader;
}

// R-DATA-024
static void frames_whose_step_was_done_count_as_released(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_LOSSLESS, 8, 1);
    publish(&rig, 6);
    take(&rig, 4);
    const uint64_t done[] = {1, 3, 0, 77, UINT64_MAX};
    struct recovered_reader reader = recover(&rig, done, 5);
    assert_int_equal(reader.next, 5);
    assert_int_equal(reader.retired, 1);
    assert_int_equal(reader.released, 1);
    assert_int_equal(reader.clamped, 0);
    struct ring_lease lease;
    const uint64_t expected[] = {2, 4, 5, 6};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ring_reader_take(&rig.reader, &lease), RING_TAKEN);
        assert_int_equal(lease.seq, expected[i]);
        assert_int_equal(lease.is_redelivered, lease.seq < 5);
    }
    ring_rig_fini(&rig);
}

// R-DATA-022: an honest reader of an evicting link, which retires nothing, was reported as a liar.
static void an_honest_page_is_never_clamped(void **state)
{
    (void)state;
    const enum ring_rig_delivery deliveries[] = {RIG_LOSSLESS, RIG_ORDERED, RIG_LATEST};
    for (size_t i = 0; i < 3; i++) {
        struct ring_rig rig;
        begin(&rig, deliveries[i], 4, 10);
        for (int n = 0; n < 30; n++) {
            publish(&rig, 1);
            take(&rig, 1);
            assert_int_equal(ring_reader_release(&rig.reader, rig.reader.next - 1), 0);
        }
        publish(&rig, 2);
        take(&rig, 1);
        struct recovered_reader reader = recover(&rig, NULL, 0);
        assert_int_equal(reader.clamped, 0);
        assert_int_equal(reader.next, deliveries[i] == RIG_LATEST ? 42 : 41);
        ring_rig_fini(&rig);
    }
}

// R-DATA-026
static void counters_go_on_in_the_next_page(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_ORDERED, 4, 1);
    publish(&rig, 10);
    assert_int_equal(ring_reader_skip(&rig.reader), RING_TAKEN);
    struct recovered_reader reader = recover(&rig, NULL, 0);
    assert_int_equal(reader.evicted, 6);
    assert_int_equal(reader.poisoned, 1);
    assert_int_equal(atomic_load(&rig.consume->evicted), 6);
    assert_int_equal(atomic_load(&rig.consume->poisoned), 1);
    ring_rig_fini(&rig);
}

static void lie(struct ring_rig *rig, uint64_t value)
{
    struct consume_page *page = rig->consume;
    memset((uint8_t *)page + 64, 0x01, rig->consume_bytes - 64);
    atomic_store(&page->next, value);
    atomic_store(&page->retired, value);
    atomic_store(&page->evicted, value);
    atomic_store(&page->poisoned, value);
    atomic_store(&page->jump_to, value);
    atomic_store(&page->jump_evicted, ~value);
}

// R-DATA-022
static void lies_of_a_dead_consumer_are_clamped_to_what_its_producer_can_have(void **state)
{
    (void)state;
    const uint64_t values[] = {0, 1, 5, 9, 13, UINT64_MAX, UINT64_MAX / 2, LIMIT_SEQ_MAX};
    const enum ring_rig_delivery deliveries[] = {RIG_LOSSLESS, RIG_ORDERED};
    for (size_t d = 0; d < 2; d++) {
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            struct ring_rig rig;
            begin(&rig, deliveries[d], 4, 1);
            for (int n = 0; n < 8; n++) {
                publish(&rig, 1);
                take(&rig, 1);
                assert_int_equal(ring_reader_release(&rig.reader, rig.reader.next - 1), 0);
            }
            publish(&rig, 4);
            lie(&rig, values[i]);
            struct recovered_reader reader = recover(&rig, NULL, 0);
            assert_true(reader.next >= 1 && reader.next <= 13);
            assert_true(reader.evicted + reader.poisoned <= reader.next - 1);
            // A lossless ring of 4 whose newest frame is 12 cannot have 8 any more.
            assert_true(deliveries[d] != RIG_LOSSLESS || reader.retired >= 8);
            ring_rig_tell_writer(&rig);
            // The next life can work with it.
            publish(&rig, deliveries[d] == RIG_LOSSLESS ? 0 : 1);
            struct ring_lease lease;
            (void)ring_reader_take(&rig.reader, &lease);
            ring_rig_fini(&rig);
        }
    }
}

// R-DATA-022: a full ring of claims and a full list of done frames took the broker their product.
static void the_work_on_a_dead_page_is_linear(void **state)
{
    (void)state;
    struct ring_rig rig;
    const struct ring_rig_config config = {
        .delivery = RIG_LOSSLESS, .depth = LIMIT_DEPTH_MAX, .claims_max = 4, .payload_bytes = 8};
    ring_rig_init(&rig, &config);
    publish(&rig, LIMIT_DEPTH_MAX);
    atomic_store(&rig.consume->next, LIMIT_DEPTH_MAX + 1);
    static uint64_t done[LIMIT_STEP_CLAIMS_MAX];
    for (uint64_t i = 0; i < LIMIT_STEP_CLAIMS_MAX; i++) {
        done[i] = LIMIT_DEPTH_MAX - i;
    }
    int64_t began_ns = clock_thread_cpu_ns();
    struct recovered_reader reader = recover(&rig, done, LIMIT_STEP_CLAIMS_MAX);
    int64_t spent_ns = clock_thread_cpu_ns() - began_ns;
    assert_int_equal(reader.released, LIMIT_STEP_CLAIMS_MAX);
    assert_true(spent_ns < 100 * CLOCK_NS_PER_MS);
    ring_rig_fini(&rig);
}

// R-SUP-054
static void what_a_dead_reader_held_on_an_evicting_link_is_lost_and_counted(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_ORDERED, 8, 5);
    publish(&rig, 4);
    struct ring_lease leases[3];
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ring_reader_take(&rig.reader, &leases[i]), RING_TAKEN);
    }
    assert_int_equal(ring_reader_release(&rig.reader, leases[1].seq), 0);
    uint64_t done[] = {leases[2].seq};
    struct consume_page *fresh = calloc(1, layout_consume_page_bytes(8, 4));
    assert_non_null(fresh);
    fresh->depth = 8;
    fresh->claims_max = 4;
    struct recover_request request = {.claims_max = 4, .first_seq = 5, .published_end = 9};
    struct recovered_reader reader;
    recover_consume_page(rig.consume, &request, fresh, &reader);
    assert_int_equal(reader.next, 8);
    assert_int_equal(reader.lost, 2);
    request.done_seqs = done;
    request.done_count = 1;
    recover_consume_page(rig.consume, &request, fresh, &reader);
    assert_int_equal(reader.lost, 1);
    // A page that names the same frame everywhere, or frames that were never taken.
    for (size_t i = 0; i < 4; i++) {
        atomic_store(&rig.consume->hazards[i], i < 2 ? 6 : 1000 + i);
    }
    recover_consume_page(rig.consume, &request, fresh, &reader);
    assert_int_equal(reader.lost, 1);
    free(fresh);
    ring_rig_fini(&rig);
}

// R-LIVE-021
static void a_fresh_page_with_more_claims_has_the_states_of_the_dead_one(void **state)
{
    (void)state;
    enum { DEPTH = 8, MORE_CLAIMS = 64 };
    struct ring_rig rig;
    begin(&rig, RIG_LOSSLESS, DEPTH, 5);
    publish(&rig, 4);
    struct ring_lease leases[3];
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ring_reader_take(&rig.reader, &leases[i]), RING_TAKEN);
    }
    assert_int_equal(ring_reader_release(&rig.reader, leases[1].seq), 0);
    struct consume_page *fresh = calloc(1, layout_consume_page_bytes(DEPTH, MORE_CLAIMS));
    assert_non_null(fresh);
    fresh->depth = DEPTH;
    fresh->claims_max = MORE_CLAIMS;
    const struct recover_request request = {
        .is_lossless = true, .claims_max = 4, .first_seq = 5, .published_end = 9};
    struct recovered_reader reader;
    recover_consume_page(rig.consume, &request, fresh, &reader);
    assert_int_equal(reader.next, 8);
    assert_int_equal(reader.retired, 4);
    assert_int_equal(reader.released, 1);
    const _Atomic uint8_t *states =
        (const _Atomic uint8_t *)fresh + layout_cell_states_offset(MORE_CLAIMS);
    assert_int_equal(atomic_load(&states[leases[1].seq - 5]), CELL_RELEASED);
    free(fresh);
    ring_rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_page_with_more_claims_has_the_states_of_the_dead_one),
        cmocka_unit_test(what_a_dead_reader_held_on_an_evicting_link_is_lost_and_counted),
        cmocka_unit_test(the_end_of_a_dead_producer_is_behind_its_last_frame),
        cmocka_unit_test(a_tail_that_was_not_stored_any_more_is_made_up_for_by_the_cells),
        cmocka_unit_test(a_tail_that_no_cell_confirms_is_not_believed),
        cmocka_unit_test(a_death_in_the_only_cell_does_not_count_the_step_that_was_not_published),
        cmocka_unit_test(frames_whose_step_was_done_count_as_released),
        cmocka_unit_test(an_honest_page_is_never_clamped),
        cmocka_unit_test(counters_go_on_in_the_next_page),
        cmocka_unit_test(lies_of_a_dead_consumer_are_clamped_to_what_its_producer_can_have),
        cmocka_unit_test(the_work_on_a_dead_page_is_linear),
    };
    return cmocka_run_group_tests_name("recover", tests, NULL, NULL);
}
