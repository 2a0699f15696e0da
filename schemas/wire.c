// SPDX-License-Identifier: Apache-2.0
// The header of a control datagram.
#include "schemas/wire.h"

#include <errno.h>

static void put_u16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)(value & 0xff);
    bytes[1] = (uint8_t)(value >> 8);
}

static uint16_t get_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | (bytes[1] << 8));
}

void wire_put_header(const struct wire_header *header, uint8_t *bytes)
{
    put_u16(bytes, header->version);
    put_u16(bytes + 2, header->type);
    put_u16(bytes + 4, header->fd_count);
    put_u16(bytes + 6, 0);
}

int wire_get_header(const uint8_t *bytes, size_t size_bytes, size_t fd_count,
                    struct wire_header *out_header)
{
    if (size_bytes < WIRE_HEADER_BYTES || size_bytes > LIMIT_MESSAGE_BYTES_MAX) {
        return -EPROTO;
    }
    struct wire_header header = {
        .version = get_u16(bytes), .type = get_u16(bytes + 2), .fd_count = get_u16(bytes + 4)};
    if (header.version != WIRE_PROTOCOL_VERSION || header.fd_count != fd_count ||
        get_u16(bytes + 6) != 0) {
        return -EPROTO;
    }
    *out_header = header;
    return 0;
}
