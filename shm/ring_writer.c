// SPDX-License-Identifier: Apache-2.0
// Publishes frames on one link and takes slots back.
#include "shm/ring_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "schemas/limits.h"
#include "shm/futex.h"

// How many frames before its turn a cell is fetched. The reader has its lines: without this the
// fence of each publish waits until they have come over. More lines need more time.
#define CELLS_AHEAD 8
#define CARRY_CELLS_AHEAD 16

#define RELAXED memory_order_relaxed
#define ACQUIRE memory_order_acquire
#define RELEASE memory_order_release

int ring_writer_init(struct ring_writer *writer, const struct ring_writer_config *config)
{
    SB_ASSERT(config->depth >= 1 && config->depth <= LIMIT_DEPTH_MAX && config->first_seq >= 1);
    uint32_t limbo_size = config->depth + LIMIT_CLAIMS_MAX;
    uint32_t *slots = calloc((size_t)config->depth * 2, sizeof *slots);
    struct ring_writer_limbo *limbo = calloc(limbo_size, sizeof *limbo);
    if (slots == NULL || limbo == NULL) {
        free(slots);
        free(limbo);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < config->depth; i++) {
        slots[i] = POOL_SLOT_NONE;
    }
    bool carries = config->is_lossless && config->depth <= CARRY_DEPTH_MAX;
    uint32_t ahead = carries ? CARRY_CELLS_AHEAD : CELLS_AHEAD;
    *writer = (struct ring_writer){.page = config->page,
                                   .pool = config->pool,
                                   .is_lossless = config->is_lossless,
                                   .depth = config->depth,
                                   .carries = carries,
                                   .cell = publish_cell(config->page, config->depth, 0),
                                   .cell_bytes = (uint32_t)layout_cell_bytes(config->depth),
                                   .ahead = ahead < config->depth / 2 ? ahead : config->depth / 2,
                                   .next_seq = config->first_seq,
                                   .first_seq = config->first_seq,
                                   .last_step = config->last_step,
                                   .seen_retired = config->first_seq - 1,
                                   .seen_next = config->first_seq,
                                   .slots = slots,
                                   .looks = slots + config->depth,
                                   .reclaimed = config->first_seq,
                                   .limbo = limbo,
                                   .limbo_size = limbo_size};
    atomic_store_explicit(&writer->page->tail, config->first_seq - 1, RELAXED);
    atomic_store_explicit(&writer->page->low, config->first_seq, RELEASE);
    return 0;
}

static uint32_t index_of(const struct ring_writer *writer, uint64_t seq)
{
    return (uint32_t)((seq - writer->first_seq) % writer->depth);
}

static inline void take_back(struct ring_writer *writer, uint32_t index)
{
    uint32_t slot = writer->slots[index];
    if (slot != POOL_SLOT_NONE) {
        writer->slots[index] = POOL_SLOT_NONE;
        pool_drop(writer->pool, slot);
    }
}

void ring_writer_fini(struct ring_writer *writer)
{
    if (writer->slots == NULL) {
        return;
    }
    for (uint32_t i = 0; i < writer->depth; i++) {
        take_back(writer, i);
    }
    for (uint32_t i = 0; i < writer->limbo_count; i++) {
        pool_drop(writer->pool, writer->limbo[i].slot);
    }
    free(writer->slots);
    free(writer->limbo);
    *writer = (struct ring_writer){0};
}

// A cursor of the peer: it may only grow, and never beyond highest. Below start the reader of this
// generation has not begun yet.
static uint64_t clamp(struct ring_writer *writer, uint64_t value, uint64_t seen, uint64_t start,
                      uint64_t highest)
{
    if (value >= seen && value <= highest) {
        return value;
    }
    if (value > highest || seen != start) {
        writer->clamped++;
    }
    return seen;
}

static void read_retired(struct ring_writer *writer)
{
    if (writer->peer != NULL) {
        // Pairs with the release of `retired`: the reader is done with those payloads.
        uint64_t retired = atomic_load_explicit(&writer->peer->retired, ACQUIRE);
        writer->seen_retired = clamp(writer, retired, writer->seen_retired, writer->first_seq - 1,
                                     writer->next_seq - 1);
    }
}

static void read_next(struct ring_writer *writer)
{
    if (writer->peer != NULL) {
        uint64_t next = atomic_load_explicit(&writer->peer->next, ACQUIRE);
        writer->seen_next =
            clamp(writer, next, writer->seen_next, writer->first_seq, writer->next_seq);
    }
}

uint32_t ring_writer_space(struct ring_writer *writer)
{
    if (!writer->is_lossless) {
        return writer->depth;
    }
    uint64_t used = writer->next_seq - 1 - writer->seen_retired;
    if (used == writer->depth) {
        read_retired(writer);
        used = writer->next_seq - 1 - writer->seen_retired;
    }
    return writer->depth - (uint32_t)used;
}

// Makes a cell unreadable before its fields change: a producer that dies in between must not leave
// the seq of the old frame beside the step of the new one.
static void mark(struct ring_writer *writer, struct link_cell *cell, uint64_t old_seq)
{
    // low before the mark: a reader that sees the mark (acquire) must see that it has to jump, and
    // not take the cell for one that is not written yet. Release: tail is never below low - 1.
    atomic_store_explicit(&writer->page->low, old_seq + 1, RELEASE);
    atomic_store_explicit(&cell->seq, 0, RELEASE);
    atomic_thread_fence(RELEASE);
}

// The seq that was in the cell is done with, whether its slot was taken back or is in limbo.
static void pass(struct ring_writer *writer, uint64_t old_seq)
{
    if (writer->reclaimed <= old_seq) {
        writer->reclaimed = old_seq + 1;
    }
}

// Makes the oldest cell of an evicting link unreadable and puts its slot aside.
__attribute__((noinline)) static void evict(struct ring_writer *writer, struct link_cell *cell,
                                            uint64_t old_seq)
{
    mark(writer, cell, old_seq);
    pass(writer, old_seq);
    if (writer->slots[writer->index] == POOL_SLOT_NONE) {
        // The reader passed it, and its slot is taken back: nobody looks at this seq again.
        return;
    }
    // Pairs with the fence between the reader's hazard and its look at the cell: either it sees the
    // mark, or its hazard is seen by every look at the hazards from now on.
    atomic_thread_fence(memory_order_seq_cst);
    SB_ASSERT(writer->limbo_count < writer->limbo_size);
    writer->limbo[writer->limbo_count++] =
        (struct ring_writer_limbo){.seq = old_seq, .slot = writer->slots[writer->index]};
    writer->slots[writer->index] = POOL_SLOT_NONE;
    if (writer->limbo_count == writer->limbo_size) {
        ring_writer_reclaim(writer);
    }
}

// The frame that was in the cell is retired, and no reader of this link waits for its seq. In the
// first round of the ring there was none.
static inline void reuse(struct ring_writer *writer, struct link_cell *cell, uint64_t seq)
{
    SB_ASSERT(seq <= writer->seen_retired + writer->depth);
    take_back(writer, writer->index);
    if (writer->depth == 1) {
        // The only cell is also the newest one, which tells the broker where we died.
        mark(writer, cell, seq - 1);
    }
}

// A word of its own for the compiler: a wide load of what was written in words just now would wait
// until that has left the store buffer.
static uint64_t load_word(const void *address)
{
    uint64_t word;
    memcpy(&word, address, sizeof word);
    __asm__("" : "+r"(word));
    return word;
}

// Copies what the slot holds into the cell. The whole line of payload, whatever its length: what
// lies behind it is the producer's own.
static inline void carry(struct carry_cell *to, const struct frame_header *header)
{
    const uint8_t *payload = (const uint8_t *)(header + 1);
    for (size_t i = 0; i < CARRY_PAYLOAD_BYTES; i += sizeof(uint64_t)) {
        uint64_t word = load_word(payload + i);
        memcpy(to->payload + i, &word, sizeof word);
    }
    to->number = load_word(&header->number);
    to->pts_ns = (int64_t)load_word(&header->pts_ns);
    to->duration_ns = (int64_t)load_word(&header->duration_ns);
    to->trace_id = load_word(&header->trace_id);
}

// Makes room in the cell for the next frame.
static inline void clear_cell(struct ring_writer *writer, struct link_cell *cell, uint64_t seq)
{
    if (writer->is_lossless) {
        reuse(writer, cell, seq);
    } else if (seq - writer->first_seq >= writer->depth) {
        evict(writer, cell, seq - writer->depth);
    }
}

// Fetches what the publishes to come will write: a line of cells, and the first lines of the slot
// that will be taken back and claimed by then. Those whose frame is not known to be retired stay
// where they are: the reader may be at them. A cell of an evicting link is written whether or not.
// index is that of seq.
static inline void fetch_ahead(const struct ring_writer *writer, uint64_t seq, uint32_t index,
                               bool is_in_cell)
{
    uint32_t depth = writer->depth;
    uint32_t ahead = writer->ahead;
    bool is_retired = seq + ahead <= writer->seen_retired + depth;
    if (!is_retired && writer->is_lossless) {
        return;
    }
    uint32_t there = index + ahead < depth ? index + ahead : index + ahead - depth;
    const uint8_t *cell = writer->page->cells + (uint64_t)there * writer->cell_bytes;
    prefetch_write(cell);
    if (is_in_cell) {
        prefetch_write(cell + CACHE_LINE_BYTES);
        return;
    }
    uint32_t slot = writer->slots[there];
    if (is_retired && slot != POOL_SLOT_NONE) {
        pool_fetch(writer->pool, slot);
    }
}

static inline bool belongs_in_cell(const struct ring_writer *writer, uint32_t slot,
                                   uint64_t length_bytes)
{
    if (!writer->carries || length_bytes > CARRY_PAYLOAD_BYTES ||
        length_bytes > writer->pool->payload_bytes) {
        return false;
    }
    const struct frame_header *header = pool_header(writer->pool, slot);
    return (header->job_id | header->ticket) == 0;
}

// Everything of a publish but the look at who waits for it. Always inlined: what a caller keeps on
// the stack meanwhile is waited for behind the fence (25 instead of 35 million frames a second).
__attribute__((always_inline)) static inline void commit(struct ring_writer *writer, uint32_t slot,
                                                         uint64_t length_bytes, uint64_t step,
                                                         uint32_t flags)
{
    uint64_t seq = writer->next_seq;
    uint32_t index = writer->index;
    struct link_cell *cell = writer->cell;
    bool is_in_cell = belongs_in_cell(writer, slot, length_bytes);
    clear_cell(writer, cell, seq);
    if (is_in_cell) {
        carry(carry_of(cell), pool_header(writer->pool, slot));
        flags |= CELL_CARRIES;
    } else {
        pool_lend(writer->pool, slot);
        writer->slots[index] = slot;
    }
    atomic_store_explicit(&cell->length_bytes, length_bytes, RELAXED);
    atomic_store_explicit(&cell->step, step, RELAXED);
    atomic_store_explicit(&cell->slot, slot, RELAXED);
    atomic_store_explicit(&cell->flags, flags, RELAXED);
    // The commit. Pairs with the reader's acquire of the same word; header and payload are before.
    atomic_store_explicit(&cell->seq, seq, RELEASE);
    atomic_store_explicit(&writer->page->tail, seq, RELAXED);
    index++;
    uintptr_t next = (uintptr_t)cell + writer->cell_bytes;
    if (index == writer->depth) {
        index = 0;
        next = (uintptr_t)writer->page->cells;
    }
    writer->cell = (struct link_cell *)next;
    writer->index = index;
    writer->next_seq = seq + 1;
    fetch_ahead(writer, seq + 1, index, is_in_cell);
}

static inline void wake_for_newest(const struct ring_writer *writer)
{
    const struct consume_page *peer = writer->peer;
    if (peer != NULL && atomic_load_explicit(&peer->data_wish, RELAXED) == writer->next_seq - 1) {
        futex_bump_and_wake(&writer->page->data_word);
    }
}

void ring_writer_publish(struct ring_writer *writer, uint32_t slot, uint64_t length_bytes,
                         uint64_t step, uint32_t flags)
{
    commit(writer, slot, length_bytes, step, flags);
    // Pairs with the fence of the sleeper between its wish and its last look at the cell.
    atomic_thread_fence(memory_order_seq_cst);
    wake_for_newest(writer);
}

void ring_writer_publish_all(struct ring_writer *const *writers, uint32_t count, uint32_t slot,
                             uint64_t length_bytes, uint64_t step, uint32_t flags)
{
    for (uint32_t i = 0; i < count; i++) {
        commit(writers[i], slot, length_bytes, step, flags);
    }
    // As above, for all of them.
    atomic_thread_fence(memory_order_seq_cst);
    for (uint32_t i = 0; i < count; i++) {
        wake_for_newest(writers[i]);
    }
}

// Lossless: everything up to `retired` in order, and what was released out of order behind it.
static void reclaim_lossless(struct ring_writer *writer)
{
    read_retired(writer);
    // Those whose cells were used again since the last time had their slots taken back then.
    uint64_t rewritten = writer->next_seq - writer->first_seq;
    uint64_t oldest = writer->next_seq - (rewritten < writer->depth ? rewritten : writer->depth);
    writer->reclaimed = writer->reclaimed > oldest ? writer->reclaimed : oldest;
    while (writer->reclaimed <= writer->seen_retired) {
        take_back(writer, index_of(writer, writer->reclaimed));
        writer->reclaimed++;
    }
    if (writer->peer == NULL || writer->pool->free_count > 0) {
        return;
    }
    read_next(writer);
    const _Atomic uint8_t *states =
        (const _Atomic uint8_t *)writer->peer + layout_cell_states_offset(writer->peer_claims);
    for (uint64_t seq = writer->reclaimed; seq < writer->seen_next; seq++) {
        uint32_t index = index_of(writer, seq);
        if (atomic_load_explicit(&states[index], ACQUIRE) == CELL_RELEASED) {
            take_back(writer, index);
        }
    }
}

// The limbo is in the order of seq.
static struct ring_writer_limbo *find_limbo(const struct ring_writer *writer, uint64_t seq)
{
    uint32_t low = 0;
    uint32_t high = writer->limbo_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (writer->limbo[middle].seq < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < writer->limbo_count && writer->limbo[low].seq == seq ? &writer->limbo[low] : NULL;
}

// Marks the frames that the reader holds. Each hazard is read once: a reader that changes them
// meanwhile must not hold more frames than it has claims, and a look costs claims and not
// claims times frames.
static void look_at_hazards(struct ring_writer *writer)
{
    writer->look++;
    for (uint32_t i = 0; writer->peer != NULL && i < writer->peer_claims; i++) {
        // Pairs with the release of the claim: the reader is done with that payload.
        uint64_t seq = atomic_load_explicit(&writer->peer->hazards[i], ACQUIRE);
        if (seq < writer->first_seq || seq >= writer->next_seq) {
            continue;
        }
        struct ring_writer_limbo *entry = find_limbo(writer, seq);
        if (entry != NULL) {
            entry->look = writer->look;
        } else if (seq >= writer->reclaimed) {
            writer->looks[index_of(writer, seq)] = writer->look;
        }
    }
}

// Evicting: what the reader took and released, and what was evicted and is nobody's hazard.
static void reclaim_evicting(struct ring_writer *writer)
{
    // next before the hazards: the other way round a reader could claim, take and move on between
    // the two looks, and a frame that it holds would pass for released.
    read_next(writer);
    look_at_hazards(writer);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < writer->limbo_count; i++) {
        struct ring_writer_limbo *entry = &writer->limbo[i];
        if (entry->look == writer->look) {
            writer->limbo[kept++] = *entry;
        } else {
            pool_drop(writer->pool, entry->slot);
        }
    }
    writer->limbo_count = kept;
    bool is_first_gone = true;
    uint32_t index = index_of(writer, writer->reclaimed);
    for (uint64_t seq = writer->reclaimed; seq < writer->seen_next; seq++) {
        if (writer->looks[index] != writer->look) {
            take_back(writer, index);
        }
        is_first_gone = is_first_gone && writer->slots[index] == POOL_SLOT_NONE;
        if (is_first_gone) {
            writer->reclaimed = seq + 1;
        }
        index = index + 1 == writer->depth ? 0 : index + 1;
    }
}

void ring_writer_reclaim(struct ring_writer *writer)
{
    if (writer->is_lossless) {
        reclaim_lossless(writer);
    } else {
        reclaim_evicting(writer);
    }
}

void ring_writer_set_peer(struct ring_writer *writer, const struct consume_page *peer,
                          uint32_t claims_max, uint64_t page_number)
{
    SB_ASSERT(claims_max <= LIMIT_CLAIMS_MAX);
    writer->peer = peer;
    writer->peer_claims = claims_max;
    writer->peer_page_number = page_number;
    if (peer != NULL) {
        ring_writer_reclaim(writer);
    }
    atomic_store_explicit(&writer->page->consume_page, peer != NULL ? page_number : 0,
                          memory_order_seq_cst);
    // A reader that slept on the wish in its old page, or that waits for its number, must look
    // again: without this wake a sleeper was lost.
    futex_bump_and_wake(&writer->page->data_word);
}

void ring_writer_wish_space(struct ring_writer *writer, uint32_t wanted_cells)
{
    SB_ASSERT(wanted_cells >= 1 && wanted_cells <= writer->depth);
    uint64_t wanted = writer->next_seq - 1 + wanted_cells - writer->depth;
    atomic_store_explicit(&writer->page->space_wish, wanted, RELAXED);
    // Pairs with the fence of the reader between `retired` and its look at the wish.
    atomic_thread_fence(memory_order_seq_cst);
    read_retired(writer);
}

void ring_writer_awake(struct ring_writer *writer)
{
    atomic_store_explicit(&writer->page->space_wish, 0, RELAXED);
}

const _Atomic uint32_t *ring_writer_space_word(const struct ring_writer *writer)
{
    return writer->peer != NULL ? &writer->peer->space_word : NULL;
}

void ring_writer_end(struct ring_writer *writer, enum link_end kind)
{
    SB_ASSERT(kind != LINK_END_OPEN);
    atomic_store_explicit(&writer->page->end_kind, (uint32_t)kind, RELAXED);
    atomic_store_explicit(&writer->page->end, writer->next_seq, memory_order_seq_cst);
    futex_bump_and_wake(&writer->page->data_word);
}
