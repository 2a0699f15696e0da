// SPDX-License-Identifier: Apache-2.0
// The same work in GStreamer: buffers of a fixed size through elements that change every byte into
// a buffer of their own pool, in one process with queues, or with a process for each element.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct media_result {
    double rate;    // frames per second
    double cpu_ns;  // per frame, of all processes
};

// Returns NULL, or why there is no result.
const char *media_peer_run(uint64_t size_bytes, uint32_t hops, bool is_touching, double seconds,
                           struct media_result *out_result);

// Likewise with shmsink and shmsrc between one process per element; every byte is changed.
const char *media_peer_run_shm(uint64_t size_bytes, uint32_t hops, double seconds,
                               struct media_result *out_result);
