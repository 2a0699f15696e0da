// SPDX-License-Identifier: Apache-2.0
// Frames in memory of a device. Addresses that nobody can use stand for it, so that a frame there
// is told from others in the same way as everywhere: by where it lies.
#pragma once

#include "worker/port_state.h"
#include "worker/runtime.h"

// Makes the memory of a generation of an output and gives it to the broker, or tells the broker why
// there is none: then nothing is ever sent in this generation. Returns 0, or a negative errno when
// the broker cannot be told.
int device_memory_make(struct sb_output *output, struct output_generation *generation,
                       const struct wire_memory *memory);

// Where the payload of a claimed slot goes. Returns 0; -EAGAIN where that memory could not be made:
// the broker gives other memory.
int device_memory_loan(const struct output_generation *generation, uint32_t slot, void **out_data);

// Memory of a link came (DEVICE_LINK): shows it to the device and keeps it for its READ_LINK, or
// tells the broker why not. Owns fd. Returns as device_memory_make().
int device_memory_add(struct input_link *link, const struct wire_device_link *message, int fd);

// A generation came for which memory may have come before: takes it, and tells the producer that
// frames can be read there.
void device_memory_adopt(struct input_link *link, struct input_generation *generation);

// Where the payload of a slot lies. The generation has such memory.
static inline void *device_memory_payload(const struct mapping *device, uint64_t slot_bytes,
                                          uint32_t slot)
{
    return (uint8_t *)(uintptr_t)device->bytes + slot * slot_bytes;
}
