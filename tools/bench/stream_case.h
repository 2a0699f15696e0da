// SPDX-License-Identifier: Apache-2.0
// A stream at full speed through ours and all peers.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bench;

struct stream_case {
    const char *name;  // row.shape
    uint64_t size;
    bool is_touched;
    bool is_sleeping;
    bool is_free;      // not pinned
    const char *spin;  // ours, NULL = by is_sleeping
    uint32_t readers;
    uint32_t depth;
    uint32_t peer_depth;
};

void stream_case_measure(struct bench *bench, const struct stream_case *what);
