// SPDX-License-Identifier: Apache-2.0
// The consumer's end of one link and generation: takes descriptors, reads payloads in place,
// releases them.
//
// Everything that is read from the producer's page and pool is hostile: slot, length and seq are
// copied once and checked before use, so that a lie can show wrong bytes of the producer's own
// pool, and never anything else. Values out of bounds are clamped and counted.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/prefetch.h"
#include "schemas/link_layout.h"

struct ring_reader_config {
    const struct publish_page *peer;  // borrowed, read-only
    const void *pool;                 // borrowed, read-only
    struct consume_page *page;        // borrowed: writable by this process only
    bool is_lossless;
    bool is_latest;         // evicting: jump to the newest
    bool is_producer_gone;  // claims need no page number
    uint32_t depth;
    uint32_t claims_max;
    uint32_t slot_count;
    uint64_t payload_bytes;       // largest of a frame
    uint64_t slot_payload_bytes;  // what a slot has room for, 0 = payload_bytes
    uint64_t first_seq;
    uint64_t page_number;
};

// A frame that is taken. It lies in its cell when carried is not NULL, else in its slot.
struct ring_lease {
    uint64_t seq;
    const struct carry_cell *carried;  // read-only, until the release
    uint32_t slot;
    uint32_t flags;
    uint64_t length_bytes;
    bool is_redelivered;
};

struct ring_reader {
    struct ring_reader_config config;
    uint64_t slot_bytes;
    _Atomic uint8_t *states;       // borrowed: per cell, in our page
    uint64_t next;                 // seq to take next
    uint64_t plain_end;            // below it nothing but the cell of a seq is to be looked at
    const struct link_cell *cell;  // borrowed: that of next
    uint32_t index;                // likewise
    uint32_t cell_bytes;
    uint64_t retired;       // lossless
    uint32_t first_index;   // cell of retired + 1
    uint32_t check_every;   // releases between two looks at the producer's wish
    uint64_t checked;       // retired at the last look
    uint64_t pace_seq;      // kept for who reads: when to look how far ahead the producer is
    int64_t pace_ns;        // likewise: when it was looked last, 0 = far enough
    uint64_t taken_before;  // seqs below were taken by a life before this one: redelivered
    uint64_t end;           // seq after the last frame as the broker or the page said, 0 = open
    enum link_end end_kind;
    uint32_t held_count;
    uint64_t *held;       // owned: seq per claim of an evicting link, 0 = free
    uint32_t claim_hint;  // where the search for a free claim begins
    uint32_t held_hint;   // where the search for a held frame begins
    bool is_shown;        // the producer looks at our page
    uint64_t clamped;
};

enum ring_take { RING_EMPTY = 0, RING_TAKEN = 1 };

int ring_reader_init(struct ring_reader *reader, const struct ring_reader_config *config);
void ring_reader_fini(struct ring_reader *reader);

// Takes the next frame. Returns RING_TAKEN; RING_EMPTY; -EPIPE when everything up to the end was
// taken; -EBUSY when claims_max frames are held. Never a system call.
int ring_reader_take(struct ring_reader *reader, struct ring_lease *out_lease);

// True when ring_reader_take() would not say RING_EMPTY. Takes nothing.
bool ring_reader_is_ready(struct ring_reader *reader);

// True when the next frame is there: a look at its cell alone, for who looks again and again. What
// else ring_reader_is_ready() finds, it does not.
bool ring_reader_has_next(struct ring_reader *reader);

// True when everything up to the end of this page was taken.
bool ring_reader_is_at_end(struct ring_reader *reader);

// True when the end is known: nothing comes beyond what is queued.
bool ring_reader_is_ending(const struct ring_reader *reader);

// Frames that wait to be taken, by the producer's word: a hint, between 0 and depth.
uint32_t ring_reader_queued(const struct ring_reader *reader);

// Gives a frame back. Returns 0; -EINVAL when that seq is not held, and nothing is changed.
int ring_reader_release(struct ring_reader *reader, uint64_t seq);
bool ring_reader_is_held(const struct ring_reader *reader, uint64_t seq);

// Skips the frame that would be taken next: poisoned. Returns as ring_reader_take().
int ring_reader_skip(struct ring_reader *reader);

static inline const struct frame_header *ring_reader_slot(const struct ring_reader *reader,
                                                          uint32_t slot)
{
    const uint8_t *pool = (const uint8_t *)reader->config.pool;
    return (const struct frame_header *)(const void *)(pool + slot * reader->slot_bytes);
}

// Makes next the seq after this one.
static inline void ring_reader_advance(struct ring_reader *reader)
{
    reader->next++;
    reader->index++;
    reader->cell = (const struct link_cell *)((uintptr_t)reader->cell + reader->cell_bytes);
    if (reader->index == reader->config.depth) {
        reader->index = 0;
        reader->cell = publish_cell(reader->config.peer, reader->config.depth, 0);
    }
}

// Wakes the producer when what it wants became free since the last look.
void ring_reader_look_at_wish(struct ring_reader *reader);

// One copy of a header that its owner may be changing; nothing in it guards memory.
static inline struct frame_header ring_reader_header(const struct ring_reader *reader,
                                                     const struct ring_lease *lease)
{
    if (lease->carried == NULL) {
        return *ring_reader_slot(reader, lease->slot);
    }
    return (struct frame_header){.number = lease->carried->number,
                                 .pts_ns = lease->carried->pts_ns,
                                 .duration_ns = lease->carried->duration_ns,
                                 .payload_bytes = lease->length_bytes,
                                 .flags = lease->flags,
                                 .trace_id = lease->carried->trace_id};
}

// Inside the read-only page or pool.
static inline const void *ring_reader_payload(const struct ring_reader *reader,
                                              const struct ring_lease *lease)
{
    return lease->carried != NULL ? (const void *)lease->carried->payload
                                  : (const void *)(ring_reader_slot(reader, lease->slot) + 1);
}

// What most takes are: the frame at next of a lossless link is there, was never taken before, and
// nothing about it is out of bounds. False: nothing is changed, and ring_reader_take() looks at the
// rest.
static inline bool ring_reader_take_plain(struct ring_reader *reader, struct ring_lease *out_lease)
{
    const struct ring_reader_config *config = &reader->config;
    const struct link_cell *cell = reader->cell;
    uint64_t seq = reader->next;
    // Pairs with the producer's commit: fields, header and payload are there. One that publishes
    // more than the ring can hold would make two frames share one state.
    if (atomic_load_explicit(&cell->seq, memory_order_acquire) != seq || seq >= reader->plain_end ||
        seq - reader->retired > config->depth || reader->held_count == config->claims_max) {
        return false;
    }
    uint64_t length_bytes = atomic_load_explicit(&cell->length_bytes, memory_order_relaxed);
    uint32_t slot = atomic_load_explicit(&cell->slot, memory_order_relaxed);
    uint32_t flags = atomic_load_explicit(&cell->flags, memory_order_relaxed);
    const struct carry_cell *carried = NULL;
    if (length_bytes > config->payload_bytes) {
        return false;
    }
    if ((flags & CELL_CARRIES) != 0) {
        if (config->depth > CARRY_DEPTH_MAX || length_bytes > CARRY_PAYLOAD_BYTES) {
            return false;
        }
        carried = carry_of(cell);
        slot = 0;
        prefetch_read(carried->payload);
    } else {
        if (slot >= config->slot_count) {
            return false;
        }
        // Two lines that come from the producer's cache: together, and not one after the other.
        prefetch_read(ring_reader_slot(reader, slot) + 1);
    }
    reader->held_count++;
    ring_reader_advance(reader);
    atomic_store_explicit(&config->page->next, reader->next, memory_order_release);
    out_lease->seq = seq;
    out_lease->carried = carried;
    out_lease->slot = slot;
    out_lease->flags = flags & ~CELL_CARRIES;
    out_lease->length_bytes = length_bytes;
    out_lease->is_redelivered = false;
    return true;
}

// What most releases are: of the frame behind the last retired one when nothing else was taken, so
// that there is no state to look at and none to clear. False: nothing is changed.
static inline bool ring_reader_release_plain(struct ring_reader *reader, uint64_t seq)
{
    if (seq != reader->retired + 1 || reader->next != seq + 1 || seq >= reader->plain_end) {
        return false;
    }
    reader->held_count--;
    reader->retired = seq;
    reader->first_index = reader->index;
    // Pairs with the producer's acquire: we are done with that payload and cell.
    atomic_store_explicit(&reader->config.page->retired, seq, memory_order_release);
    if (seq - reader->checked >= reader->check_every) {
        ring_reader_look_at_wish(reader);
    }
    return true;
}

// Before this process waits for anything, be it another link or space: wakes a producer that waits
// for space and has any. ring_reader_wish() does it as well.
void ring_reader_settle(struct ring_reader *reader);

// Before a sleep for data: says that the frame which makes count frames available is wanted. Add
// the word to the futex set before, check ring_reader_is_ready() or ring_reader_queued() after.
// ring_reader_awake() after the sleep.
void ring_reader_wish(struct ring_reader *reader, uint32_t count);
void ring_reader_awake(struct ring_reader *reader);
const _Atomic uint32_t *ring_reader_data_word(const struct ring_reader *reader);

// The broker's word that the producer is gone and where its frames end.
void ring_reader_set_end(struct ring_reader *reader, uint64_t end, enum link_end kind);
