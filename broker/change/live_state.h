// SPDX-License-Identifier: Apache-2.0
// What the broker keeps of the graph as it is wanted (live.h).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "broker/graph/graph.h"

struct catalog;
struct change;

#define LIVE_RESULTS 32
#define LIVE_TEXT_BYTES 1024

struct live_result {
    uint64_t ticket;  // 0 = none
    uint64_t revision;
    int code;  // 0, or an exit status
    char text[LIVE_TEXT_BYTES];
};

// Who wants to change the graph stands in a line: each keeps its place while the programs that it
// needs describe themselves, and whoever comes later waits behind it.
struct live_place {
    struct live_place *next;  // behind this one
    uint64_t answers;         // that the catalog had when it was looked for last
    bool is_in;
    bool is_waiting;  // for programs
};

struct live {
    struct catalog *catalog;  // borrowed
    struct graph *wanted;     // held
    uint64_t revision;        // of wanted, from 1
    uint64_t last_revision;   // that was given to a graph
    uint64_t committed;       // revision that runs
    bool is_manual;
    const char *file;  // borrowed: what is watched
    bool is_file_new;  // and has changed
    struct live_place file_place;
    uint64_t file_ticket;                 // of the newest change that came from it
    struct sd_event_source *file_source;  // owned: says so
    struct change *change;                // owned: under way, or NULL
    struct live_place *first;             // borrowed: who is next
    uint64_t last_ticket;
    struct live_result results[LIVE_RESULTS];
    struct live_result rejected;  // the newest that failed
};
