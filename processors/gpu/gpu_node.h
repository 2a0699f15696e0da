// SPDX-License-Identifier: Apache-2.0
// What every GPU processor does alike: open the device that its node asks for, and say at the end
// what it did.
#pragma once

#include <streambroker/gpu.h>
#include <streambroker/streambroker.h>

#include "processors/gpu/gpu_effect.h"

// The parameters that every GPU processor has.
#define GPU_NODE_PARAMS                                                                            \
    {.name = "device",                                                                             \
     .type = SB_PARAM_STRING,                                                                      \
     .help = "UUID of the device, 32 hexadecimal digits; empty = the best one.",                   \
     .initial = "",                                                                                \
     .maximum = 36,                                                                                \
     .is_fixed = true},                                                                            \
        {.name = "copy",                                                                           \
         .type = SB_PARAM_BOOL,                                                                    \
         .help = "Copy frames to and from the device instead of showing them to it.",              \
         .initial = "false",                                                                       \
         .is_fixed = true},                                                                        \
    {                                                                                              \
        .name = "validation", .type = SB_PARAM_BOOL,                                               \
        .help = "Have the validation layer look at every call, and fail when it complains.",       \
        .initial = "false", .is_fixed = true                                                       \
    }

// What they cannot work without, for struct sb_processor.
extern const char *const gpu_node_wants[];

// Opens the device of a node. Returns 0 or a negative errno, and the node's error says why.
int gpu_node_open(struct sb_node *node, struct gpu_effects *out_effects);

// Likewise, with extensions of Vulkan's for the instance and for the device.
int gpu_node_open_with(struct sb_node *node, const char *const *instance_extensions,
                       const char *const *device_extensions, struct gpu_effects *out_effects);

// Says what was done, and closes the device.
void gpu_node_close(struct sb_node *node, struct gpu_effects *effects);

// Reads a UUID of 32 digits, hyphens between them allowed. False when it is none.
bool gpu_node_uuid(const char *text, uint8_t out_uuid[SB_GPU_UUID_BYTES]);
