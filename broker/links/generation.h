// SPDX-License-Identifier: Apache-2.0
// One generation of an output: its pool, and the two pages of each of its links.
//
// Life of its memory: ordered from the memory thread; made; each segment given to its one writer
// (MEMORY); mapped by it (MAPPED) and sealed; the pool and publish page given to the consumer
// (READ_LINK), the consume page to the producer (WRITE_LINK). The broker keeps read-only views of
// the pages for its counters, never of the pool.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/broker.h"

struct generation_segment {
    int fd;               // owned: read-write until it is sealed, then read-only
    uint64_t size_bytes;  // real
    uint32_t serial;      // of its MEMORY, 0 = not given
    const void *view;     // owned: the broker's mapping of a sealed page, NULL for a pool
    bool is_page;
    bool is_sealed;
};

struct generation_link {
    struct actual_link *link;  // borrowed
    struct generation_segment publish;
    struct generation_segment consume;
    uint32_t depth;
    uint32_t claims;            // that its pages and its pool have room for
    enum sb_delivery delivery;  // while it carries the frames
    uint64_t page_number;
    uint64_t lost;           // frames that readers held when they died, on a link that evicts
    uint64_t first_seq;      // 0 = where the generation before ends
    uint64_t end_seq;        // once its producer is gone: the seq after the last frame
    enum link_end end_kind;  // likewise; LINK_END_OPEN before
    bool is_read_sent;
    bool is_write_sent;
    bool is_drained;  // its consumer has moved on
};

struct generation {
    struct actual_output *output;  // borrowed; NULL when it was dropped while it was being made
    uint32_t number;
    struct sb_format format;
    struct pool_plan plan;
    struct generation_segment pool;
    bool is_being_made;
    bool is_orphan;  // the life that wrote it is over
    uint64_t reserved_bytes;
    uint64_t first_number;
    uint64_t carried_bytes;  // largest payload, where it lies elsewhere; 0 = in the slots
    struct device_pool device;
    size_t link_count;
    struct generation_link links[];
};

// Whether a new generation of its output has frames for the link.
bool generation_is_part(const struct actual_link *link);

// Largest payload of its frames, wherever they lie.
uint64_t generation_frame_bytes(const struct generation *generation);

// The consumer of a link has read a generation to its end. -ENOENT when there is none such.
int generation_on_drained(struct broker *broker, struct actual_link *link, uint32_t number);

// Closes a page that is replaced by a fresh one.
void generation_drop_segment(struct broker *broker, struct generation_segment *segment);

// A link that was taken away: its pages go, its counters are kept, and no generation knows it any
// more. Does nothing while its memory is being made; returns whether it is forgotten.
bool generation_forget(struct broker *broker, struct actual_link *link);

// Drops the generations of an output that nobody reads any more.
void generation_settle(struct broker *broker, struct actual_output *output);

// Every segment that somebody alive has to map is mapped, and everything was sent.
bool generation_is_complete(const struct generation *generation);

// The newest one of an output, NULL when it has none.
struct generation *generation_newest(const struct actual_output *output);

// Makes it the newest one of its output. Returns 0 or -ENOMEM.
int generation_append(struct actual_output *output, struct generation *generation);

// Takes it out of its output and gives everything back; the counters of its links are kept.
void generation_drop(struct broker *broker, struct generation *generation);

// The same for all of an output.
void generation_drop_all(struct broker *broker, struct actual_output *output);
