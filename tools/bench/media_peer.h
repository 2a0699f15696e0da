// SPDX-License-Identifier: Apache-2.0
// The same work in one GStreamer process: buffers of a fixed size through queues and elements that
// change every byte into a buffer of their own pool.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct media_result {
    double rate;    // frames per second
    double cpu_ns;  // per frame, of the whole process
};

// Returns NULL, or why there is no result.
const char *media_peer_run(uint64_t size_bytes, uint32_t hops, bool is_touching, double seconds,
                           struct media_result *out_result);
