// SPDX-License-Identifier: Apache-2.0
// One link with its pages, pool and both ends in the memory of this process, made as the broker
// makes it. Pages are shared with children that are forked later.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/recover.h"
#include "shm/ring_reader.h"
#include "shm/ring_writer.h"

enum ring_rig_delivery { RIG_LOSSLESS, RIG_ORDERED, RIG_LATEST };

#define RING_RIG_PAGES_MAX 256

struct ring_rig_config {
    enum ring_rig_delivery delivery;
    uint32_t depth;
    uint32_t claims_max;
    uint32_t spare_slots;  // beyond depth + claims + the producer's own one
    uint64_t payload_bytes;
    uint64_t first_seq;
};

struct ring_rig {
    struct ring_rig_config config;
    uint32_t slot_count;
    struct publish_page *publish;
    uint64_t publish_bytes;
    struct consume_page *consume;  // the newest
    uint64_t consume_bytes;
    struct consume_page *pages[RING_RIG_PAGES_MAX];  // all of them, by number - 1
    uint64_t page_number;                            // of the newest
    uint8_t *slots;
    uint64_t slots_bytes;
    struct pool pool;
    struct ring_writer writer;
    struct ring_reader reader;
};

// Makes everything; the writer has the reader's page as its peer. payload_bytes 0: 128, so that
// some frames of a lossless link go into their cells; first_seq 0: 1. Ends the process where that
// fails.
void ring_rig_init(struct ring_rig *rig, const struct ring_rig_config *config);
void ring_rig_fini(struct ring_rig *rig);

bool ring_rig_is_lossless(const struct ring_rig *rig);

// A fresh consume page with the next number and the start values of a new link.
struct consume_page *ring_rig_add_page(struct ring_rig *rig);

// The reader dies: its page is recovered into a fresh one, and a new reader begins on that. The
// writer does not know it yet. `end` is what the broker takes for published.
void ring_rig_replace_reader(struct ring_rig *rig, uint64_t end, const uint64_t *done_seqs,
                             uint32_t done_count, struct recovered_reader *out_reader);

// The broker's message about the newest page arrives at the producer.
void ring_rig_tell_writer(struct ring_rig *rig);

// A free slot after a look at what the reader gave back, POOL_SLOT_NONE when there is none.
uint32_t ring_rig_claim(struct ring_rig *rig);

// Publishes one frame whose header and payload say its seq. False when there is no space or slot.
bool ring_rig_publish(struct ring_rig *rig);

// The step in the descriptor of a frame.
uint64_t ring_rig_step(uint64_t seq);

void ring_rig_fill(struct ring_rig *rig, uint32_t slot, uint64_t seq, uint64_t length_bytes);

// Length of the payload of a frame: depends on seq, between 8 and payload_bytes, or above what a
// cell carries where payload_bytes is RIG_SLOT_BYTES or more.
#define RIG_SLOT_BYTES 256

uint64_t ring_rig_length(const struct ring_rig *rig, uint64_t seq);

// True when descriptor, header and every byte of the payload are those of lease->seq.
bool ring_rig_is_intact(const struct ring_rig *rig, const struct ring_lease *lease);
