// SPDX-License-Identifier: Apache-2.0
// Takes frames of one link and gives them back.
#include "shm/ring_reader.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "schemas/limits.h"
#include "shm/futex.h"

#define RELAXED memory_order_relaxed
#define ACQUIRE memory_order_acquire
#define RELEASE memory_order_release

static uint32_t index_of(const struct ring_reader *reader, uint64_t seq)
{
    return (uint32_t)((seq - reader->config.first_seq) % reader->config.depth);
}

static _Atomic uint8_t *states_of(const struct ring_reader *reader)
{
    return (_Atomic uint8_t *)reader->config.page +
           layout_cell_states_offset(reader->config.claims_max);
}

// A page that was used by a life before: what it took and did not release comes again.
static void resume(struct ring_reader *reader)
{
    struct consume_page *page = reader->config.page;
    reader->retired = atomic_load_explicit(&page->retired, RELAXED);
    reader->taken_before = atomic_load_explicit(&page->next, RELAXED);
    reader->next = reader->config.is_lossless ? reader->retired + 1 : reader->taken_before;
    reader->index = index_of(reader, reader->next);
}

int ring_reader_init(struct ring_reader *reader, const struct ring_reader_config *config)
{
    SB_ASSERT(config->depth >= 1 && config->depth <= LIMIT_DEPTH_MAX && config->first_seq >= 1);
    SB_ASSERT(config->claims_max >= 1 && config->claims_max <= LIMIT_CLAIMS_MAX);
    uint64_t *held = calloc(config->claims_max, sizeof *held);
    if (held == NULL) {
        return -ENOMEM;
    }
    *reader = (struct ring_reader){.config = *config,
                                   .slot_bytes = layout_slot_bytes(config->payload_bytes),
                                   .held = held,
                                   .is_shown = config->is_lossless || config->is_producer_gone};
    if (atomic_load_explicit(&config->page->next, RELAXED) < config->first_seq) {
        // A generation that goes on from an older one: its first seq was not known to the broker.
        atomic_store_explicit(&config->page->retired, config->first_seq - 1, RELAXED);
        atomic_store_explicit(&config->page->next, config->first_seq, RELEASE);
    }
    resume(reader);
    return 0;
}

void ring_reader_fini(struct ring_reader *reader)
{
    free(reader->held);
    *reader = (struct ring_reader){0};
}

const struct frame_header *ring_reader_header(const struct ring_reader *reader, uint32_t slot)
{
    const uint8_t *pool = reader->config.pool;
    return (const struct frame_header *)(const void *)(pool + slot * reader->slot_bytes);
}

const void *ring_reader_payload(const struct ring_reader *reader, uint32_t slot)
{
    return (const uint8_t *)ring_reader_header(reader, slot) + sizeof(struct frame_header);
}

static void count_clamped(struct ring_reader *reader)
{
    reader->clamped++;
    atomic_store_explicit(&reader->config.page->clamped, reader->clamped, RELAXED);
}

static void add_counter(_Atomic uint64_t *counter, uint64_t count)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, RELAXED) + count, RELAXED);
}

// Moves on to seq, which is above next.
static void jump(struct ring_reader *reader, uint64_t seq, _Atomic uint64_t *counter)
{
    add_counter(counter, seq - reader->next);
    reader->next = seq;
    reader->index = index_of(reader, seq);
    atomic_store_explicit(&reader->config.page->next, seq, RELEASE);
}

// The oldest seq that an evicting producer still has, clamped to what is possible.
static uint64_t read_low(struct ring_reader *reader)
{
    uint64_t low = atomic_load_explicit(&reader->config.peer->low, ACQUIRE);
    if (low <= reader->next) {
        return reader->next;
    }
    uint64_t tail = atomic_load_explicit(&reader->config.peer->tail, RELAXED);
    // low passes tail by one only in a ring of one cell that is being rewritten.
    if (low - 1 > tail || low - reader->next > UINT64_MAX / 2) {
        count_clamped(reader);
        return reader->next;
    }
    return low;
}

// Where the stream of this page ends. The broker's word wins; the page's word is the producer's.
static uint64_t read_end(struct ring_reader *reader)
{
    if (reader->end == 0) {
        uint64_t end = atomic_load_explicit(&reader->config.peer->end, ACQUIRE);
        if (end != 0) {
            uint32_t kind = atomic_load_explicit(&reader->config.peer->end_kind, RELAXED);
            bool is_possible =
                end >= reader->next && (kind == LINK_END_STREAM || kind == LINK_END_GENERATION);
            if (!is_possible) {
                count_clamped(reader);
                end = reader->next;
                kind = LINK_END_STREAM;
            }
            reader->end = end;
            reader->end_kind = (enum link_end)kind;
        }
    }
    return reader->end;
}

void ring_reader_set_end(struct ring_reader *reader, uint64_t end, enum link_end kind)
{
    reader->end = end > reader->next ? end : reader->next;
    reader->end_kind = kind;
    // A dead producer looks at no hazards, and its cells do not move any more.
    reader->is_shown = true;
}

static bool is_shown(struct ring_reader *reader)
{
    if (!reader->is_shown) {
        // Once our number is shown the producer never goes back to an older page.
        uint64_t number = atomic_load_explicit(&reader->config.peer->consume_page, ACQUIRE);
        reader->is_shown = number == reader->config.page_number;
    }
    return reader->is_shown;
}

// What a cell says, copied once.
struct cell_copy {
    uint64_t length_bytes;
    uint32_t slot;
    uint32_t flags;
};

static void copy_cell(const struct link_cell *cell, struct cell_copy *out_copy)
{
    out_copy->length_bytes = atomic_load_explicit(&cell->length_bytes, RELAXED);
    out_copy->slot = atomic_load_explicit(&cell->slot, RELAXED);
    out_copy->flags = atomic_load_explicit(&cell->flags, RELAXED);
}

static uint32_t free_claim(const struct ring_reader *reader)
{
    uint32_t claim = 0;
    while (reader->held[claim] != 0) {
        claim++;
    }
    return claim;
}

// Fills the lease, or clamps what lies outside of the pool: the frame is then empty.
static void fill_lease(struct ring_reader *reader, const struct cell_copy *copy, uint64_t seq,
                       struct ring_lease *out_lease)
{
    struct cell_copy checked = *copy;
    if (checked.slot >= reader->config.slot_count ||
        checked.length_bytes > reader->config.payload_bytes) {
        count_clamped(reader);
        checked = (struct cell_copy){0};
    }
    *out_lease = (struct ring_lease){.seq = seq,
                                     .slot = checked.slot,
                                     .flags = checked.flags,
                                     .length_bytes = checked.length_bytes,
                                     .is_redelivered = seq < reader->taken_before};
    if (out_lease->is_redelivered) {
        add_counter(&reader->config.page->redelivered, 1);
    }
}

static void advance(struct ring_reader *reader)
{
    reader->next++;
    reader->index = reader->index + 1 == reader->config.depth ? 0 : reader->index + 1;
    if (reader->next > reader->taken_before) {
        atomic_store_explicit(&reader->config.page->next, reader->next, RELEASE);
    }
}

// Nothing to take at next: is it the end?
static int empty_or_end(struct ring_reader *reader)
{
    uint64_t end = read_end(reader);
    return end != 0 && reader->next >= end ? -EPIPE : RING_EMPTY;
}

// A resumed page knows frames that were released out of order: they are done.
static void pass_released(struct ring_reader *reader)
{
    _Atomic uint8_t *states = states_of(reader);
    while (reader->next < reader->taken_before &&
           atomic_load_explicit(&states[reader->index], RELAXED) == CELL_RELEASED) {
        advance(reader);
    }
}

static int take_lossless(struct ring_reader *reader, struct ring_lease *out_lease)
{
    if (reader->next < reader->taken_before) {
        pass_released(reader);
    }
    const struct link_cell *cell = &reader->config.peer->cells[reader->index];
    // Pairs with the producer's commit: fields, header and payload are there.
    uint64_t seq = atomic_load_explicit(&cell->seq, ACQUIRE);
    if (seq != reader->next || (reader->end != 0 && seq >= reader->end)) {
        return empty_or_end(reader);
    }
    struct cell_copy copy;
    copy_cell(cell, &copy);
    reader->held[reader->held_count == 0 ? 0 : free_claim(reader)] = seq;
    reader->held_count++;
    advance(reader);
    fill_lease(reader, &copy, seq, out_lease);
    return RING_TAKEN;
}

// One try to take next on an evicting link. -EAGAIN: it was evicted, next moved on.
static int try_evicting(struct ring_reader *reader, struct ring_lease *out_lease)
{
    uint32_t claim = reader->held_count == 0 ? 0 : free_claim(reader);
    _Atomic uint64_t *hazard = &reader->config.page->hazards[claim];
    const struct link_cell *cell = &reader->config.peer->cells[reader->index];
    uint64_t wanted = reader->next;
    uint64_t seq = atomic_load_explicit(&cell->seq, ACQUIRE);
    struct cell_copy copy = {0};
    if (seq == wanted && (reader->end == 0 || seq < reader->end)) {
        atomic_store_explicit(hazard, wanted, RELAXED);
        // Pairs with the fence of the producer between its mark and its look at the hazards.
        atomic_thread_fence(memory_order_seq_cst);
        seq = atomic_load_explicit(&cell->seq, ACQUIRE);
        copy_cell(cell, &copy);
        // The copy counts only when the cell did not change meanwhile.
        atomic_thread_fence(ACQUIRE);
        if (seq == wanted && atomic_load_explicit(&cell->seq, RELAXED) == wanted) {
            reader->held[claim] = wanted;
            reader->held_count++;
            advance(reader);
            fill_lease(reader, &copy, wanted, out_lease);
            return RING_TAKEN;
        }
        atomic_store_explicit(hazard, 0, RELEASE);
    }
    uint64_t low = read_low(reader);
    if (low > reader->next) {
        jump(reader, low, &reader->config.page->evicted);
        return -EAGAIN;
    }
    return empty_or_end(reader);
}

static void jump_to_latest(struct ring_reader *reader)
{
    uint64_t tail = atomic_load_explicit(&reader->config.peer->tail, ACQUIRE);
    bool is_possible = tail >= reader->next && tail - reader->next <= UINT64_MAX / 2;
    bool is_after_end = reader->end != 0 && tail >= reader->end;
    if (is_possible && !is_after_end && tail > reader->next) {
        jump(reader, tail, &reader->config.page->evicted);
    }
}

static int take_evicting(struct ring_reader *reader, struct ring_lease *out_lease)
{
    if (!is_shown(reader)) {
        return RING_EMPTY;
    }
    // A producer that evicts faster than we can take could keep us here: give up after as many
    // tries as a ring has cells, the next call goes on.
    for (uint32_t tries = 0; tries <= reader->config.depth; tries++) {
        if (reader->config.is_latest) {
            jump_to_latest(reader);
        }
        int result = try_evicting(reader, out_lease);
        if (result != -EAGAIN) {
            return result;
        }
    }
    return RING_EMPTY;
}

int ring_reader_take(struct ring_reader *reader, struct ring_lease *out_lease)
{
    if (reader->held_count == reader->config.claims_max) {
        return -EBUSY;
    }
    return reader->config.is_lossless ? take_lossless(reader, out_lease)
                                      : take_evicting(reader, out_lease);
}

bool ring_reader_is_ready(struct ring_reader *reader)
{
    if (reader->config.is_lossless && reader->next < reader->taken_before) {
        pass_released(reader);
    }
    const struct link_cell *cell = &reader->config.peer->cells[reader->index];
    uint64_t seq = atomic_load_explicit(&cell->seq, ACQUIRE);
    if (seq == reader->next) {
        return is_shown(reader);
    }
    if (!reader->config.is_lossless && is_shown(reader) && read_low(reader) > reader->next) {
        return true;
    }
    return empty_or_end(reader) != RING_EMPTY;
}

bool ring_reader_is_at_end(struct ring_reader *reader)
{
    uint64_t end = read_end(reader);
    return end != 0 && reader->next >= end;
}

bool ring_reader_is_ending(const struct ring_reader *reader)
{
    return reader->end != 0 ||
           atomic_load_explicit(&reader->config.peer->end, memory_order_acquire) != 0;
}

uint32_t ring_reader_queued(const struct ring_reader *reader)
{
    uint64_t tail = atomic_load_explicit(&reader->config.peer->tail, ACQUIRE);
    uint64_t count = tail + 1 - reader->next;
    if (tail < reader->next) {
        return 0;
    }
    return count > reader->config.depth ? reader->config.depth : (uint32_t)count;
}

static uint32_t find_held(const struct ring_reader *reader, uint64_t seq)
{
    for (uint32_t i = 0; seq != 0 && i < reader->config.claims_max; i++) {
        if (reader->held[i] == seq) {
            return i;
        }
    }
    return UINT32_MAX;
}

bool ring_reader_is_held(const struct ring_reader *reader, uint64_t seq)
{
    return find_held(reader, seq) != UINT32_MAX;
}

// In order: every released frame behind the last retired one retires, its state is cleared for
// the next round of the ring, and only then the count moves.
static void retire(struct ring_reader *reader, uint64_t seq)
{
    _Atomic uint8_t *states = states_of(reader);
    if (seq != reader->retired + 1) {
        atomic_store_explicit(&states[index_of(reader, seq)], CELL_RELEASED, RELEASE);
        return;
    }
    uint64_t old = reader->retired;
    reader->retired = seq;
    while (reader->retired + 1 < reader->next) {
        uint32_t index = index_of(reader, reader->retired + 1);
        if (atomic_load_explicit(&states[index], RELAXED) != CELL_RELEASED) {
            break;
        }
        atomic_store_explicit(&states[index], CELL_FREE, RELAXED);
        reader->retired++;
    }
    struct consume_page *page = reader->config.page;
    // Pairs with the producer's acquire: we are done with those payloads and cells.
    atomic_store_explicit(&page->retired, reader->retired, RELEASE);
    // Pairs with the fence of the sleeping producer between its wish and its last look.
    atomic_thread_fence(memory_order_seq_cst);
    uint64_t wish = atomic_load_explicit(&reader->config.peer->space_wish, RELAXED);
    if (old < wish && wish <= reader->retired) {
        futex_bump_and_wake(&page->space_word);
    }
}

int ring_reader_release(struct ring_reader *reader, uint64_t seq)
{
    uint32_t claim = find_held(reader, seq);
    if (claim == UINT32_MAX) {
        return -EINVAL;
    }
    reader->held[claim] = 0;
    reader->held_count--;
    if (reader->config.is_lossless) {
        retire(reader, seq);
    } else {
        atomic_store_explicit(&reader->config.page->hazards[claim], 0, RELEASE);
    }
    return 0;
}

int ring_reader_skip(struct ring_reader *reader)
{
    struct ring_lease lease;
    int taken = ring_reader_take(reader, &lease);
    if (taken == RING_TAKEN) {
        add_counter(&reader->config.page->poisoned, 1);
        int released = ring_reader_release(reader, lease.seq);
        SB_ASSERT(released == 0);
    }
    return taken;
}

void ring_reader_wish(struct ring_reader *reader, uint32_t count)
{
    SB_ASSERT(count >= 1 && count <= reader->config.depth);
    atomic_store_explicit(&reader->config.page->data_wish, reader->next + count - 1, RELAXED);
    // Pairs with the fence of the producer between its commit and its look at the wish.
    atomic_thread_fence(memory_order_seq_cst);
}

void ring_reader_awake(struct ring_reader *reader)
{
    atomic_store_explicit(&reader->config.page->data_wish, 0, RELAXED);
}

const _Atomic uint32_t *ring_reader_data_word(const struct ring_reader *reader)
{
    return &reader->config.peer->data_word;
}
