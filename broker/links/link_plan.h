// SPDX-License-Identifier: Apache-2.0
// How much memory an output and its links need. Pure: numbers in, numbers out.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <streambroker/format.h>

#define LINK_PLAN_PAYLOAD_BYTES (UINT64_C(1) << 20)  // where nobody says more

enum link_plan_pages { LINK_PLAN_AUTO, LINK_PLAN_NORMAL, LINK_PLAN_HUGE };

// What one link adds to the pool of its output.
struct link_plan {
    uint32_t depth;
    uint32_t claims;
};

// What decides the size of a payload, in bytes; 0 = not said.
struct link_plan_payload {
    uint64_t said;   // by the worker, with its formats
    uint64_t port;   // bound of the producer's port
    uint64_t links;  // largest bound that the graph gives to a link of the output
};

// Largest payload of an output: what its worker says, else what the format fixes, else the bound of
// its links, else that of the port, else 1 MiB. A bound of the graph caps what the worker says.
// Returns 0; -EMSGSIZE when frames of this format never fit the bound of the graph.
int link_plan_payload(const struct link_plan_payload *sizes, const struct sb_format *format,
                      uint64_t *out_bytes);

struct pool_plan {
    uint32_t slot_count;
    uint64_t payload_bytes;
    uint64_t size_bytes;
    enum link_plan_pages pages;
};

// Slots = largest depth + claims of every link + the producer's own claims + taps.
// Returns 0, or -ERANGE when a limit is passed.
int link_plan_pool(const struct link_plan *links, size_t link_count, uint32_t producer_claims,
                   uint32_t tap_count, uint64_t payload_bytes, enum link_plan_pages pages,
                   struct pool_plan *out_plan);

// True when a pool of this size should be tried with huge pages.
bool link_plan_is_huge(const struct pool_plan *plan);
