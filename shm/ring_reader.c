// SPDX-License-Identifier: Apache-2.0
// Takes frames of one link and gives them back.
#include "shm/ring_reader.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/prefetch.h"
#include "schemas/limits.h"
#include "shm/futex.h"

#define RELAXED memory_order_relaxed
#define ACQUIRE memory_order_acquire
#define RELEASE memory_order_release

static uint32_t index_of(const struct ring_reader *reader, uint64_t seq)
{
    return (uint32_t)((seq - reader->config.first_seq) % reader->config.depth);
}

static void set_index(struct ring_reader *reader, uint32_t index)
{
    reader->index = index;
    reader->cell = publish_cell(reader->config.peer, reader->config.depth, index);
}

// Up to where a take need not ask what else could be: the end, and not yet what a life before took.
static void find_plain_end(struct ring_reader *reader)
{
    bool is_plain = reader->config.is_lossless && reader->next >= reader->taken_before;
    uint64_t end = reader->end != 0 ? reader->end : LIMIT_SEQ_MAX;
    reader->plain_end = is_plain ? end : 0;
}

// A page that was used by a life before: what it took and did not release comes again.
static void resume(struct ring_reader *reader)
{
    struct consume_page *page = reader->config.page;
    reader->retired = atomic_load_explicit(&page->retired, RELAXED);
    reader->taken_before = atomic_load_explicit(&page->next, RELAXED);
    reader->next = reader->config.is_lossless ? reader->retired + 1 : reader->taken_before;
    set_index(reader, index_of(reader, reader->next));
    find_plain_end(reader);
    reader->first_index = index_of(reader, reader->retired + 1);
    reader->checked = reader->retired;
    // A sleeping producer wants a quarter of the depth: it does not need a look at each release,
    // and the fence before the look is a third of what a frame costs.
    uint32_t every = reader->config.depth / 8;
    reader->check_every = every > 1 ? every : 1;
}

int ring_reader_init(struct ring_reader *reader, const struct ring_reader_config *config)
{
    SB_ASSERT(config->depth >= 1 && config->depth <= LIMIT_DEPTH_MAX && config->first_seq >= 1);
    SB_ASSERT(config->claims_max >= 1 && config->claims_max <= LIMIT_CLAIMS_MAX);
    uint64_t *held = calloc(config->claims_max, sizeof *held);
    if (held == NULL) {
        return -ENOMEM;
    }
    *reader = (struct ring_reader){
        .config = *config,
        .slot_bytes = layout_slot_bytes(config->slot_payload_bytes != 0 ? config->slot_payload_bytes
                                                                        : config->payload_bytes),
        .cell_bytes = (uint32_t)layout_cell_bytes(config->depth),
        .states = (_Atomic uint8_t *)config->page + layout_cell_states_offset(config->claims_max),
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

static void count_clamped(struct ring_reader *reader)
{
    reader->clamped++;
    atomic_store_explicit(&reader->config.page->clamped, reader->clamped, RELAXED);
}

static void add_counter(_Atomic uint64_t *counter, uint64_t count)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, RELAXED) + count, RELAXED);
}

// Moves on to seq: what lies between was evicted. A death between the two
// stores would count it twice or not at all, so both values are written down before.
static void jump(struct ring_reader *reader, uint64_t seq)
{
    struct consume_page *page = reader->config.page;
    if (seq <= reader->next) {
        return;
    }
    uint64_t evicted = atomic_load_explicit(&page->evicted, RELAXED) + seq - reader->next;
    atomic_store_explicit(&page->jump_evicted, evicted, RELAXED);
    atomic_store_explicit(&page->jump_to, seq, RELEASE);
    atomic_store_explicit(&page->evicted, evicted, RELEASE);
    reader->next = seq;
    set_index(reader, index_of(reader, seq));
    atomic_store_explicit(&page->next, seq, RELEASE);
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
    if (low - 1 > tail || low > LIMIT_SEQ_MAX) {
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
            bool is_possible = end >= reader->next && end <= LIMIT_SEQ_MAX &&
                               (kind == LINK_END_STREAM || kind == LINK_END_GENERATION);
            if (!is_possible) {
                count_clamped(reader);
                end = reader->next;
                kind = LINK_END_STREAM;
            }
            reader->end = end;
            reader->end_kind = (enum link_end)kind;
            find_plain_end(reader);
        }
    }
    return reader->end;
}

void ring_reader_set_end(struct ring_reader *reader, uint64_t end, enum link_end kind)
{
    reader->end = end > reader->next ? end : reader->next;
    reader->end_kind = kind;
    find_plain_end(reader);
    // A dead producer looks at no hazards, and its cells do not move any more.
    reader->is_shown = true;
    reader->config.is_producer_gone = true;
}

static bool is_shown(struct ring_reader *reader)
{
    if (!reader->is_shown) {
        // Once our number is shown the producer never goes back to an older page.
        uint64_t number = atomic_load_explicit(&reader->config.peer->consume_page, ACQUIRE);
        // Nor does one that has ended this page: it rewrites no cell and looks at no hazard of it,
        // and it may be gone, or in the next generation, before it saw our page at all.
        uint64_t end = atomic_load_explicit(&reader->config.peer->end, ACQUIRE);
        reader->is_shown = number == reader->config.page_number || end != 0;
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

// There is one: take() looks at held_count first.
static uint32_t find_free_claim(struct ring_reader *reader)
{
    // Frames are mostly released in the order in which they were taken.
    uint32_t claim = reader->held_count == 0 ? 0 : reader->claim_hint;
    while (reader->held[claim] != 0) {
        claim = claim + 1 == reader->config.claims_max ? 0 : claim + 1;
    }
    return claim;
}

// Only a cell that is not rewritten before its frame is released may carry one.
static bool is_in_cell(const struct ring_reader *reader, uint32_t flags)
{
    return (flags & CELL_CARRIES) != 0 && reader->config.is_lossless &&
           reader->config.depth <= CARRY_DEPTH_MAX;
}

static bool is_in_bounds(const struct ring_reader *reader, const struct cell_copy *copy)
{
    bool fits = copy->length_bytes <= reader->config.payload_bytes;
    if ((copy->flags & CELL_CARRIES) != 0) {
        return fits && is_in_cell(reader, copy->flags) && copy->length_bytes <= CARRY_PAYLOAD_BYTES;
    }
    return fits && copy->slot < reader->config.slot_count;
}

// Fills the lease, or clamps what lies outside of cell and pool: the frame is then empty.
static void fill_lease(struct ring_reader *reader, const struct link_cell *cell,
                       const struct cell_copy *copy, uint64_t seq, struct ring_lease *out_lease)
{
    struct cell_copy checked = *copy;
    if (!is_in_bounds(reader, copy)) {
        count_clamped(reader);
        checked = (struct cell_copy){0};
    }
    const struct carry_cell *carried = (checked.flags & CELL_CARRIES) != 0 ? carry_of(cell) : NULL;
    if (carried != NULL) {
        prefetch_read(carried->payload);
    } else {
        // Two lines that come from the producer's cache: together, and not one after the other.
        const struct frame_header *header = ring_reader_slot(reader, checked.slot);
        prefetch_read(header);
        prefetch_read(header + 1);
    }
    *out_lease = (struct ring_lease){.seq = seq,
                                     .carried = carried,
                                     .slot = carried == NULL ? checked.slot : 0,
                                     .flags = checked.flags & ~CELL_CARRIES,
                                     .length_bytes = checked.length_bytes,
                                     .is_redelivered = seq < reader->taken_before};
    if (out_lease->is_redelivered) {
        add_counter(&reader->config.page->redelivered, 1);
    }
}

static void advance(struct ring_reader *reader)
{
    ring_reader_advance(reader);
    if (reader->next > reader->taken_before) {
        atomic_store_explicit(&reader->config.page->next, reader->next, RELEASE);
    }
}

static void retire(struct ring_reader *reader, uint64_t seq);

// A dead producer's page promised frames that its cells do not hold, and they hold no others any
// more: without this the reader would wait for ever, and never go on to the next generation.
static void pass_missing(struct ring_reader *reader)
{
    count_clamped(reader);
    uint64_t first = reader->next;
    uint64_t possible = reader->retired + 1 + reader->config.depth;
    if (reader->config.is_lossless && reader->end > possible) {
        // More than the ring could have held.
        reader->end = possible;
        find_plain_end(reader);
    }
    jump(reader, reader->end);
    for (uint64_t seq = first; reader->config.is_lossless && seq < reader->end; seq++) {
        retire(reader, seq);
    }
}

// Nothing to take at next: is it the end?
static int empty_or_end(struct ring_reader *reader)
{
    uint64_t end = read_end(reader);
    if (end == 0 || (reader->next < end && !reader->config.is_producer_gone)) {
        return RING_EMPTY;
    }
    if (reader->next < end) {
        pass_missing(reader);
    }
    return -EPIPE;
}

// Lossless: the frame at next is there. A producer that publishes more than the ring can hold would
// make two frames share one state.
static bool is_there(const struct ring_reader *reader)
{
    const struct link_cell *cell = reader->cell;
    // Pairs with the producer's commit: fields, header and payload are there.
    return atomic_load_explicit(&cell->seq, ACQUIRE) == reader->next &&
           (reader->end == 0 || reader->next < reader->end) &&
           reader->next - reader->retired <= reader->config.depth;
}

// A resumed page knows frames that were released out of order: they are done.
static void pass_released(struct ring_reader *reader)
{
    _Atomic uint8_t *states = reader->states;
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
    if (!is_there(reader)) {
        return empty_or_end(reader);
    }
    uint64_t seq = reader->next;
    const struct link_cell *cell = reader->cell;
    struct cell_copy copy;
    copy_cell(cell, &copy);
    reader->held_count++;
    advance(reader);
    fill_lease(reader, cell, &copy, seq, out_lease);
    find_plain_end(reader);
    return RING_TAKEN;
}

// One try to take next on an evicting link. -EAGAIN: it was evicted, next moved on.
static int try_evicting(struct ring_reader *reader, struct ring_lease *out_lease)
{
    uint32_t claim = find_free_claim(reader);
    _Atomic uint64_t *hazard = &reader->config.page->hazards[claim];
    const struct link_cell *cell = reader->cell;
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
            reader->claim_hint = claim + 1 == reader->config.claims_max ? 0 : claim + 1;
            reader->held_count++;
            advance(reader);
            fill_lease(reader, cell, &copy, wanted, out_lease);
            return RING_TAKEN;
        }
        atomic_store_explicit(hazard, 0, RELEASE);
    }
    uint64_t low = read_low(reader);
    if (low > reader->next) {
        jump(reader, low);
        return -EAGAIN;
    }
    return empty_or_end(reader);
}

static void jump_to_latest(struct ring_reader *reader)
{
    uint64_t tail = atomic_load_explicit(&reader->config.peer->tail, ACQUIRE);
    bool is_after_end = reader->end != 0 && tail >= reader->end;
    if (tail > reader->next && tail <= LIMIT_SEQ_MAX && !is_after_end) {
        jump(reader, tail);
    }
}

static int take_evicting(struct ring_reader *reader, struct ring_lease *out_lease)
{
    if (!is_shown(reader)) {
        return empty_or_end(reader);
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
    if (ring_reader_take_plain(reader, out_lease)) {
        return RING_TAKEN;
    }
    if (reader->held_count == reader->config.claims_max) {
        ring_reader_look_at_wish(reader);
        return -EBUSY;
    }
    int taken = reader->config.is_lossless ? take_lossless(reader, out_lease)
                                           : take_evicting(reader, out_lease);
    if (taken != RING_TAKEN) {
        ring_reader_look_at_wish(reader);
    }
    return taken;
}

// Who waited for this frame takes it next: the rest of it comes over while it gets there.
static void fetch(const struct ring_reader *reader, const struct link_cell *cell)
{
    uint32_t slot = atomic_load_explicit(&cell->slot, RELAXED);
    if (is_in_cell(reader, atomic_load_explicit(&cell->flags, RELAXED))) {
        prefetch_read(carry_of(cell)->payload);
    } else if (slot < reader->config.slot_count) {
        const struct frame_header *header = ring_reader_slot(reader, slot);
        prefetch_read(header);
        prefetch_read(header + 1);
    }
}

bool ring_reader_has_next(struct ring_reader *reader)
{
    const struct link_cell *cell = reader->cell;
    bool has_next = reader->config.is_lossless
                        ? is_there(reader)
                        : atomic_load_explicit(&cell->seq, ACQUIRE) == reader->next &&
                              (reader->end == 0 || reader->next < reader->end) && is_shown(reader);
    if (has_next) {
        fetch(reader, cell);
    }
    return has_next;
}

bool ring_reader_is_ready(struct ring_reader *reader)
{
    if (reader->config.is_lossless && reader->next < reader->taken_before) {
        pass_released(reader);
    }
    if (reader->config.is_lossless) {
        if (is_there(reader)) {
            fetch(reader, reader->cell);
            return true;
        }
        return empty_or_end(reader) != RING_EMPTY;
    }
    if (is_shown(reader)) {
        const struct link_cell *cell = reader->cell;
        uint64_t seq = atomic_load_explicit(&cell->seq, ACQUIRE);
        bool is_open = reader->end == 0 || reader->next < reader->end;
        if ((seq == reader->next && is_open) || read_low(reader) > reader->next) {
            return true;
        }
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

// Evicting: the claim of a held frame, or UINT32_MAX.
static uint32_t find_held(const struct ring_reader *reader, uint64_t seq)
{
    uint32_t claim = reader->held_hint;
    for (uint32_t i = 0; seq != 0 && i < reader->config.claims_max; i++) {
        if (reader->held[claim] == seq) {
            return claim;
        }
        claim = claim + 1 == reader->config.claims_max ? 0 : claim + 1;
    }
    return UINT32_MAX;
}

// Lossless: cell of a frame between retired and retired + depth. No division.
static uint32_t taken_index(const struct ring_reader *reader, uint64_t seq)
{
    uint64_t index = reader->first_index + (seq - reader->retired - 1);
    return (uint32_t)(index >= reader->config.depth ? index - reader->config.depth : index);
}

bool ring_reader_is_held(const struct ring_reader *reader, uint64_t seq)
{
    if (!reader->config.is_lossless) {
        return find_held(reader, seq) != UINT32_MAX;
    }
    return seq > reader->retired && seq < reader->next &&
           atomic_load_explicit(&reader->states[taken_index(reader, seq)], RELAXED) !=
               CELL_RELEASED;
}

// In order: every released frame behind the last retired one retires, also those that a life before
// released. Returns how many.
static uint32_t count_retiring(const struct ring_reader *reader)
{
    const _Atomic uint8_t *states = reader->states;
    uint64_t end = reader->next > reader->taken_before ? reader->next : reader->taken_before;
    uint64_t taken = end - reader->retired - 1;
    uint32_t index = reader->first_index;
    uint32_t count = 1;
    while (count < taken) {
        index = index + 1 == reader->config.depth ? 0 : index + 1;
        if (atomic_load_explicit(&states[index], RELAXED) != CELL_RELEASED) {
            break;
        }
        count++;
    }
    return count;
}

// Moves behind the cells that retired. The states of those that were released out of order are
// cleared for the next round of the ring: after the count moved, because a death in between must
// not make them look taken. The next frame of such a cell is taken, and its state looked at, later.
static void pass_retired(struct ring_reader *reader, uint32_t count)
{
    _Atomic uint8_t *states = reader->states;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) {
            atomic_store_explicit(&states[reader->first_index], CELL_FREE, RELAXED);
        }
        reader->first_index =
            reader->first_index + 1 == reader->config.depth ? 0 : reader->first_index + 1;
    }
    if (reader->next <= reader->retired) {
        reader->next = reader->retired + 1;
        set_index(reader, reader->first_index);
    }
}

void ring_reader_look_at_wish(struct ring_reader *reader)
{
    if (reader->checked == reader->retired) {
        return;
    }
    // Pairs with the fence of the sleeping producer between its wish and its last look.
    atomic_thread_fence(memory_order_seq_cst);
    uint64_t wish = atomic_load_explicit(&reader->config.peer->space_wish, RELAXED);
    uint64_t old = reader->checked;
    reader->checked = reader->retired;
    if (old < wish && wish <= reader->retired) {
        futex_bump_and_wake(&reader->config.page->space_word);
    }
}

static void retire(struct ring_reader *reader, uint64_t seq)
{
    if (seq != reader->retired + 1) {
        atomic_store_explicit(&reader->states[taken_index(reader, seq)], CELL_RELEASED, RELEASE);
        return;
    }
    uint32_t count = count_retiring(reader);
    reader->retired += count;
    // Pairs with the producer's acquire: we are done with those payloads and cells.
    atomic_store_explicit(&reader->config.page->retired, reader->retired, RELEASE);
    pass_retired(reader, count);
    if (reader->retired - reader->checked >= reader->check_every) {
        ring_reader_look_at_wish(reader);
    }
}

int ring_reader_release(struct ring_reader *reader, uint64_t seq)
{
    if (reader->config.is_lossless) {
        if (ring_reader_release_plain(reader, seq)) {
            return 0;
        }
        if (!ring_reader_is_held(reader, seq)) {
            return -EINVAL;
        }
        reader->held_count--;
        retire(reader, seq);
        return 0;
    }
    uint32_t claim = find_held(reader, seq);
    if (claim == UINT32_MAX) {
        return -EINVAL;
    }
    reader->held[claim] = 0;
    reader->held_hint = claim + 1 == reader->config.claims_max ? 0 : claim + 1;
    reader->held_count--;
    atomic_store_explicit(&reader->config.page->hazards[claim], 0, RELEASE);
    return 0;
}

int ring_reader_skip(struct ring_reader *reader)
{
    struct ring_lease lease;
    int taken = ring_reader_take(reader, &lease);
    if (taken == RING_TAKEN) {
        // Released first: a death in between must not count it twice.
        int released = ring_reader_release(reader, lease.seq);
        SB_ASSERT(released == 0);
        add_counter(&reader->config.page->poisoned, 1);
    }
    return taken;
}

void ring_reader_settle(struct ring_reader *reader)
{
    if (!reader->config.is_lossless) {
        return;
    }
    reader->checked = reader->retired;
    // Pairs with the fence of the sleeping producer between its wish and its last look.
    atomic_thread_fence(memory_order_seq_cst);
    uint64_t wish = atomic_load_explicit(&reader->config.peer->space_wish, RELAXED);
    uint64_t tail = atomic_load_explicit(&reader->config.peer->tail, RELAXED);
    // A producer waits for more space than there is, and we, who hold frames back until there are
    // more, or wait for another link, give none before it published again: both would sleep for
    // ever. A wish that was reached since the last look counts as well.
    if (wish != 0 && tail - reader->retired < reader->config.depth) {
        futex_bump_and_wake(&reader->config.page->space_word);
    }
}

void ring_reader_wish(struct ring_reader *reader, uint32_t count)
{
    SB_ASSERT(count >= 1 && count <= reader->config.depth);
    atomic_store_explicit(&reader->config.page->data_wish, reader->next + count - 1, RELAXED);
    // Pairs with the fence of the producer between its commit and its look at the wish.
    atomic_thread_fence(memory_order_seq_cst);
    ring_reader_settle(reader);
}

void ring_reader_awake(struct ring_reader *reader)
{
    atomic_store_explicit(&reader->config.page->data_wish, 0, RELAXED);
}

const _Atomic uint32_t *ring_reader_data_word(const struct ring_reader *reader)
{
    return &reader->config.peer->data_word;
}
