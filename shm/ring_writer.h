// SPDX-License-Identifier: Apache-2.0
// The producer's end of one link and generation: publishes descriptors of pool slots, learns from
// the consumer's page which of them are free again.
//
// Everything that is read from the consumer's page is hostile: it is clamped to what is possible,
// and what a lie can do is keep slots or space of this link busy, never more.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "schemas/link_layout.h"
#include "shm/pool.h"

struct ring_writer_limbo {
    uint64_t seq;
    uint32_t slot;
    uint32_t look;  // the last look at the hazards that found it
};

struct ring_writer {
    struct publish_page *page;  // borrowed: writable by this process only
    struct pool *pool;          // borrowed: of the same generation
    bool is_lossless;
    bool carries;  // small frames go into their cells
    uint32_t depth;
    uint32_t index;          // cell of next_seq
    uint32_t cell_bytes;     // size of one
    uint32_t ahead;          // cells before their turn that are fetched
    struct link_cell *cell;  // borrowed: that of next_seq
    uint64_t next_seq;       // seq of the next frame
    uint64_t first_seq;      // of this generation
    uint64_t last_step;      // steps up to this are on the link already, from a life before

    const struct consume_page *peer;  // borrowed, read-only; NULL: the reader stands still
    uint32_t peer_claims;
    uint64_t peer_page_number;
    uint64_t seen_retired;  // clamped: never goes back, never passes next_seq - 1
    uint64_t seen_next;     // likewise, at most next_seq

    uint32_t
        *slots;  // owned: slot per cell, POOL_SLOT_NONE when there is none or it was taken back
    uint32_t
        *looks;     // of the same block: the last look at the hazards that found this cell's frame
    uint32_t look;  // number of that look
    // Every seq below has its slot taken back or in limbo. On a lossless link so has each whose
    // cell was used again.
    uint64_t reclaimed;
    // Owned. Evicted frames that a reader may still hold. At most depth + claims.
    struct ring_writer_limbo *limbo;
    uint32_t limbo_count;
    uint32_t limbo_size;
    uint64_t clamped;  // values of the peer that were out of bounds
};

struct ring_writer_config {
    struct publish_page *page;
    struct pool *pool;
    bool is_lossless;
    uint32_t depth;
    uint64_t first_seq;
    uint64_t last_step;
};

int ring_writer_init(struct ring_writer *writer, const struct ring_writer_config *config);

// Gives every slot that this link counts on back to the pool and forgets the page. The page itself
// keeps what was published: readers drain it.
void ring_writer_fini(struct ring_writer *writer);

// Moves to a consume page. First the page is read, then what only the old one justified is
// dropped, then the publish page shows the number: only from then on may the new reader claim on an
// evicting link. Wakes the reader once, unconditionally. NULL: the reader stands still.
void ring_writer_set_peer(struct ring_writer *writer, const struct consume_page *peer,
                          uint32_t claims_max, uint64_t page_number);

// Cells that may be written now: always at least 1 on an evicting link.
uint32_t ring_writer_space(struct ring_writer *writer);

// Publishes a slot. There must be space. A small frame is copied into its cell where the ring
// carries; on the slot of any other this link counts from now on. No system call unless the reader
// sleeps for this frame.
void ring_writer_publish(struct ring_writer *writer, uint32_t slot, uint64_t length_bytes,
                         uint64_t step, uint32_t flags);

// Likewise on several links of one pool: one fence serves them all.
void ring_writer_publish_all(struct ring_writer *const *writers, uint32_t count, uint32_t slot,
                             uint64_t length_bytes, uint64_t step, uint32_t flags);

// Takes back the slots that the reader does not need any more. Whatever the reader writes, it keeps
// no more of them than depth plus its claims.
void ring_writer_reclaim(struct ring_writer *writer);

// Before a sleep for space: says that `retired` must reach what gives wanted_cells of space. Add
// the word to the futex set before, check ring_writer_space() after. ring_writer_awake() after the
// sleep. A reader that goes to sleep itself wakes for any space: go on with what there is, even
// when it is less than what was wanted.
void ring_writer_wish_space(struct ring_writer *writer, uint32_t wanted_cells);
void ring_writer_awake(struct ring_writer *writer);
// Word to sleep on; NULL without a peer.
const _Atomic uint32_t *ring_writer_space_word(const struct ring_writer *writer);

// No more frames in this page. Wakes the reader.
void ring_writer_end(struct ring_writer *writer, enum link_end kind);
