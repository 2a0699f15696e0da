// SPDX-License-Identifier: Apache-2.0
// The memory of a domain: which pools of chunks its RouDi needs for the links of a graph. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "broker/graph/diags.h"
#include "broker/graph/graph.h"

#define DOMAIN_PLAN_TRANSPORT "iceoryx"  // the transport whose ends are in a domain
#define DOMAIN_PLAN_POOLS_MAX 31         // that iceoryx can have, and one that is RouDi's

struct domain_pool {
    uint64_t size_bytes;  // of a chunk without iceoryx's own header
    uint32_t count;
};

struct domain_plan {
    size_t pool_count;
    struct domain_pool pools[DOMAIN_PLAN_POOLS_MAX];  // by size
    uint64_t size_bytes;                              // of all chunks and of RouDi's own memory
};

bool domain_plan_has(const struct graph_link *link);

// What all links of the graph need together. Needs `found` of the links.
struct domain_plan domain_plan_make(const struct graph *graph);

// Adds room for links that come later, where chunks are small.
void domain_plan_widen(struct domain_plan *plan);

// Whether a domain with this plan has room for what another one needs.
bool domain_plan_covers(const struct domain_plan *plan, const struct domain_plan *needed);

// Refuses the first link that a domain with this plan has no room for. Returns 0 or -ENOSPC.
int domain_plan_check_room(const struct graph *graph, const struct domain_plan *plan,
                           struct diags *diags);

// The configuration of RouDi.
void domain_plan_write(const struct domain_plan *plan, struct text *out);

// Refuses links that pass what iceoryx can do, with the place of each; available_bytes is the
// memory of the machine that is free, 0 = not known.
void domain_plan_check(const struct graph *graph, uint64_t available_bytes, struct diags *diags);
