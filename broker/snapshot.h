// SPDX-License-Identifier: Apache-2.0
// The diagnostics snapshot: what the graph is doing, in one plain value.
//
// Taking one reads the pages that the broker has mapped anyway and /proc, so it costs no worker
// anything and no frame waits for it. It is meant to be taken every second or so; what happened in
// between is told by the events (health.h). Everything that comes from workers is clamped.
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "broker/broker.h"
#include "broker/links/account.h"
#include "broker/links/counts.h"
#include "broker/lives/call_times.h"
#include "broker/lives/usage.h"

struct snapshot_node {
    char id[LIMIT_NODE_ID_BYTES_MAX];
    enum node_state state;
    enum graph_tier tier;
    bool is_alive;           // a process runs for it
    bool is_optional;        // the graph goes on without it
    uint32_t phase;          // what its worker says that it does; enum worker_phase
    uint32_t generation;     // number of its lives
    uint32_t restarts;       // of all time
    uint32_t restarts_used;  // of the budget, now
    uint32_t restarts_max;   // the budget, or GRAPH_UNLIMITED
    uint32_t stalls;         // lives that ended because nothing moved
    int64_t in_state_ns;     // how long it has been in its state
    int64_t uptime_ns;       // of the running life, 0 without one
    int64_t restart_in_ns;   // until the next life begins, -1 = none is due
    pid_t pid;               // 0 without a life
    char program[PATH_MAX];  // what it runs
    char
        last_reason[EXIT_REASON_TEXT_BYTES + 64];  // why the life before ended; empty when none did
    struct counts counts;                          // over all lives
    struct call_times times;                       // over all lives
    struct usage usage;                            // of the running life
    uint64_t gpu_bytes;                            // memory of a device in pools of its outputs
};

struct snapshot_link {
    uint32_t id;
    char name[2 * LIMIT_ADDRESS_BYTES_MAX];  // "a.out -> b.in"
    char from[LIMIT_ADDRESS_BYTES_MAX];
    char to[LIMIT_ADDRESS_BYTES_MAX];
    enum link_state state;
    char why[LINK_WHY_BYTES];  // it is not wired; empty when it is
    bool is_late;              // frames of it wait for too long
    enum sb_delivery delivery;
    uint32_t generation;     // of its memory, 0 before the first
    uint32_t depth;          // cells
    uint32_t filled;         // of these: hold a frame that waits; at most depth
    int64_t newest_age_ns;   // of the newest frame, -1 = there was none
    int64_t head_age_ns;     // of the oldest frame that waits, 0 = none does
    struct account account;  // over all generations
    char format[128];        // agreed last, empty before
    const char *pool;        // whose memory its frames lie in, NULL before there is any; static
    char pool_why[DEVICE_POOL_WHY_BYTES];
};

// A process that did not end although it was killed.
struct snapshot_detached {
    char node[LIMIT_NODE_ID_BYTES_MAX];
    uint32_t generation;
    pid_t pid;
};

struct snapshot {
    int64_t time_ns;    // CLOCK_MONOTONIC
    int64_t uptime_ns;  // since the graph was loaded
    enum broker_phase phase;
    size_t node_count;
    size_t nodes_max;             // limit of the graph
    struct snapshot_node *nodes;  // owned, sorted by id
    size_t link_count;
    struct snapshot_link *links;  // owned, in the order of the graph
    size_t detached_count;
    struct snapshot_detached *detached;  // owned
    uint64_t dead_letters;               // of all time
    uint64_t events;                     // of all time
    size_t late_count;                   // links whose frames wait for too long
    uint64_t evicted_untold;             // evicted frames whose event is still held back
    uint64_t memory_used_bytes;          // shared memory that is given out
    uint64_t memory_limit_bytes;         // BUDGET_UNLIMITED = none
};

// Returns 0, or -ENOMEM and changes nothing.
int snapshot_take(struct broker *broker, struct snapshot *out_snapshot);

void snapshot_fini(struct snapshot *snapshot);

const char *snapshot_phase_name(enum broker_phase phase);
