// SPDX-License-Identifier: Apache-2.0
// What all decoders of this room do before they look at single fields.
#include "schemas/wire_body.h"

#include <string.h>

void *wire_body_allocate(const struct wire_arena *arena, size_t size_bytes)
{
    size_t room = arena->size_bytes - *arena->used;
    if (size_bytes >= room) {
        return NULL;
    }
    uint8_t *block = arena->bytes + *arena->used;
    block[size_bytes] = 0;
    size_t taken = (size_bytes + 1 + 15) & ~(size_t)15;
    *arena->used += taken < room ? taken : room;
    return block;
}

static void *allocate(void *data, size_t size_bytes)
{
    return wire_body_allocate(data, size_bytes);
}

static void release(void *data, void *block)
{
    (void)data;
    (void)block;  // all of it goes with the message
}

// A sub-message that is not there is none; those of a repeated field follow each other.
static bool has_unknown(const ProtobufCMessage *message)
{
    if (message->n_unknown_fields > 0) {
        return true;
    }
    const char *base = (const char *)message;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
            continue;
        }
        const ProtobufCMessage *single[1] = {NULL};
        const ProtobufCMessage *const *inner = single;
        size_t count = 1;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            memcpy(&count, base + field->quantifier_offset, sizeof count);
            memcpy(&inner, base + field->offset, sizeof inner);
        } else {
            memcpy(&single[0], base + field->offset, sizeof single[0]);
        }
        for (size_t j = 0; j < count; j++) {
            if (inner[j] != NULL && has_unknown(inner[j])) {
                return true;
            }
        }
    }
    return false;
}

const ProtobufCMessage *wire_body_unpack(struct wire_decoder *decoder,
                                         const ProtobufCMessageDescriptor *descriptor,
                                         const struct wire_arena *arena, const uint8_t *bytes,
                                         size_t size_bytes)
{
    struct wire_arena used = *arena;
    ProtobufCAllocator allocator = {.alloc = allocate, .free = release, .allocator_data = &used};
    const ProtobufCMessage *fields =
        protobuf_c_message_unpack(descriptor, &allocator, size_bytes, bytes);
    if (fields == NULL) {
        wire_field_refuse(decoder, "its body is no such message, or too large when decoded");
        return NULL;
    }
    if (has_unknown(fields)) {
        wire_field_refuse(decoder, "it has unknown fields");
        return NULL;
    }
    // Values have one encoding each: no padded numbers, no field twice, no defaults written out.
    if (protobuf_c_message_get_packed_size(fields) != size_bytes) {
        wire_field_refuse(decoder, "it is not encoded in the shortest way");
        return NULL;
    }
    return fields;
}

bool wire_body_take_header(struct wire_decoder *decoder, const uint8_t *bytes, size_t size_bytes,
                           size_t fd_count, struct wire_header *out_header)
{
    if (size_bytes >= 2) {
        unsigned version = bytes[0] | ((unsigned)bytes[1] << 8);
        if (version != WIRE_PROTOCOL_VERSION) {
            return wire_field_refuse(decoder, "protocol version %u, but this side speaks %d",
                                     version, WIRE_PROTOCOL_VERSION);
        }
    }
    if (wire_get_header(bytes, size_bytes, fd_count, out_header) < 0) {
        return wire_field_refuse(
            decoder, "the header of a message of %zu bytes and %zu descriptors is wrong",
            size_bytes, fd_count);
    }
    return true;
}
