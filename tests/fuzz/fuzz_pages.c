// SPDX-License-Identifier: Apache-2.0
// Any bytes in the pages of a peer, changed between any two calls of the other side.
// test: uses=shm,ring_rig
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "schemas/limits.h"
#include "unit/shm/ring_rig.h"

#define CALLS_MAX 400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

struct input {
    const uint8_t *bytes;
    size_t left;
};

static uint8_t next_byte(struct input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->bytes++;
}

// A value of few bytes of input: an edge, eight bytes, or almost one of the cursors.
static uint64_t next_value(struct input *input, const struct ring_rig *rig)
{
    const uint64_t edges[] = {0, 1, UINT64_MAX, UINT64_MAX / 2, LIMIT_SEQ_MAX, LIMIT_SEQ_MAX + 1};
    uint8_t kind = next_byte(input);
    uint64_t delta = (uint64_t)(kind >> 4) - 8;
    uint64_t value = 0;
    switch (kind & 7) {
    case 0:
        return edges[(kind >> 4) % 6];
    case 1:
        for (int i = 0; i < 8; i++) {
            value = value << 8 | next_byte(input);
        }
        return value;
    case 2:
        return atomic_load(&rig->consume->next) + delta;
    case 3:
        return atomic_load(&rig->consume->retired) + delta;
    case 4:
        return atomic_load(&rig->publish->low) + delta;
    default:
        return atomic_load(&rig->publish->tail) + delta;
    }
}

static void poke(struct input *input, const struct ring_rig *rig, void *page, uint64_t size_bytes)
{
    uint64_t at = (uint64_t)next_byte(input) << 8 | next_byte(input);
    uint64_t value = next_value(input, rig);
    // The first line holds start values, which nobody reads there.
    _Atomic uint64_t *words = (_Atomic uint64_t *)page + 8;
    atomic_store(&words[at % (size_bytes / 8 - 8)], value);
}

static void recover(const struct ring_rig *rig, uint64_t end, const uint64_t *done)
{
    struct consume_page *fresh = calloc(1, rig->consume_bytes);
    if (fresh == NULL) {
        return;
    }
    fresh->depth = rig->config.depth;
    fresh->claims_max = rig->config.claims_max;
    uint64_t first_seq = rig->config.first_seq;
    const struct recover_request request = {.is_lossless = ring_rig_is_lossless(rig),
                                            .claims_max = rig->config.claims_max,
                                            .first_seq = first_seq,
                                            .published_end = end,
                                            .done_seqs = done,
                                            .done_count = 2};
    struct recovered_reader reader;
    recover_consume_page(rig->consume, &request, fresh, &reader);
    SB_ASSERT(reader.next >= first_seq && reader.next <= end);
    SB_ASSERT(reader.retired >= first_seq - 1 && reader.retired < reader.next);
    SB_ASSERT(reader.evicted + reader.poisoned <= reader.next - first_seq);
    SB_ASSERT(!request.is_lossless || reader.next - 1 - reader.retired <= rig->config.depth);
    free(fresh);
}

static void call_writer(struct ring_rig *rig, struct input *input)
{
    uint8_t choice = next_byte(input);
    if (choice < 96) {
        bool is_published = ring_rig_publish(rig);
        SB_ASSERT(is_published || ring_rig_is_lossless(rig));
    } else if (choice < 128) {
        ring_writer_reclaim(&rig->writer);
    } else if (choice < 144) {
        ring_writer_wish_space(&rig->writer, 1);
        ring_writer_awake(&rig->writer);
    } else if (choice < 160) {
        ring_rig_tell_writer(rig);
    } else if (choice < 176) {
        const uint64_t done[] = {next_value(input, rig), rig->writer.next_seq - 1};
        recover(rig, rig->writer.next_seq, done);
    } else {
        poke(input, rig, rig->consume, rig->consume_bytes);
    }
    SB_ASSERT(ring_writer_space(&rig->writer) <= rig->config.depth);
}

static void check_lease(const struct ring_rig *rig, const struct ring_lease *lease)
{
    SB_ASSERT(lease->slot < rig->slot_count);
    SB_ASSERT(lease->length_bytes <= rig->config.payload_bytes);
    const volatile uint8_t *payload = ring_reader_payload(&rig->reader, lease);
    for (uint64_t i = 0; i < lease->length_bytes; i++) {
        (void)payload[i];
    }
}

struct held {
    uint64_t seqs[16];
    uint32_t count;
};

static void call_reader(struct ring_rig *rig, struct input *input, struct held *held)
{
    struct ring_reader *reader = &rig->reader;
    struct ring_lease lease;
    uint8_t choice = next_byte(input);
    bool is_ready = ring_reader_is_ready(reader);
    uint64_t next = reader->next;
    if (choice < 80) {
        int taken = ring_reader_take(reader, &lease);
        // Ready, and nothing there, and nothing changed: a worker would loop for ever.
        SB_ASSERT(!is_ready || taken != RING_EMPTY || reader->next != next);
        if (taken == RING_TAKEN) {
            check_lease(rig, &lease);
            held->seqs[held->count++] = lease.seq;
        }
    } else if (choice < 112 && held->count > 0) {
        uint32_t which = choice % held->count;
        int released = ring_reader_release(reader, held->seqs[which]);
        SB_ASSERT(released == 0);
        held->seqs[which] = held->seqs[--held->count];
    } else if (choice < 120) {
        ring_reader_skip(reader);
    } else if (choice < 128) {
        ring_reader_wish(reader, 1);
        ring_reader_awake(reader);
    } else if (choice < 132) {
        uint64_t first_seq = rig->config.first_seq;
        uint64_t end =
            recover_published_end(rig->publish, rig->config.depth, first_seq, reader->next);
        SB_ASSERT(end >= reader->next);
        recover_last_step(rig->publish, rig->config.depth, first_seq, end);
        ring_reader_set_end(reader, end, LINK_END_GENERATION);
    } else if (choice < 160) {
        poke(input, rig, rig->slots, rig->slots_bytes);
    } else {
        poke(input, rig, rig->publish, rig->publish_bytes);
    }
    SB_ASSERT(reader->held_count == held->count);
    SB_ASSERT(ring_reader_queued(reader) <= rig->config.depth);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct input input = {data, size_bytes};
    uint8_t kind = next_byte(&input);
    const struct ring_rig_config config = {
        .delivery = (enum ring_rig_delivery)(kind >> 1) % 3,
        .depth = 1 + (uint32_t)(next_byte(&input) % 12),
        .claims_max = 1 + (uint32_t)(next_byte(&input) % 16),
        .first_seq = 1 + (uint64_t)next_byte(&input),
    };
    struct ring_rig rig;
    struct held held = {.count = 0};
    ring_rig_init(&rig, &config);
    for (int i = 0; i < CALLS_MAX && input.left > 0; i++) {
        if ((kind & 1) != 0) {
            call_writer(&rig, &input);
        } else {
            call_reader(&rig, &input, &held);
        }
    }
    ring_writer_fini(&rig.writer);
    SB_ASSERT(rig.pool.free_count == rig.slot_count);
    ring_rig_fini(&rig);
    return 0;
}
