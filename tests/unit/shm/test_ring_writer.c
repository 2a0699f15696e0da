// SPDX-License-Identifier: Apache-2.0
// The producer's end of a link: what it publishes, and what it believes of the consumer's page.
// test: labels=tsan
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schemas/limits.h"
#include "unit/shm/ring_rig.h"

static void begin(struct ring_rig *rig, enum ring_rig_delivery delivery, uint32_t depth,
                  uint32_t claims_max)
{
    const struct ring_rig_config config = {.delivery = delivery,
                                           .depth = depth,
                                           .claims_max = claims_max,
                                           .payload_bytes = RIG_SLOT_BYTES};
    ring_rig_init(rig, &config);
}

static void take(struct ring_rig *rig, uint64_t seq)
{
    struct ring_lease lease;
    assert_int_equal(ring_reader_take(&rig->reader, &lease), RING_TAKEN);
    assert_int_equal(lease.seq, seq);
    assert_true(ring_rig_is_intact(rig, &lease));
}

static void release(struct ring_rig *rig, uint64_t seq)
{
    assert_int_equal(ring_reader_release(&rig->reader, seq), 0);
}

static void publish(struct ring_rig *rig, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        assert_true(ring_rig_publish(rig));
    }
}

static uint32_t slots_lent(const struct ring_rig *rig)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < rig->slot_count; i++) {
        count += rig->pool.counts[i] != 0 ? 1 : 0;
    }
    assert_int_equal(count + rig->pool.free_count, rig->slot_count);
    return count;
}

// R-DATA-003 R-DATA-009
static void frames_of_a_lossless_link_are_numbered_from_one_and_arrive_in_order(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_LOSSLESS, 4, 2);
    for (uint64_t seq = 1; seq <= 100; seq++) {
        publish(&rig, 1);
        assert_int_equal(atomic_load(&rig.publish->tail), seq);
        take(&rig, seq);
        release(&rig, seq);
    }
    ring_rig_fini(&rig);
}

// R-DATA-003
static void a_lossless_link_has_as_much_space_as_cells_and_no_more(void **state)
{
    (void)state;
    const uint32_t depths[] = {1, 2, 3, 7, 64, LIMIT_DEPTH_MAX};
    for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++) {
        struct ring_rig rig;
        begin(&rig, RIG_LOSSLESS, depths[i], 1);
        assert_int_equal(ring_writer_space(&rig.writer), depths[i]);
        publish(&rig, depths[i]);
        assert_int_equal(ring_writer_space(&rig.writer), 0);
        assert_false(ring_rig_publish(&rig));
        take(&rig, 1);
        assert_int_equal(ring_writer_space(&rig.writer), 0);
        release(&rig, 1);
        assert_int_equal(ring_writer_space(&rig.writer), 1);
        publish(&rig, 1);
        assert_int_equal(ring_writer_space(&rig.writer), 0);
        ring_rig_fini(&rig);
    }
}

// R-DATA-017: a slot that was taken back early left its cell behind as if it had to be taken back
// once more, and the second time it was the slot of a frame that nobody had read yet.
static void a_slot_released_out_of_order_is_taken_back_once(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_LOSSLESS, 4, 3);
    publish(&rig, 4);
    take(&rig, 1);
    take(&rig, 2);
    release(&rig, 2);
    uint32_t others[4];  // as another link of the same pool would have them
    for (int i = 0; i < 4; i++) {
        others[i] = pool_claim(&rig.pool);
    }
    assert_int_equal(rig.pool.free_count, 0);
    ring_writer_reclaim(&rig.writer);
    assert_int_equal(rig.pool.free_count, 1);
    for (int i = 0; i < 4; i++) {
        pool_drop(&rig.pool, others[i]);
    }
    release(&rig, 1);
    publish(&rig, 2);
    uint32_t slot = rig.writer.slots[1];  // of frame 6
    ring_writer_reclaim(&rig.writer);
    assert_int_equal(rig.writer.slots[1], slot);
    assert_int_equal(rig.pool.counts[slot], 1);
    for (uint64_t seq = 3; seq <= 6; seq++) {
        take(&rig, seq);
        release(&rig, seq);
    }
    ring_rig_fini(&rig);
}

// R-DATA-017: the same on an evicting link.
static void a_frame_taken_out_of_order_does_not_free_the_next_one_in_its_cell(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_ORDERED, 4, 3);
    publish(&rig, 4);
    take(&rig, 1);
    take(&rig, 2);
    release(&rig, 2);
    ring_writer_reclaim(&rig.writer);
    publish(&rig, 1);  // evicts 1, which is held
    publish(&rig, 1);  // reuses the cell of 2
    uint32_t slot = rig.writer.slots[1];
    ring_writer_reclaim(&rig.writer);
    assert_int_equal(rig.writer.slots[1], slot);
    assert_int_equal(rig.pool.counts[slot], 1);
    ring_rig_fini(&rig);
}

// R-DATA-017
static void an_evicted_frame_keeps_its_slot_while_a_reader_holds_it(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_ORDERED, 2, 2);
    publish(&rig, 1);
    struct ring_lease lease;
    assert_int_equal(ring_reader_take(&rig.reader, &lease), RING_TAKEN);
    for (int i = 0; i < 1000; i++) {
        publish(&rig, 1);
        assert_true(ring_rig_is_intact(&rig, &lease));
    }
    release(&rig, 1);
    ring_writer_reclaim(&rig.writer);
    assert_true(slots_lent(&rig) <= 2);
    ring_rig_fini(&rig);
}

// R-DATA-015 R-MEM-006
static void a_reader_that_stands_still_never_holds_up_an_evicting_producer(void **state)
{
    (void)state;
    const enum ring_rig_delivery deliveries[] = {RIG_ORDERED, RIG_LATEST};
    for (size_t i = 0; i < 2; i++) {
        for (uint32_t depth = 1; depth <= 9; depth++) {
            struct ring_rig rig;
            begin(&rig, deliveries[i], depth, 2);
            publish(&rig, depth + 1);
            struct ring_lease lease;
            assert_int_equal(ring_reader_take(&rig.reader, &lease), RING_TAKEN);
            publish(&rig, 1);
            assert_int_equal(ring_reader_take(&rig.reader, &lease), RING_TAKEN);
            publish(&rig, 10 * depth + 10);
            ring_rig_fini(&rig);
        }
    }
}

// R-DATA-022: hazards that change between two looks kept more slots than the reader has claims.
static void a_lying_reader_holds_no_more_slots_than_it_has_claims(void **state)
{
    (void)state;
    struct ring_rig rig;
    const struct ring_rig_config config = {
        .delivery = RIG_ORDERED, .depth = 2, .claims_max = 2, .spare_slots = 2000};
    ring_rig_init(&rig, &config);
    for (uint64_t seq = 1; seq <= 1900; seq++) {
        atomic_store(&rig.consume->hazards[0], seq);
        atomic_store(&rig.consume->hazards[1], seq - 1);
        publish(&rig, 1);
    }
    ring_writer_reclaim(&rig.writer);
    assert_true(slots_lent(&rig) <= 2 + 2);
    ring_rig_fini(&rig);
}

// R-DATA-022
static void cursors_of_the_reader_that_are_impossible_are_clamped_and_counted(void **state)
{
    (void)state;
    const uint64_t values[] = {0, 1, 2, 7, UINT64_MAX, UINT64_MAX / 2, UINT64_C(1) << 63};
    const enum ring_rig_delivery deliveries[] = {RIG_LOSSLESS, RIG_ORDERED};
    for (size_t d = 0; d < 2; d++) {
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            struct ring_rig rig;
            begin(&rig, deliveries[d], 4, 2);
            publish(&rig, 4);
            for (uint64_t seq = 1; seq <= 3; seq++) {
                take(&rig, seq);
                release(&rig, seq);
            }
            ring_writer_reclaim(&rig.writer);
            publish(&rig, 1);
            atomic_store(&rig.consume->next, values[i]);
            atomic_store(&rig.consume->retired, values[i]);
            uint32_t slot = rig.writer.slots[0];
            ring_writer_reclaim(&rig.writer);
            assert_true(rig.writer.clamped >= 1);
            assert_int_equal(rig.writer.slots[0], slot);
            assert_int_equal(rig.pool.counts[slot], 1);
            assert_true(ring_writer_space(&rig.writer) <= 4);
            ring_rig_fini(&rig);
        }
    }
}

// R-DATA-030: the producer may look at a page before its reader began on it.
static void a_page_that_its_reader_has_not_begun_on_is_no_lie(void **state)
{
    (void)state;
    struct ring_rig rig;
    const struct ring_rig_config config = {
        .delivery = RIG_LOSSLESS, .depth = 4, .claims_max = 2, .first_seq = 1000};
    ring_rig_init(&rig, &config);
    atomic_store(&rig.consume->next, 1);
    atomic_store(&rig.consume->retired, 0);
    publish(&rig, 4);
    assert_int_equal(ring_writer_space(&rig.writer), 0);
    ring_writer_reclaim(&rig.writer);
    assert_int_equal(rig.writer.clamped, 0);
    assert_int_equal(rig.writer.first_seq, 1000);
    ring_rig_fini(&rig);
}

// R-DATA-019
static void a_reader_is_woken_for_the_frame_that_it_wants_and_for_no_other(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_LOSSLESS, 16, 2);
    ring_reader_wish(&rig.reader, 3);
    uint32_t word = atomic_load(&rig.publish->data_word);
    publish(&rig, 2);
    assert_int_equal(atomic_load(&rig.publish->data_word), word);
    publish(&rig, 1);
    assert_int_equal(atomic_load(&rig.publish->data_word), word + 1);
    publish(&rig, 5);
    assert_int_equal(atomic_load(&rig.publish->data_word), word + 1);
    ring_reader_awake(&rig.reader);
    ring_rig_fini(&rig);
}

// R-DATA-019
static void a_producer_is_woken_when_as_much_space_is_free_as_it_asked_for(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_LOSSLESS, 8, 2);
    publish(&rig, 8);
    ring_writer_wish_space(&rig.writer, 2);
    assert_int_equal(ring_writer_space(&rig.writer), 0);
    uint32_t word = atomic_load(&rig.consume->space_word);
    take(&rig, 1);
    release(&rig, 1);
    assert_int_equal(atomic_load(&rig.consume->space_word), word);
    take(&rig, 2);
    release(&rig, 2);
    assert_int_equal(atomic_load(&rig.consume->space_word), word + 1);
    ring_writer_awake(&rig.writer);
    assert_int_equal(ring_writer_space(&rig.writer), 2);
    ring_rig_fini(&rig);
}

// R-DATA-019: a reader that holds frames back until it has more, and a producer that wants more
// space than the reader gives before that, waited for each other.
static void a_reader_that_goes_to_sleep_wakes_a_producer_that_has_any_space(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_LOSSLESS, 8, 8);
    publish(&rig, 8);
    for (uint64_t seq = 1; seq <= 8; seq++) {
        take(&rig, seq);
    }
    ring_writer_wish_space(&rig.writer, 2);
    assert_int_equal(ring_writer_space(&rig.writer), 0);
    uint32_t word = atomic_load(&rig.consume->space_word);
    release(&rig, 1);
    ring_reader_wish(&rig.reader, 1);
    assert_int_equal(atomic_load(&rig.consume->space_word), word + 1);
    ring_reader_awake(&rig.reader);
    // Awake, the producer asks for nothing, and nobody wakes it.
    ring_writer_awake(&rig.writer);
    ring_reader_wish(&rig.reader, 1);
    assert_int_equal(atomic_load(&rig.consume->space_word), word + 1);
    ring_rig_fini(&rig);
}

// R-DATA-019: the same when it goes to sleep for something else.
static void a_reader_that_waits_for_another_link_wakes_a_producer_that_has_any_space(void **state)
{
    (void)state;
    for (uint32_t released = 0; released <= 20; released++) {
        struct ring_rig rig;
        begin(&rig, RIG_LOSSLESS, 64, 64);
        publish(&rig, 64);
        ring_writer_wish_space(&rig.writer, 16);
        uint32_t word = atomic_load(&rig.consume->space_word);
        for (uint64_t seq = 1; seq <= released; seq++) {
            take(&rig, seq);
            release(&rig, seq);
        }
        ring_reader_settle(&rig.reader);
        bool is_woken = atomic_load(&rig.consume->space_word) != word;
        assert_int_equal(is_woken, released > 0);
        ring_rig_fini(&rig);
    }
}

// R-DATA-019
static void a_new_page_wakes_its_reader_once_and_without_condition(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_LOSSLESS, 4, 2);
    uint32_t word = atomic_load(&rig.publish->data_word);
    ring_rig_tell_writer(&rig);
    assert_int_equal(atomic_load(&rig.publish->data_word), word + 1);
    assert_int_equal(atomic_load(&rig.publish->consume_page), 1);
    ring_writer_set_peer(&rig.writer, NULL, 0, 0);
    assert_int_equal(atomic_load(&rig.publish->consume_page), 0);
    assert_null(ring_writer_space_word(&rig.writer));
    ring_rig_fini(&rig);
}

// R-DATA-030
static void a_producer_without_a_reader_fills_its_ring_and_no_more(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_LOSSLESS, 4, 2);
    ring_writer_set_peer(&rig.writer, NULL, 0, 0);
    publish(&rig, 4);
    assert_int_equal(ring_writer_space(&rig.writer), 0);
    ring_writer_reclaim(&rig.writer);
    assert_int_equal(slots_lent(&rig), 4);
    ring_rig_tell_writer(&rig);
    for (uint64_t seq = 1; seq <= 4; seq++) {
        take(&rig, seq);
        release(&rig, seq);
    }
    assert_int_equal(ring_writer_space(&rig.writer), 4);
    ring_rig_fini(&rig);
}

// R-MEM-006
static void a_writer_that_ends_gives_every_slot_back(void **state)
{
    (void)state;
    const enum ring_rig_delivery deliveries[] = {RIG_LOSSLESS, RIG_ORDERED, RIG_LATEST};
    for (size_t i = 0; i < 3; i++) {
        struct ring_rig rig;
        begin(&rig, deliveries[i], 4, 2);
        publish(&rig, 3);
        struct ring_lease lease;
        assert_int_equal(ring_reader_take(&rig.reader, &lease), RING_TAKEN);
        if (deliveries[i] != RIG_LOSSLESS) {
            publish(&rig, 4);
        }
        ring_writer_fini(&rig.writer);
        assert_int_equal(rig.pool.free_count, rig.slot_count);
        ring_writer_fini(&rig.writer);  // twice is as once
        ring_rig_fini(&rig);
    }
}

// R-DATA-002
static void one_slot_serves_two_links_and_is_free_when_both_are_done(void **state)
{
    (void)state;
    struct ring_rig first;
    struct ring_rig second;
    begin(&first, RIG_LOSSLESS, 4, 2);
    begin(&second, RIG_ORDERED, 2, 2);
    second.writer.pool = &first.pool;
    uint32_t slot = pool_claim(&first.pool);
    ring_rig_fill(&first, slot, 1, 100);
    ring_writer_publish(&first.writer, slot, 100, 1, 0);
    ring_writer_publish(&second.writer, slot, 100, 1, 0);
    pool_drop(&first.pool, slot);
    assert_int_equal(first.pool.counts[slot], 2);
    struct ring_lease lease;
    assert_int_equal(ring_reader_take(&first.reader, &lease), RING_TAKEN);
    assert_int_equal(lease.slot, slot);
    release(&first, 1);
    ring_writer_reclaim(&first.writer);
    assert_int_equal(first.pool.counts[slot], 1);
    assert_int_equal(ring_reader_take(&second.reader, &lease), RING_TAKEN);
    release(&second, 1);
    ring_writer_reclaim(&second.writer);
    assert_int_equal(first.pool.counts[slot], 0);
    ring_rig_fini(&second);
    ring_rig_fini(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_a_lossless_link_are_numbered_from_one_and_arrive_in_order),
        cmocka_unit_test(a_lossless_link_has_as_much_space_as_cells_and_no_more),
        cmocka_unit_test(a_slot_released_out_of_order_is_taken_back_once),
        cmocka_unit_test(a_frame_taken_out_of_order_does_not_free_the_next_one_in_its_cell),
        cmocka_unit_test(an_evicted_frame_keeps_its_slot_while_a_reader_holds_it),
        cmocka_unit_test(a_reader_that_stands_still_never_holds_up_an_evicting_producer),
        cmocka_unit_test(a_lying_reader_holds_no_more_slots_than_it_has_claims),
        cmocka_unit_test(cursors_of_the_reader_that_are_impossible_are_clamped_and_counted),
        cmocka_unit_test(a_page_that_its_reader_has_not_begun_on_is_no_lie),
        cmocka_unit_test(a_reader_is_woken_for_the_frame_that_it_wants_and_for_no_other),
        cmocka_unit_test(a_producer_is_woken_when_as_much_space_is_free_as_it_asked_for),
        cmocka_unit_test(a_reader_that_goes_to_sleep_wakes_a_producer_that_has_any_space),
        cmocka_unit_test(a_reader_that_waits_for_another_link_wakes_a_producer_that_has_any_space),
        cmocka_unit_test(a_new_page_wakes_its_reader_once_and_without_condition),
        cmocka_unit_test(a_producer_without_a_reader_fills_its_ring_and_no_more),
        cmocka_unit_test(a_writer_that_ends_gives_every_slot_back),
        cmocka_unit_test(one_slot_serves_two_links_and_is_free_when_both_are_done),
    };
    return cmocka_run_group_tests_name("ring_writer", tests, NULL, NULL);
}
