// SPDX-License-Identifier: Apache-2.0
// Messages between the broker and its clients as plain structs: encode, decode, validate.
//
// Both ends decode with the same care as wire_worker.h: in an arena of a fixed size inside struct
// control_message, every bound checked, nothing unknown, nothing encoded in two ways.
//
// A connection: the broker sends WELCOME. Then, again and again: the client sends one REQUEST, the
// broker sends documents as PARTs (none, one, or a stream) and one ANSWER. A client has one request
// under way at a time; it ends a stream by closing the connection.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <streambroker/processor.h>

#include "schemas/limits.h"
#include "schemas/wire.h"

enum control_direction { CONTROL_TO_CLIENT, CONTROL_TO_BROKER };

enum control_type {
#define MESSAGE(NAME, name, id, direction, fds, text) CONTROL_##NAME = id,
#include "schemas/control_messages.def"
#undef MESSAGE
};

#define CONTROL_FIELDS_MAX 80  // of a request: every parameter of a node, and some more
#define CONTROL_VERSION_BYTES_MAX 64
#define CONTROL_CODE_MAX 255
#define CONTROL_PART_BYTES_MAX (48 * 1024)  // of text

struct control_welcome {
    char version[CONTROL_VERSION_BYTES_MAX];
    char graph[LIMIT_NODE_ID_BYTES_MAX];
    uint32_t pid;
};

struct control_field {
    char name[SB_NAME_BYTES_MAX];
    const char *value;  // inside the message's arena; terminated, at most SB_STRING_BYTES_MAX
};

struct control_request {
    uint32_t call;
    char verb[SB_NAME_BYTES_MAX];
    size_t field_count;
    const struct control_field *fields;  // in the arena, or the caller's for encoding
};

struct control_part {
    uint32_t call;
    const char *text;  // in the arena, or the caller's for encoding; no zero byte in it
    size_t text_bytes;
    bool is_end;
};

struct control_answer {
    uint32_t call;
    uint32_t code;
    char error[LIMIT_ERROR_TEXT_BYTES_MAX];
};

#define CONTROL_ARENA_BYTES (192 * 1024)

// One message of any type. Large: keep it on the heap.
struct control_message {
    enum control_type type;
    union {
        struct control_welcome welcome;
        struct control_request request;
        struct control_part part;
        struct control_answer answer;
    };
    size_t arena_used;
    _Alignas(16) uint8_t arena[CONTROL_ARENA_BYTES];
};

size_t wire_control_fd_count(enum control_type type);
const char *wire_control_type_name(uint32_t type);  // "?" for an unknown one

// Encodes header and body into bytes. Returns the size, or -EMSGSIZE when it does not fit. Only
// type and the matching struct are read; values are the caller's own and are not checked.
int wire_control_encode(const struct control_message *message, uint8_t *bytes, size_t size_bytes);

// Decodes and validates one datagram that travelled in this direction with fd_count descriptors.
// Returns 0, or -EPROTO with a sentence part in reason; out_message is then undefined.
int wire_control_decode(const uint8_t *bytes, size_t size_bytes, size_t fd_count,
                        enum control_direction direction, struct control_message *out_message,
                        char *reason, size_t reason_bytes);
