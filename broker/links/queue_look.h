// SPDX-License-Identifier: Apache-2.0
// How full a link is right now, from the pages of both ends. Hostile bytes: clamped.
#pragma once

#include "broker/actual.h"

struct queue_look {
    uint64_t queued;         // published and not taken
    uint64_t tail;           // seq of the newest frame, 0 = none or no memory
    uint64_t head;           // of the oldest one that waits; tail + 1 when none does
    uint64_t cursors;        // sum of everything that was counted: changes with every frame
    uint64_t taken;          // sum of what the reader counted: changes when it moves
    bool is_full;            // lossless: less than a quarter of the newest generation is free
    bool is_memory_awaited;  // its producer has no memory to write into yet
    bool is_memory_unmade;   // likewise, and its producer cannot take what was not given
    bool is_over;            // nothing more will come, and everything was taken
};

void queue_look_at(const struct actual_link *link, struct queue_look *out_look);
