// SPDX-License-Identifier: Apache-2.0
// How much shared memory a graph may have: checked before any page is allocated.
#pragma once

#include <stdint.h>

#define BUDGET_UNLIMITED UINT64_MAX

struct budget {
    uint64_t limit_bytes;     // limits.shared_memory of the graph, in bytes
    uint64_t promised_bytes;  // reserved by this broker, allocated or not
};

// What the machine has. Values are BUDGET_UNLIMITED where there is no such bound.
struct budget_machine {
    uint64_t total_bytes;        // MemTotal, or the limit of this cgroup when that is lower
    uint64_t available_bytes;    // MemAvailable
    uint64_t cgroup_free_bytes;  // limit minus usage of the tightest memory cgroup above us
};

// Why a reservation was refused.
struct budget_refusal {
    uint64_t needed_bytes;
    uint64_t available_bytes;
    const char *bound;  // "limits.shared_memory", "MemAvailable" or "memory cgroup"; static
};

// Reads /proc/meminfo and the memory cgroup (v2, else v1) of this process.
int budget_read_machine(struct budget_machine *out_machine);

// Takes needed_bytes out of the budget, or returns -ENOMEM and says which bound refused it.
// not_yet_allocated_bytes: what was promised before but is not allocated yet (MemAvailable still
// counts it as free).
int budget_reserve(struct budget *budget, const struct budget_machine *machine,
                   uint64_t needed_bytes, uint64_t not_yet_allocated_bytes,
                   struct budget_refusal *out_refusal);

void budget_release(struct budget *budget, uint64_t bytes);
