// SPDX-License-Identifier: Apache-2.0
// One datagram of a control socket: header, then a protobuf body. Buffers in, buffers out.
//
//   0         2      4           6          8
//   | version | type | fd_count  | reserved | body ...        little-endian
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "schemas/limits.h"

#define WIRE_PROTOCOL_VERSION 1
#define WIRE_HEADER_BYTES 8

struct wire_header {
    uint16_t version;
    uint16_t type;
    uint16_t fd_count;
};

// Writes the header at the start of bytes (WIRE_HEADER_BYTES of them).
void wire_put_header(const struct wire_header *header, uint8_t *bytes);

// Reads and checks the header of a datagram of size_bytes that came with fd_count descriptors.
// Returns 0, or -EPROTO when it is too short or long, of another version, or counts differ.
int wire_get_header(const uint8_t *bytes, size_t size_bytes, size_t fd_count,
                    struct wire_header *out_header);
