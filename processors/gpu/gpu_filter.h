// SPDX-License-Identifier: Apache-2.0
// What processors do alike that make one frame on a GPU of another one.
#pragma once

#include <stddef.h>

#include "processors/gpu/gpu_node.h"

// The first member of each one's state.
struct gpu_filter {
    struct gpu_effects effects;
    struct sb_output *output;  // "video"
};

// Makes the state, all zero but for its filter, which has its device. Returns 0 or a negative
// errno, and the node's error says why; then there is no state.
int gpu_filter_open(struct sb_node *node, size_t state_bytes);

// Says what was done, closes the device, and frees the state.
void gpu_filter_close(struct sb_node *node);

// Records what happens between a frame and a buffer that the device sees.
typedef int (*gpu_filter_record_fn)(void *state, const struct sb_gpu_span *from,
                                    const struct sb_gpu_span *to);

// One batch on a frame, into a claimed buffer, which is published. verb is for the error. Returns
// what a call-back returns.
int gpu_filter_run(struct sb_node *node, const struct sb_frame *frame, struct sb_buffer *buffer,
                   gpu_filter_record_fn record, const char *verb);
