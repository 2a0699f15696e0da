// SPDX-License-Identifier: Apache-2.0
// The body of a datagram, unpacked inside an arena of a fixed size: no input makes it take more.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/wire_field.h"

// Memory that a message brings with it. All of it goes with the message.
struct wire_arena {
    uint8_t *bytes;     // borrowed from the message, aligned for any type
    size_t size_bytes;  // of bytes
    size_t *used;       // borrowed from the message
};

// Every block has a zero byte behind it, so that bytes of a message are terminated where they lie.
// NULL when it does not fit.
void *wire_body_allocate(const struct wire_arena *arena, size_t size_bytes);

// Unpacks a body: known fields only, each once, encoded in the shortest way. Returns the message,
// which lies in the arena, or NULL with the reason in the decoder.
const ProtobufCMessage *wire_body_unpack(struct wire_decoder *decoder,
                                         const ProtobufCMessageDescriptor *descriptor,
                                         const struct wire_arena *arena, const uint8_t *bytes,
                                         size_t size_bytes);

// Reads and checks the header; false with the reason in the decoder.
bool wire_body_take_header(struct wire_decoder *decoder, const uint8_t *bytes, size_t size_bytes,
                           size_t fd_count, struct wire_header *out_header);
