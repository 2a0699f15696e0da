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
    return &page->cells[(seq - first_seq) % depth];
}

uint64_t recover_published_end(const struct publish_page *page, uint32_t depth, uint64_t first_seq,
                               uint64_t at_least)
{
    uint64_t tail = atomic_load_explicit(&page->tail, ACQUIRE);
    uint64_t end = at_least > first_seq ? at_least : first_seq;
    // A tail that its own cell does not confirm is a lie or a torn death: start at what was taken.
    if (tail >= end && tail < UINT64_MAX / 2 &&
        atomic_load_explicit(&cell_of(page, depth, first_seq, tail)->seq, ACQUIRE) == tail) {
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
    return atomic_load_explicit(&cell->step, RELAXED);
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

static bool is_done(uint64_t seq, const uint64_t *done_seqs, uint32_t done_count)
{
    for (uint32_t i = 0; i < done_count; i++) {
        if (done_seqs[i] == seq) {
            return true;
        }
    }
    return false;
}

void recover_consume_page(const struct consume_page *dead, const uint64_t *done_seqs,
                          uint32_t done_count, uint64_t published_end, struct consume_page *fresh,
                          struct recovered_reader *out_reader)
{
    // The fresh page's constants are the broker's own; those of the dead page are not trusted.
    uint32_t depth = fresh->depth;
    uint64_t start = atomic_load_explicit(&fresh->next, RELAXED);
    SB_ASSERT(depth >= 1 && published_end >= start);
    struct recovered_reader reader = {0};
    reader.next =
        bounded(atomic_load_explicit(&dead->next, ACQUIRE), start, published_end, &reader.clamped);
    uint64_t lowest = reader.next - start > depth ? reader.next - 1 - depth : start - 1;
    reader.retired = bounded(atomic_load_explicit(&dead->retired, ACQUIRE), lowest, reader.next - 1,
                             &reader.clamped);
    uint64_t offset = layout_cell_states_offset(fresh->claims_max);
    const _Atomic uint8_t *old_states = (const _Atomic uint8_t *)dead + offset;
    _Atomic uint8_t *states = (_Atomic uint8_t *)fresh + offset;
    for (uint64_t seq = reader.retired + 1; seq < reader.next; seq++) {
        uint64_t index = (seq - start) % depth;
        bool is_released = atomic_load_explicit(&old_states[index], RELAXED) == CELL_RELEASED ||
                           is_done(seq, done_seqs, done_count);
        if (is_released && seq == reader.retired + 1) {
            reader.retired = seq;
        } else if (is_released) {
            atomic_store_explicit(&states[index], CELL_RELEASED, RELAXED);
            reader.released++;
        }
    }
    reader.evicted = atomic_load_explicit(&dead->evicted, RELAXED);
    reader.poisoned = atomic_load_explicit(&dead->poisoned, RELAXED);
    reader.redelivered = atomic_load_explicit(&dead->redelivered, RELAXED);
    atomic_store_explicit(&fresh->next, reader.next, RELAXED);
    atomic_store_explicit(&fresh->retired, reader.retired, RELAXED);
    atomic_store_explicit(&fresh->evicted, reader.evicted, RELAXED);
    atomic_store_explicit(&fresh->poisoned, reader.poisoned, RELAXED);
    atomic_store_explicit(&fresh->redelivered, reader.redelivered, RELAXED);
    *out_reader = reader;
}
