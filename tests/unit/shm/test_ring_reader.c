// SPDX-License-Identifier: Apache-2.0
// The consumer's end of a link: what it takes and gives back, and what it believes of the
// producer's page.
// test: labels=tsan
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/shm/ring_rig.h"

static void begin(struct ring_rig *rig, enum ring_rig_delivery delivery, uint32_t depth,
                  uint32_t claims_max)
{
    const struct ring_rig_config config = {
        .delivery = delivery, .depth = depth, .claims_max = claims_max};
    ring_rig_init(rig, &config);
}

static struct ring_lease take(struct ring_rig *rig, uint64_t seq)
{
    struct ring_lease lease;
    assert_true(ring_reader_is_ready(&rig->reader));
    assert_int_equal(ring_reader_take(&rig->reader, &lease), RING_TAKEN);
    assert_int_equal(lease.seq, seq);
    assert_true(ring_rig_is_intact(rig, &lease));
    return lease;
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

static void assert_take(struct ring_rig *rig, int expected)
{
    struct ring_lease lease;
    assert_int_equal(ring_reader_is_ready(&rig->reader), expected != RING_EMPTY);
    assert_int_equal(ring_reader_take(&rig->reader, &lease), expected);
}

// R-DATA-007: published = released + evicted + poisoned + queued + held.
static void assert_balanced(const struct ring_rig *rig, uint64_t released)
{
    uint64_t published = rig->writer.next_seq - 1;
    uint64_t passed = atomic_load(&rig->consume->next) - 1;
    uint64_t evicted = atomic_load(&rig->consume->evicted);
    uint64_t poisoned = atomic_load(&rig->consume->poisoned);
    assert_int_equal(passed, released + evicted + poisoned + rig->reader.held_count);
    assert_true(published >= passed);
}

// R-DATA-004 R-DATA-007 R-DATA-016
static void an_ordered_link_drops_the_oldest_and_counts_them_exactly(void **state)
{
    (void)state;
    for (uint32_t depth = 1; depth <= 5; depth++) {
        struct ring_rig rig;
        begin(&rig, RIG_ORDERED, depth, 2);
        publish(&rig, depth + 7);
        for (uint64_t seq = 8; seq <= depth + 7; seq++) {
            take(&rig, seq);
            release(&rig, seq);
        }
        assert_take(&rig, RING_EMPTY);
        assert_int_equal(atomic_load(&rig.consume->evicted), 7);
        assert_balanced(&rig, depth);
        ring_rig_fini(&rig);
    }
}

// R-DATA-005 R-DATA-007
static void a_latest_link_gives_the_newest_and_counts_the_others(void **state)
{
    (void)state;
    for (uint32_t depth = 1; depth <= 5; depth++) {
        struct ring_rig rig;
        begin(&rig, RIG_LATEST, depth, 2);
        publish(&rig, 3);
        take(&rig, 3);
        publish(&rig, 20);
        take(&rig, 23);
        struct ring_lease lease;
        assert_int_equal(ring_reader_take(&rig.reader, &lease), -EBUSY);
        release(&rig, 3);
        assert_take(&rig, RING_EMPTY);
        assert_int_equal(atomic_load(&rig.consume->evicted), 2 + 19);
        assert_balanced(&rig, 1);
        ring_rig_fini(&rig);
    }
}

// R-WORKER-018
static void a_frame_can_be_released_once_and_only_when_it_is_held(void **state)
{
    (void)state;
    const enum ring_rig_delivery deliveries[] = {RIG_LOSSLESS, RIG_ORDERED, RIG_LATEST};
    for (size_t i = 0; i < 3; i++) {
        struct ring_rig rig;
        begin(&rig, deliveries[i], 4, 2);
        publish(&rig, 1);
        assert_int_equal(ring_reader_release(&rig.reader, 1), -EINVAL);
        take(&rig, 1);
        assert_true(ring_reader_is_held(&rig.reader, 1));
        assert_false(ring_reader_is_held(&rig.reader, 0));
        assert_false(ring_reader_is_held(&rig.reader, 5));
        assert_int_equal(ring_reader_release(&rig.reader, 0), -EINVAL);
        assert_int_equal(ring_reader_release(&rig.reader, 2), -EINVAL);
        assert_int_equal(ring_reader_release(&rig.reader, UINT64_MAX), -EINVAL);
        release(&rig, 1);
        assert_int_equal(ring_reader_release(&rig.reader, 1), -EINVAL);
        assert_false(ring_reader_is_held(&rig.reader, 1));
        assert_int_equal(rig.reader.held_count, 0);
        ring_rig_fini(&rig);
    }
}

static void no_more_frames_are_taken_than_there_are_claims(void **state)
{
    (void)state;
    const enum ring_rig_delivery deliveries[] = {RIG_LOSSLESS, RIG_ORDERED};
    for (size_t i = 0; i < 2; i++) {
        for (uint32_t claims = 1; claims <= 4; claims++) {
            struct ring_rig rig;
            begin(&rig, deliveries[i], 8, claims);
            publish(&rig, 8);
            for (uint64_t seq = 1; seq <= claims; seq++) {
                take(&rig, seq);
            }
            assert_take(&rig, -EBUSY);
            release(&rig, 1);
            take(&rig, claims + 1);
            ring_rig_fini(&rig);
        }
    }
}

// R-DATA-003
static void frames_can_be_released_in_any_order(void **state)
{
    (void)state;
    const uint64_t orders[][4] = {{1, 2, 3, 4}, {4, 3, 2, 1}, {2, 1, 4, 3}, {3, 1, 4, 2}};
    const enum ring_rig_delivery deliveries[] = {RIG_LOSSLESS, RIG_ORDERED};
    for (size_t d = 0; d < 2; d++) {
        struct ring_rig rig;
        begin(&rig, deliveries[d], 5, 4);
        for (uint64_t round = 0; round < 40; round++) {
            publish(&rig, 4);
            for (uint64_t i = 1; i <= 4; i++) {
                take(&rig, round * 4 + i);
            }
            for (size_t i = 0; i < 4; i++) {
                release(&rig, round * 4 + orders[round % 4][i]);
            }
            assert_balanced(&rig, round * 4 + 4);
            assert_true(deliveries[d] != RIG_LOSSLESS ||
                        atomic_load(&rig.consume->retired) == round * 4 + 4);
        }
        ring_rig_fini(&rig);
    }
}

// R-DATA-013
static void the_end_comes_after_the_last_frame_and_stays(void **state)
{
    (void)state;
    const enum ring_rig_delivery deliveries[] = {RIG_LOSSLESS, RIG_ORDERED, RIG_LATEST};
    const enum link_end kinds[] = {LINK_END_STREAM, LINK_END_GENERATION};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 2; k++) {
            struct ring_rig rig;
            begin(&rig, deliveries[i], 4, 2);
            assert_take(&rig, RING_EMPTY);
            publish(&rig, 1);
            ring_writer_end(&rig.writer, kinds[k]);
            take(&rig, 1);
            assert_take(&rig, -EPIPE);
            assert_take(&rig, -EPIPE);
            assert_int_equal(rig.reader.end_kind, kinds[k]);
            assert_int_equal(rig.reader.end, 2);
            release(&rig, 1);
            ring_rig_fini(&rig);
        }
    }
}

// R-DATA-013
static void a_stream_without_a_frame_ends_as_well(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_LOSSLESS, 4, 2);
    ring_writer_end(&rig.writer, LINK_END_STREAM);
    assert_take(&rig, -EPIPE);
    ring_rig_fini(&rig);
}

// R-DATA-025
static void the_word_of_the_broker_ends_a_stream_whose_producer_is_gone(void **state)
{
    (void)state;
    const enum ring_rig_delivery deliveries[] = {RIG_LOSSLESS, RIG_ORDERED};
    for (size_t i = 0; i < 2; i++) {
        struct ring_rig rig;
        begin(&rig, deliveries[i], 4, 2);
        publish(&rig, 3);
        take(&rig, 1);
        ring_reader_set_end(&rig.reader, 4, LINK_END_LOST);
        take(&rig, 2);
        release(&rig, 1);
        release(&rig, 2);
        take(&rig, 3);
        assert_take(&rig, -EPIPE);
        assert_int_equal(rig.reader.end_kind, LINK_END_LOST);
        ring_rig_fini(&rig);
    }
}

// R-DATA-022 R-DATA-025: a dead producer's page said that there were frames which its cells did
// not hold. The reader waited for them for ever, and never went on to the next generation.
static void frames_that_a_dead_producer_does_not_have_are_passed_over(void **state)
{
    (void)state;
    const enum ring_rig_delivery deliveries[] = {RIG_LOSSLESS, RIG_ORDERED, RIG_LATEST};
    for (size_t i = 0; i < 3; i++) {
        struct ring_rig rig;
        begin(&rig, deliveries[i], 4, 2);
        publish(&rig, 2);
        ring_reader_set_end(&rig.reader, 9, LINK_END_GENERATION);
        struct ring_lease lease;
        while (ring_reader_take(&rig.reader, &lease) == RING_TAKEN) {
            assert_true(lease.seq <= 2);
            release(&rig, lease.seq);
        }
        assert_take(&rig, -EPIPE);
        // A lossless ring of 4 with 2 released frames can hold 4 more.
        assert_int_equal(rig.reader.next, deliveries[i] == RIG_LOSSLESS ? 7 : 9);
        assert_true(rig.reader.clamped >= 1);
        ring_rig_fini(&rig);
    }
}

// One ring with a frame of CARRY_PAYLOAD_BYTES, whose header says job_id.
static void begin_carrying(struct ring_rig *rig, enum ring_rig_delivery delivery, uint32_t depth,
                           uint64_t job_id)
{
    begin(rig, delivery, depth, 2);
    uint32_t slot = ring_rig_claim(rig);
    ring_rig_fill(rig, slot, 1, CARRY_PAYLOAD_BYTES);
    pool_header(&rig->pool, slot)->job_id = job_id;
    ring_writer_publish(&rig->writer, slot, CARRY_PAYLOAD_BYTES, 1, 0);
    pool_drop(&rig->pool, slot);
}

// R-DATA-034
static void a_small_frame_lies_in_its_cell_and_uses_no_slot(void **state)
{
    (void)state;
    const struct {
        enum ring_rig_delivery delivery;
        uint32_t depth;
        uint64_t job_id;
        bool is_carried;
    } rows[] = {{RIG_LOSSLESS, 4, 0, true},
                {RIG_LOSSLESS, CARRY_DEPTH_MAX, 0, true},
                {RIG_LOSSLESS, CARRY_DEPTH_MAX + 1, 0, false},
                {RIG_LOSSLESS, 4, 7, false},
                {RIG_ORDERED, 4, 0, false},
                {RIG_LATEST, 4, 0, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ring_rig rig;
        begin_carrying(&rig, rows[i].delivery, rows[i].depth, rows[i].job_id);
        assert_int_equal(rig.pool.free_count, rig.slot_count - (rows[i].is_carried ? 0 : 1));
        struct ring_lease lease;
        assert_int_equal(ring_reader_take(&rig.reader, &lease), RING_TAKEN);
        assert_int_equal(lease.carried != NULL, rows[i].is_carried);
        assert_int_equal(lease.flags, 0);
        const struct frame_header header = ring_reader_header(&rig.reader, &lease);
        assert_int_equal(header.number, 1);
        assert_int_equal(header.trace_id, ~UINT64_C(1));
        assert_int_equal(header.job_id, rows[i].job_id);
        const uint8_t *payload = ring_reader_payload(&rig.reader, &lease);
        assert_int_equal((uintptr_t)payload % CACHE_LINE_BYTES, 0);
        assert_int_equal(payload[0], 1);
        assert_int_equal(payload[CARRY_PAYLOAD_BYTES - 1], 31);
        release(&rig, 1);
        assert_int_equal(atomic_load(&rig.consume->clamped), 0);
        ring_rig_fini(&rig);
    }
}

// R-DATA-034
static void a_cell_that_may_not_carry_gives_an_empty_frame(void **state)
{
    (void)state;
    const struct {
        enum ring_rig_delivery delivery;
        uint32_t depth;
        uint64_t length_bytes;
    } rows[] = {{RIG_LOSSLESS, 4, CARRY_PAYLOAD_BYTES + 1},
                {RIG_LOSSLESS, 4, UINT64_MAX},
                {RIG_LOSSLESS, CARRY_DEPTH_MAX + 1, 8},
                {RIG_ORDERED, 4, 8},
                {RIG_LATEST, 4, 8}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ring_rig rig;
        begin_carrying(&rig, rows[i].delivery, rows[i].depth, 7);
        struct link_cell *cell = publish_cell(rig.publish, rows[i].depth, 0);
        atomic_store(&cell->flags, CELL_CARRIES);
        atomic_store(&cell->length_bytes, rows[i].length_bytes);
        struct ring_lease lease;
        assert_true(ring_reader_has_next(&rig.reader));
        assert_int_equal(ring_reader_take(&rig.reader, &lease), RING_TAKEN);
        assert_null(lease.carried);
        assert_int_equal(lease.length_bytes, 0);
        assert_int_equal(atomic_load(&rig.consume->clamped), 1);
        ring_rig_fini(&rig);
    }
}

// R-DATA-022
static void a_slot_or_length_outside_of_the_pool_gives_an_empty_frame(void **state)
{
    (void)state;
    const enum ring_rig_delivery deliveries[] = {RIG_LOSSLESS, RIG_ORDERED, RIG_LATEST};
    for (size_t i = 0; i < 3; i++) {
        struct ring_rig rig;
        const struct ring_rig_config config = {.delivery = deliveries[i],
                                               .depth = 4,
                                               .claims_max = 2,
                                               .payload_bytes = RIG_SLOT_BYTES};
        ring_rig_init(&rig, &config);
        publish(&rig, 1);
        atomic_store(&publish_cell(rig.publish, 4, 0)->slot, rig.slot_count);
        struct ring_lease lease;
        assert_int_equal(ring_reader_take(&rig.reader, &lease), RING_TAKEN);
        assert_int_equal(lease.slot, 0);
        assert_int_equal(lease.length_bytes, 0);
        release(&rig, 1);
        publish(&rig, 1);
        atomic_store(&publish_cell(rig.publish, 4, 1)->length_bytes, rig.config.payload_bytes + 1);
        assert_int_equal(ring_reader_take(&rig.reader, &lease), RING_TAKEN);
        assert_int_equal(lease.length_bytes, 0);
        release(&rig, 2);
        assert_int_equal(atomic_load(&rig.consume->clamped), 2);
        ring_rig_fini(&rig);
    }
}

static void tell(struct ring_rig *rig, uint64_t low, uint64_t tail, uint64_t seq)
{
    atomic_store(&rig->publish->low, low);
    atomic_store(&rig->publish->tail, tail);
    for (uint32_t i = 0; i < rig->config.depth; i++) {
        atomic_store(&publish_cell(rig->publish, rig->config.depth, i)->seq, seq);
    }
}

// R-DATA-022: numbers near the end of their range drove the reader over it, where 0 is a frame,
// and it could not give that frame back.
static void seqs_that_no_link_can_reach_are_not_followed(void **state)
{
    (void)state;
    const uint64_t half = UINT64_MAX / 2;
    const uint64_t high[] = {half, half + 1, UINT64_MAX - 1, UINT64_MAX, UINT64_C(1) << 62};
    const enum ring_rig_delivery deliveries[] = {RIG_LOSSLESS, RIG_ORDERED, RIG_LATEST};
    for (size_t d = 0; d < 3; d++) {
        struct ring_rig rig;
        begin(&rig, deliveries[d], 4, 2);
        publish(&rig, 2);
        for (size_t i = 0; i < 25; i++) {
            tell(&rig, high[i % 5], high[i / 5], high[i % 5]);
            ring_reader_is_ready(&rig.reader);
            (void)ring_reader_queued(&rig.reader);
            struct ring_lease lease;
            if (ring_reader_take(&rig.reader, &lease) == RING_TAKEN) {
                release(&rig, lease.seq);
            }
            (void)ring_reader_skip(&rig.reader);
            assert_int_equal(rig.reader.held_count, 0);
            assert_true(rig.reader.next >= 1 && rig.reader.next <= (UINT64_C(1) << 62) + 100);
        }
        ring_rig_fini(&rig);
    }
}

// R-DATA-022
static void an_end_before_what_was_taken_ends_the_stream_there(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_LOSSLESS, 4, 2);
    publish(&rig, 2);
    take(&rig, 1);
    take(&rig, 2);
    release(&rig, 1);
    atomic_store(&rig.publish->end_kind, 77);
    atomic_store(&rig.publish->end, 1);
    assert_take(&rig, -EPIPE);
    assert_int_equal(rig.reader.end, 3);
    assert_int_equal(rig.reader.end_kind, LINK_END_STREAM);
    assert_int_equal(atomic_load(&rig.consume->clamped), 1);
    ring_rig_fini(&rig);
}

// R-DATA-017: until the producer looks at this page, a claim would be one that nobody sees.
static void an_evicting_reader_claims_only_when_its_page_is_shown(void **state)
{
    (void)state;
    const enum ring_rig_delivery deliveries[] = {RIG_ORDERED, RIG_LATEST};
    for (size_t i = 0; i < 2; i++) {
        struct ring_rig rig;
        begin(&rig, deliveries[i], 4, 2);
        publish(&rig, 2);
        struct recovered_reader recovered;
        ring_rig_replace_reader(&rig, 3, NULL, 0, &recovered);
        assert_take(&rig, RING_EMPTY);
        publish(&rig, 9);
        assert_take(&rig, RING_EMPTY);
        ring_rig_tell_writer(&rig);
        struct ring_lease lease;
        assert_int_equal(ring_reader_take(&rig.reader, &lease), RING_TAKEN);
        assert_true(ring_rig_is_intact(&rig, &lease));
        ring_rig_fini(&rig);
    }
}

// R-DATA-013: is_ready() said yes and take() said no, for ever: a loop that burns a CPU.
static void an_ended_stream_ends_also_for_a_page_that_was_never_shown(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_ORDERED, 4, 2);
    publish(&rig, 1);
    take(&rig, 1);
    release(&rig, 1);
    ring_writer_end(&rig.writer, LINK_END_STREAM);
    struct recovered_reader recovered;
    ring_rig_replace_reader(&rig, 2, NULL, 0, &recovered);
    assert_take(&rig, -EPIPE);
    ring_rig_fini(&rig);
}

// R-DATA-024
static void frames_that_a_dead_reader_held_come_again_with_a_flag(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_LOSSLESS, 8, 4);
    publish(&rig, 6);
    for (uint64_t seq = 1; seq <= 4; seq++) {
        assert_false(take(&rig, seq).is_redelivered);
    }
    release(&rig, 1);
    release(&rig, 3);
    struct recovered_reader recovered;
    ring_rig_replace_reader(&rig, 7, NULL, 0, &recovered);
    ring_rig_tell_writer(&rig);
    assert_true(take(&rig, 2).is_redelivered);
    assert_true(take(&rig, 4).is_redelivered);
    assert_false(take(&rig, 5).is_redelivered);
    assert_int_equal(atomic_load(&rig.consume->redelivered), 2);
    ring_rig_fini(&rig);
}

// R-DATA-024: the count of retired frames stopped for ever before a frame that a life before had
// released out of order, and the producer ran out of space.
static void a_link_goes_on_behind_frames_that_were_released_out_of_order(void **state)
{
    (void)state;
    for (unsigned pattern = 0; pattern < 256; pattern++) {
        struct ring_rig rig;
        begin(&rig, RIG_LOSSLESS, 8, 8);
        publish(&rig, 8);
        for (uint64_t seq = 1; seq <= 8; seq++) {
            take(&rig, seq);
        }
        for (uint64_t seq = 8; seq >= 1; seq--) {
            if ((pattern >> (seq - 1) & 1) != 0) {
                release(&rig, seq);
            }
        }
        struct recovered_reader recovered;
        ring_rig_replace_reader(&rig, 9, NULL, 0, &recovered);
        ring_rig_tell_writer(&rig);
        for (uint64_t seq = 1; seq <= 8; seq++) {
            if ((pattern >> (seq - 1) & 1) == 0) {
                assert_true(take(&rig, seq).is_redelivered);
                release(&rig, seq);
            }
        }
        assert_take(&rig, RING_EMPTY);
        assert_int_equal(atomic_load(&rig.consume->retired), 8);
        assert_true(ring_writer_space(&rig.writer) >= 1);
        publish(&rig, 8);
        for (uint64_t seq = 9; seq <= 16; seq++) {
            take(&rig, seq);
            release(&rig, seq);
        }
        ring_rig_fini(&rig);
    }
}

static void a_poisoned_frame_is_skipped_and_counted(void **state)
{
    (void)state;
    const enum ring_rig_delivery deliveries[] = {RIG_LOSSLESS, RIG_ORDERED};
    for (size_t i = 0; i < 2; i++) {
        struct ring_rig rig;
        begin(&rig, deliveries[i], 4, 2);
        assert_int_equal(ring_reader_skip(&rig.reader), RING_EMPTY);
        publish(&rig, 2);
        assert_int_equal(ring_reader_skip(&rig.reader), RING_TAKEN);
        take(&rig, 2);
        assert_int_equal(atomic_load(&rig.consume->poisoned), 1);
        assert_balanced(&rig, 0);
        ring_rig_fini(&rig);
    }
}

// R-DATA-030
static void a_generation_begins_where_the_last_one_ended(void **state)
{
    (void)state;
    const enum ring_rig_delivery deliveries[] = {RIG_LOSSLESS, RIG_ORDERED, RIG_LATEST};
    for (size_t i = 0; i < 3; i++) {
        const uint64_t firsts[] = {2, 7, 1000, UINT64_C(1) << 40};
        for (size_t f = 0; f < 4; f++) {
            struct ring_rig rig;
            const struct ring_rig_config config = {
                .delivery = deliveries[i], .depth = 5, .claims_max = 2, .first_seq = firsts[f]};
            ring_rig_init(&rig, &config);
            assert_take(&rig, RING_EMPTY);
            for (uint64_t n = 0; n < 12; n++) {
                publish(&rig, 1);
                take(&rig, firsts[f] + n);
                release(&rig, firsts[f] + n);
            }
            assert_int_equal(atomic_load(&rig.consume->evicted), 0);
            ring_rig_fini(&rig);
        }
    }
}

static void queued_frames_are_counted_within_the_depth(void **state)
{
    (void)state;
    struct ring_rig rig;
    begin(&rig, RIG_ORDERED, 4, 2);
    assert_int_equal(ring_reader_queued(&rig.reader), 0);
    publish(&rig, 3);
    assert_int_equal(ring_reader_queued(&rig.reader), 3);
    publish(&rig, 30);
    assert_int_equal(ring_reader_queued(&rig.reader), 4);
    const uint64_t lies[] = {0, UINT64_MAX, UINT64_MAX / 2};
    for (size_t i = 0; i < 3; i++) {
        atomic_store(&rig.publish->tail, lies[i]);
        assert_true(ring_reader_queued(&rig.reader) <= 4);
    }
    ring_rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ordered_link_drops_the_oldest_and_counts_them_exactly),
        cmocka_unit_test(a_latest_link_gives_the_newest_and_counts_the_others),
        cmocka_unit_test(a_frame_can_be_released_once_and_only_when_it_is_held),
        cmocka_unit_test(no_more_frames_are_taken_than_there_are_claims),
        cmocka_unit_test(frames_can_be_released_in_any_order),
        cmocka_unit_test(the_end_comes_after_the_last_frame_and_stays),
        cmocka_unit_test(a_stream_without_a_frame_ends_as_well),
        cmocka_unit_test(the_word_of_the_broker_ends_a_stream_whose_producer_is_gone),
        cmocka_unit_test(frames_that_a_dead_producer_does_not_have_are_passed_over),
        cmocka_unit_test(a_small_frame_lies_in_its_cell_and_uses_no_slot),
        cmocka_unit_test(a_cell_that_may_not_carry_gives_an_empty_frame),
        cmocka_unit_test(a_slot_or_length_outside_of_the_pool_gives_an_empty_frame),
        cmocka_unit_test(seqs_that_no_link_can_reach_are_not_followed),
        cmocka_unit_test(an_end_before_what_was_taken_ends_the_stream_there),
        cmocka_unit_test(an_evicting_reader_claims_only_when_its_page_is_shown),
        cmocka_unit_test(an_ended_stream_ends_also_for_a_page_that_was_never_shown),
        cmocka_unit_test(frames_that_a_dead_reader_held_come_again_with_a_flag),
        cmocka_unit_test(a_link_goes_on_behind_frames_that_were_released_out_of_order),
        cmocka_unit_test(a_poisoned_frame_is_skipped_and_counted),
        cmocka_unit_test(a_generation_begins_where_the_last_one_ended),
        cmocka_unit_test(queued_frames_are_counted_within_the_depth),
    };
    return cmocka_run_group_tests_name("ring_reader", tests, NULL, NULL);
}
