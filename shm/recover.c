// SPDX-License-Identifier: Apache-2.0
// Reads the pages of dead workers.
#include "shm/recover.h"

#include <stdbool.h>

#include "base/check.h"
#include "schemas/limits.h"

#define RELAXED memory_order_relaxed
#define ACQUIRE memory_order_acquire

static const struct link_cell *cell_of(const struct publish_page *page, uint32_t depth,
                                       uint64_t first_seq, uint64_t seq)
{
    return publish_cell(page, depth, (seq - first_seq) % depth);
}

uint64_t recover_published_end(const struct publish_page *page, uint32_t depth, uint64_t first_seq,
                               uint64_t at_least)
{
    uint64_t tail = atomic_load_explicit(&page->tail, ACQUIRE);
    uint64_t end = at_least > first_seq ? at_least : first_seq;
    // A tail that is confirmed by its own cell, or by low where that cell was being rewritten (only
    // in a ring of one cell). Anything else is a lie: start at what was taken.
    if (tail >= end && tail <= LIMIT_SEQ_MAX &&
        (atomic_load_explicit(&cell_of(page, depth, first_seq, tail)->seq, ACQUIRE) == tail ||
         (depth == 1 && atomic_load_explicit(&page->low, ACQUIRE) == tail + 1))) {
        end = tail + 1;
    }
    // At most one round: cells of another round have other seqs.
    for (uint32_t i = 0; i < depth; i++) {
        uint64_t seq = atomic_load_explicit(&cell_of(page, depth, first_seq, end)->seq, ACQUIRE);
        if (seq != end) {
            break;
        }
        end++;
    }
    return end;
}

uint64_t recover_last_step(const struct publish_page *page, uint32_t depth, uint64_t first_seq,
                           uint64_t end_seq)
{
    if (end_seq <= first_seq) {
        return 0;
    }
    const struct link_cell *cell = cell_of(page, depth, first_seq, end_seq - 1);
    // In a ring of one cell the next frame may have been on its way: its step is not on the link.
    bool is_committed = atomic_load_explicit(&cell->seq, ACQUIRE) == end_seq - 1;
    return is_committed ? atomic_load_explicit(&cell->step, RELAXED) : 0;
}

// Keeps value inside [lowest, highest], counting when it was not.
static uint64_t bounded(uint64_t value, uint64_t lowest, uint64_t highest, uint32_t *clamped)
{
    if (value < lowest) {
        (*clamped)++;
        return lowest;
    }
    if (value > highest) {
        (*clamped)++;
        return highest;
    }
    return value;
}

struct states {
    const _Atomic uint8_t *dead;
    _Atomic uint8_t *fresh;
    uint64_t first_seq;
    uint32_t depth;
};

static uint64_t state_index(const struct states *states, uint64_t seq)
{
    return (seq - states->first_seq) % states->depth;
}

// Lossless: which of the taken frames are released, and how far without a gap.
static void recover_states(const struct states *states, const struct recover_request *request,
                           struct recovered_reader *reader)
{
    for (uint64_t seq = reader->retired + 1; seq < reader->next; seq++) {
        uint64_t index = state_index(states, seq);
        uint8_t state = atomic_load_explicit(&states->dead[index], RELAXED);
        if (state == CELL_RELEASED) {
            atomic_store_explicit(&states->fresh[index], CELL_RELEASED, RELAXED);
        }
    }
    for (uint32_t i = 0; i < request->done_count; i++) {
        uint64_t seq = request->done_seqs[i];
        if (seq > reader->retired && seq < reader->next) {
            uint64_t index = state_index(states, seq);
            atomic_store_explicit(&states->fresh[index], CELL_RELEASED, RELAXED);
        }
    }
    bool is_first = true;
    for (uint64_t seq = reader->retired + 1; seq < reader->next; seq++) {
        _Atomic uint8_t *state = &states->fresh[state_index(states, seq)];
        bool is_released = atomic_load_explicit(state, RELAXED) == CELL_RELEASED;
        is_first = is_first && is_released;
        if (is_first) {
            atomic_store_explicit(state, CELL_FREE, RELAXED);
            reader->retired = seq;
        } else if (is_released) {
            reader->released++;
        }
    }
}

// The counters of one page never add up to more than it passed.
static void recover_counters(const struct consume_page *dead, uint64_t first_seq,
                             struct recovered_reader *reader)
{
    uint64_t next = atomic_load_explicit(&dead->next, ACQUIRE);
    uint64_t jump_to = atomic_load_explicit(&dead->jump_to, ACQUIRE);
    // It died within a jump: the jump counts.
    bool is_jumping = jump_to > next && jump_to == reader->next;
    uint64_t evicted =
        atomic_load_explicit(is_jumping ? &dead->jump_evicted : &dead->evicted, RELAXED);
    uint64_t poisoned = atomic_load_explicit(&dead->poisoned, RELAXED);
    uint64_t passed = reader->next - first_seq;
    reader->evicted = bounded(evicted, 0, passed, &reader->clamped);
    reader->poisoned = bounded(poisoned, 0, passed - reader->evicted, &reader->clamped);
    reader->redelivered = atomic_load_explicit(&dead->redelivered, RELAXED);
}

static bool is_done(const struct recover_request *request, uint64_t seq)
{
    for (uint32_t i = 0; i < request->done_count; i++) {
        if (request->done_seqs[i] == seq) {
            return true;
        }
    }
    return false;
}

// Evicting: what it held dies with it. A hostile page counts no frame twice.
static uint64_t count_lost(const struct consume_page *dead, const struct recover_request *request,
                           uint64_t next)
{
    uint64_t lost = 0;
    uint64_t before = 0;
    for (uint32_t i = 0; i < request->claims_max; i++) {
        uint64_t seq = atomic_load_explicit(&dead->hazards[i], RELAXED);
        bool is_held = seq >= request->first_seq && seq < next && seq != before;
        lost += is_held && !is_done(request, seq) ? 1 : 0;
        before = seq;
    }
    return lost;
}

// How far the dead consumer was.
static void recover_cursors(const struct consume_page *dead, const struct recover_request *request,
                            uint32_t depth, struct recovered_reader *reader)
{
    uint64_t lowest = request->first_seq;
    if (request->is_lossless && request->published_end - lowest > depth) {
        // What is below was retired, or its producer would have had no space.
        lowest = request->published_end - depth;
    }
    uint64_t next = atomic_load_explicit(&dead->next, ACQUIRE);
    uint64_t jump_to = atomic_load_explicit(&dead->jump_to, ACQUIRE);
    if (jump_to > next && jump_to <= request->published_end) {
        next = jump_to;
    }
    reader->next = bounded(next, lowest, request->published_end, &reader->clamped);
    reader->retired = request->first_seq - 1;
    if (request->is_lossless) {
        reader->retired = bounded(atomic_load_explicit(&dead->retired, ACQUIRE), lowest - 1,
                                  reader->next - 1, &reader->clamped);
    }
}

void recover_consume_page(const struct consume_page *dead, const struct recover_request *request,
                          struct consume_page *fresh, struct recovered_reader *out_reader)
{
    // The fresh page's constants are the broker's own; those of the dead page are not trusted.
    SB_ASSERT(fresh->depth >= 1 && request->claims_max >= 1 && request->first_seq >= 1);
    SB_ASSERT(request->published_end >= request->first_seq);
    struct recovered_reader reader = {0};
    recover_cursors(dead, request, fresh->depth, &reader);
    recover_counters(dead, request->first_seq, &reader);
    if (request->is_lossless) {
        uint64_t dead_offset = layout_cell_states_offset(request->claims_max);
        uint64_t fresh_offset = layout_cell_states_offset(fresh->claims_max);
        const struct states states = {.dead = (const _Atomic uint8_t *)dead + dead_offset,
                                      .fresh = (_Atomic uint8_t *)fresh + fresh_offset,
                                      .first_seq = request->first_seq,
                                      .depth = fresh->depth};
        recover_states(&states, request, &reader);
    } else {
        uint64_t taken = reader.next - request->first_seq - reader.evicted - reader.poisoned;
        uint64_t lost = count_lost(dead, request, reader.next);
        reader.lost = lost < taken ? lost : taken;
    }
    atomic_store_explicit(&fresh->next, reader.next, RELAXED);
    atomic_store_explicit(&fresh->retired, reader.retired, RELAXED);
    atomic_store_explicit(&fresh->evicted, reader.evicted, RELAXED);
    atomic_store_explicit(&fresh->poisoned, reader.poisoned, RELAXED);
    atomic_store_explicit(&fresh->redelivered, reader.redelivered, RELAXED);
    uint64_t missing = atomic_load_explicit(&dead->missing, RELAXED);
    atomic_store_explicit(&fresh->missing, missing, RELAXED);
    *out_reader = reader;
}
