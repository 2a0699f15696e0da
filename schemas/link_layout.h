// SPDX-License-Identifier: Apache-2.0
// The two pages of a link: what its producer writes and what its consumer writes. Each page has
// one writer process; the other side has it read-only. The byte diagrams are in docs/memory.md.
//
// Rules that hold for every field: it is written by the page's owner only, read once per decision
// by the other side, and checked there before use.
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/frame_layout.h"

// Descriptor of one published frame. seq is the commit: 0 = being rewritten or never written, else
// the frame of that number is in the other fields. Fields are relaxed atomics because an evicting
// producer may rewrite them while a consumer copies them; the copy counts only when seq is the
// same before and after.
struct link_cell {
    _Atomic uint64_t seq;
    _Atomic uint64_t length_bytes;
    _Atomic uint64_t step;
    _Atomic uint32_t slot;
    _Atomic uint32_t flags;
};

static_assert(sizeof(struct link_cell) == 32, "two cells per cache line");

// A cell of a ring of few cells: two lines that lie side by side, so that the second comes over
// with the first. On a lossless link, where no cell is rewritten before its frame is released, it
// carries what is said of a small frame and its payload too, and the reader need not wait for the
// slot after the cell.
#define CARRY_PAYLOAD_BYTES 64

// Larger rings are made for throughput: there, cells that lie close together count for more.
#define CARRY_DEPTH_MAX 1024

// Flag of a cell, above those of frames: the rest of the carry_cell is valid, and no slot is used.
#define CELL_CARRIES (1U << 31)

struct carry_cell {
    struct link_cell cell;
    // Plain memory, published by the seq of the cell.
    uint64_t number;
    int64_t pts_ns;
    int64_t duration_ns;
    uint64_t trace_id;
    uint8_t payload[CARRY_PAYLOAD_BYTES];
};

static_assert(sizeof(struct carry_cell) == 128, "a pair of cache lines");
static_assert(offsetof(struct carry_cell, payload) == 64, "the second line of the pair");

enum link_end {
    LINK_END_OPEN = 0,        // more may come
    LINK_END_STREAM = 1,      // end of stream: nothing comes after it
    LINK_END_GENERATION = 2,  // goes on in the next generation
    LINK_END_LOST = 3,        // the producer is gone for good
};

// Written by the producer. Read-only for the consumer and the broker.
struct publish_page {
    // Line 0: start values, written by the broker and never changed.
    uint32_t link_id;
    uint32_t generation;
    uint32_t depth;
    uint32_t reserved0;
    uint64_t first_seq;  // of this generation
    uint8_t pad0[40];

    // Line 1: moves with every frame or eviction; nobody polls it.
    _Atomic uint64_t tail;     // seq of the newest frame; a hint, the cells decide
    _Atomic uint64_t low;      // oldest seq that an evicting link still holds
    _Atomic uint64_t refused;  // frames too large for their slot: never accepted
    uint8_t pad1[40];

    // Line 2: moves seldom. The consumer sleeps on data_word, which the producer bumps before it
    // wakes, and looks at the rest whenever the ring is empty.
    _Atomic uint32_t data_word;
    _Atomic uint32_t end_kind;      // enum link_end, written before end
    _Atomic uint64_t end;           // seq after the last frame, 0 = open
    _Atomic uint64_t consume_page;  // number of the consume page that the producer reads, 0 = none
    uint8_t pad2[40];

    // Line 3: a sleeping producer wants `retired` to reach this count, 0 = awake.
    _Atomic uint64_t space_wish;
    uint8_t pad3[56];

    uint8_t cells[];  // of depth: publish_cell()
};

static_assert(offsetof(struct publish_page, tail) == 64, "layout");
static_assert(offsetof(struct publish_page, low) == 72, "layout");
static_assert(offsetof(struct publish_page, refused) == 80, "layout");
static_assert(offsetof(struct publish_page, data_word) == 128, "layout");
static_assert(offsetof(struct publish_page, end_kind) == 132, "layout");
static_assert(offsetof(struct publish_page, end) == 136, "layout");
static_assert(offsetof(struct publish_page, consume_page) == 144, "layout");
static_assert(offsetof(struct publish_page, space_wish) == 192, "layout");
static_assert(offsetof(struct publish_page, cells) == 256, "layout");
static_assert(offsetof(struct publish_page, cells) % sizeof(struct carry_cell) == 0, "pairs");

static inline uint64_t layout_cell_bytes(uint32_t depth)
{
    return depth <= CARRY_DEPTH_MAX ? sizeof(struct carry_cell) : sizeof(struct link_cell);
}

static inline struct link_cell *publish_cell(const struct publish_page *page, uint32_t depth,
                                             uint64_t index)
{
    uintptr_t cells = (uintptr_t)page->cells;
    return (struct link_cell *)(cells + index * layout_cell_bytes(depth));
}

// What the cell carries, where its flags say so: only in a ring of at most CARRY_DEPTH_MAX.
static inline struct carry_cell *carry_of(const struct link_cell *cell)
{
    return (struct carry_cell *)(uintptr_t)cell;
}

// State of a cell of a lossless link, in the consume page. Taken frames need none of their own: a
// seq above `retired` and below `next` that is not RELEASED is taken.
enum cell_state {
    CELL_FREE = 0,
    CELL_RELEASED = 1,  // released out of order, waits to retire
};

// Written by the consumer. Read-only for the producer and the broker. After the fixed lines come
// claims_max hazards of 8 bytes (whole cache lines), then depth states of one byte.
struct consume_page {
    // Line 0: start values, written by the broker and never changed.
    uint64_t page_number;  // from 1 per link, one more at each consumer life
    uint32_t link_id;
    uint32_t generation;
    uint32_t depth;
    uint32_t claims_max;
    uint8_t pad0[40];

    // Line 1: moves with every frame. A producer that is awake and has slots does not read it.
    _Atomic uint64_t next;         // highest seq that was taken, plus 1
    _Atomic uint64_t retired;      // lossless: every seq up to this is released
    _Atomic uint64_t evicted;      // frames that next jumped over
    _Atomic uint64_t poisoned;     // frames skipped by order of the broker
    _Atomic uint64_t redelivered;  // frames taken again after a crash
    _Atomic uint64_t clamped;      // values of the producer that were out of bounds
    // What a jump is about to make of next and evicted, for the case that the consumer dies between
    // the two: jump_to above next means that it did.
    _Atomic uint64_t jump_evicted;
    _Atomic uint64_t jump_to;

    // Line 2: a sleeping consumer wants the frame of this seq (or the end), 0 = awake.
    _Atomic uint64_t data_wish;
    _Atomic uint64_t missing;  // frames taken whose payload the transport did not have any more
    uint8_t pad2[48];

    // Line 3: the producer sleeps on space_word; the consumer bumps it and wakes.
    _Atomic uint32_t space_word;
    _Atomic uint32_t attached;  // 1: what the transport carries from now on reaches this consumer
    uint8_t pad3[56];

    _Atomic uint64_t hazards[];  // evicting links: seq that a reader may be looking at, 0 = none
};

static_assert(offsetof(struct consume_page, next) == 64, "layout");
static_assert(offsetof(struct consume_page, retired) == 72, "layout");
static_assert(offsetof(struct consume_page, evicted) == 80, "layout");
static_assert(offsetof(struct consume_page, poisoned) == 88, "layout");
static_assert(offsetof(struct consume_page, redelivered) == 96, "layout");
static_assert(offsetof(struct consume_page, clamped) == 104, "layout");
static_assert(offsetof(struct consume_page, jump_to) == 120, "layout");
static_assert(offsetof(struct consume_page, data_wish) == 128, "layout");
static_assert(offsetof(struct consume_page, missing) == 136, "layout");
static_assert(offsetof(struct consume_page, space_word) == 192, "layout");
static_assert(offsetof(struct consume_page, attached) == 196, "layout");
static_assert(offsetof(struct consume_page, hazards) == 256, "layout");
static_assert(sizeof(_Atomic uint64_t) == 8 && sizeof(_Atomic uint32_t) == 4, "lock-free atomics");

uint64_t layout_publish_page_bytes(uint32_t depth);
uint64_t layout_consume_page_bytes(uint32_t depth, uint32_t claims_max);

// Where the states of a consume page begin: depth bytes behind the hazards.
uint64_t layout_cell_states_offset(uint32_t claims_max);
