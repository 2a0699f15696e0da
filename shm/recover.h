// SPDX-License-Identifier: Apache-2.0
// What the broker reads from the pages of a worker that died, and what it gives to the next one.
//
// The bytes are those of a dead, perhaps hostile process: every value is clamped to what the other
// side could have seen.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "schemas/link_layout.h"

// Seq after the last frame that a dead producer committed: `tail` is a hint that may lag by one
// store, so the cells are read on from it while each has the seq that is expected. first_seq is
// that of the generation, at_least what the consumer has taken already.
uint64_t recover_published_end(const struct publish_page *page, uint32_t depth, uint64_t first_seq,
                               uint64_t at_least);

// Last step that a dead producer published on this link, 0 = none, by the newest committed cell.
uint64_t recover_last_step(const struct publish_page *page, uint32_t depth, uint64_t first_seq,
                           uint64_t end_seq);

// How a dead consumer left a link, for the counters and for the next page.
struct recovered_reader {
    uint64_t next;      // highest seq that was taken, plus 1
    uint64_t retired;   // lossless
    uint64_t released;  // out of order, behind retired
    uint64_t evicted;
    uint64_t poisoned;
    uint64_t redelivered;
    uint64_t lost;  // evicting links: taken and neither released nor done; nobody gets them again
    uint32_t clamped;  // values that had to be clamped
};

// What the broker knows of the link of a dead consumer.
struct recover_request {
    bool is_lossless;
    uint32_t claims_max;     // of the dead page, 1 or more: the fresh one may have others
    uint64_t first_seq;      // of the generation
    uint64_t published_end;  // bounds what the dead consumer can have taken
    // Frames whose step was complete: they count as released. Values outside of the ring are
    // passed over.
    const uint64_t *done_seqs;
    uint32_t done_count;
};

// Fills the start values of a fresh consume page from a dead one: cursors, states of cells that
// were released out of order, counters. Frames of a lossless link that were taken and not released
// are delivered again. depth and claims_max are those of the fresh page.
void recover_consume_page(const struct consume_page *dead, const struct recover_request *request,
                          struct consume_page *fresh, struct recovered_reader *out_reader);
