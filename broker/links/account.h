// SPDX-License-Identifier: Apache-2.0
// What became of the frames of a link: the equation
//   published = released + dropped (by reason) + queued + held
// read from pages that hostile workers write, so every word is read once and clamped.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <streambroker/processor.h>

#include "schemas/link_layout.h"

struct account {
    uint64_t published;  // frames that were accepted
    uint64_t released;
    uint64_t evicted;    // dropped: overwritten before they were taken
    uint64_t poisoned;   // dropped: skipped because they kill their reader
    uint64_t lost;       // dropped: held by a reader that died, on a link that evicts
    uint64_t abandoned;  // dropped: queued or held when the link ended without a reader
    uint64_t queued;
    uint64_t held;
    uint64_t redelivered;  // taken again after a crash; not part of the equation
    uint64_t refused;      // too large for their slot; were never accepted
    uint64_t clamped;      // values that a worker wrote out of bounds
};

// What the broker knows by itself of a link in one generation.
struct account_link {
    enum sb_delivery delivery;
    uint32_t depth;
    uint32_t claims;
    uint64_t first_seq;  // of the generation, 0 = it has not begun
    uint64_t lost;       // held by readers of it that died
};

// The frames of one generation. publish is NULL before the link has memory; consume is NULL before
// its consumer has a page: then everything that was published is queued.
struct account account_link(const struct account_link *link, const struct publish_page *publish,
                            const struct consume_page *consume);

// The seq after the last frame of a page: what its end says, else found in the cells, as for a
// producer that is gone. first_seq is that of the page.
uint64_t account_end(const struct publish_page *publish, uint32_t depth, uint64_t first_seq);

// Sums two generations of a link.
void account_add(struct account *sum, const struct account *part);

// What is still queued or held becomes abandoned: nobody will read it.
void account_abandon(struct account *account);

// True when the equation holds.
bool account_is_balanced(const struct account *account);

// "published=10 released=8 evicted=1 queued=1": what is 0 is left out, except the first two.
void account_text(const struct account *account, char *out, size_t size_bytes);
