// SPDX-License-Identifier: Apache-2.0
// Messages between the broker and a worker as plain structs: encode, decode, validate.
//
// The decoder is given bytes of a process that may be hostile. It works in one arena of a fixed
// size inside struct wire_message, so that no input makes it allocate more; it checks every bound
// of limits.h, every enum value, UTF-8 and embedded zero bytes of names, that a message has no
// unknown fields, and that the message fits the direction and phase. What comes out can be used
// without checks of form.
//
// Link ids, generations, page numbers, steps and seqs count from 1; a first_seq of 0 means that the
// generation begins where the one before ends. Modes, activations and deliveries are resolved:
// never the DEFAULT. A processor's free text holds any byte but zero: escape it before printing.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <streambroker/format.h>
#include <streambroker/processor.h>

#include "schemas/limits.h"
#include "schemas/wire.h"
#include "schemas/wire_device.h"

enum wire_direction { WIRE_TO_WORKER, WIRE_TO_BROKER };

// Phases of a connection, as both ends count them. CONNECTED until SETUP was sent (received),
// OPENING until READY was sent (received), RUNNING until the end.
enum wire_phase { WIRE_CONNECTED, WIRE_OPENING, WIRE_RUNNING };

enum wire_type {
#define MESSAGE(NAME, name, id, direction, first, last, fds, text) WIRE_##NAME = id,
#include "schemas/messages.def"
#undef MESSAGE
};

enum wire_memory_kind {
    WIRE_MEMORY_POOL = 1,
    WIRE_MEMORY_PUBLISH = 2,
    WIRE_MEMORY_CONSUME = 3,
    WIRE_MEMORY_STATUS = 4,
};

#define WIRE_SKIPS_MAX 128
#define WIRE_VERSION_BYTES_MAX 64
#define WIRE_LINKS_MAX (2 * LIMIT_LINKS_PER_SIDE_MAX)
#define WIRE_TRANSPORT_BYTES_MAX 64
#define WIRE_TRANSPORT_PATH_BYTES_MAX 4096
#define WIRE_CARRIED_SLOT_BYTES 64  // payload of slots whose frames have theirs elsewhere

struct wire_param {
    char name[SB_NAME_BYTES_MAX];
    const char *value;  // inside the message's arena; terminated, at most SB_STRING_BYTES_MAX
};

struct wire_link {
    uint32_t link_id;
    char port[SB_NAME_BYTES_MAX];
    char peer[LIMIT_ADDRESS_BYTES_MAX];
    bool is_output;
    enum sb_delivery delivery;
    uint64_t last_step;
    uint32_t generation;  // of an output: the newest one that was ordered without this link
    char transport[WIRE_TRANSPORT_BYTES_MAX];  // empty = ring
    char address[WIRE_TRANSPORT_BYTES_MAX];    // empty for a ring
};

struct wire_hello {
    uint32_t protocol;
    char sdk_version[WIRE_VERSION_BYTES_MAX];
    char name[SB_NAME_BYTES_MAX];
    char version[WIRE_VERSION_BYTES_MAX];
    uint64_t digest;  // hash_bytes() of the JSON that --describe prints
};

struct wire_setup {
    char node_id[LIMIT_NODE_ID_BYTES_MAX];
    uint32_t generation;
    enum sb_mode mode;
    int64_t interval_ns;
    enum sb_activation activation;
    uint32_t batch_count;
    int64_t batch_within_ns;
    int64_t every_ns;
    int64_t spin_ns;
    bool is_spin_auto;
    bool is_clock_precise;
    uint64_t first_step;
    uint64_t first_tick;
    size_t param_count;
    const struct wire_param *params;  // in the arena of the message, or the caller's for encoding
    size_t link_count;
    const struct wire_link *links;                       // likewise
    char transport_path[WIRE_TRANSPORT_PATH_BYTES_MAX];  // empty = it may load none
};

struct wire_failed {
    int32_t code;
    char text[LIMIT_ERROR_TEXT_BYTES_MAX];
};
struct wire_formats {
    char output[SB_NAME_BYTES_MAX];
    size_t format_count;
    struct sb_format formats[LIMIT_FORMATS_MAX];
    uint64_t frame_bytes_max;
};

struct wire_input_format {
    uint32_t link_id;
    uint32_t serial;
    struct sb_format format;
    uint64_t frame_bytes_max;
};

struct wire_serial {
    uint32_t serial;
};

struct wire_memory {
    uint32_t serial;
    enum wire_memory_kind kind;
    uint64_t size_bytes;
    char output[SB_NAME_BYTES_MAX];
    uint32_t link_id;
    uint32_t generation;
    uint32_t slot_count;
    uint64_t payload_bytes;
    uint32_t depth, claims_max;
    uint64_t first_seq, page_number;
    struct sb_format format;
    uint64_t first_number;
    uint64_t carried_bytes;      // 0 = payloads lie in the slots
    uint64_t device_slot_bytes;  // 0 = not in memory of a device
    enum sb_delivery delivery;
};

struct wire_bell {
    uint64_t size_bytes;
};
struct wire_read_link {
    uint32_t link_id, generation;
    uint64_t pool_bytes, page_bytes;
    uint32_t slot_count;
    uint64_t payload_bytes;
    uint32_t depth;
    uint64_t first_seq;
    struct sb_format format;
    bool is_producer_gone;
    size_t skip_count;
    uint64_t skips[WIRE_SKIPS_MAX];
    uint32_t attempt;
    bool is_single;
    uint64_t carried_bytes;      // 0 = payloads lie in the slots
    uint64_t device_slot_bytes;  // 0 = not in memory of a device
    enum sb_delivery delivery;   // of this generation, whatever the link has by now
};

struct wire_write_link {
    uint32_t link_id;
    uint32_t generation;
    uint64_t page_bytes;
    uint64_t page_number;
    uint32_t claims_max;
};

struct wire_link_end {
    uint32_t link_id;
    uint32_t generation;
    uint64_t end_seq;
    uint32_t kind;  // enum link_end, not OPEN
};

struct wire_unlink {
    uint32_t link_id;
    bool is_ended;
};
struct wire_config {
    uint32_t serial;
    size_t param_count;
    const struct wire_param *params;
};

struct wire_config_done {
    uint32_t serial;
    int32_t code;
    char text[LIMIT_ERROR_TEXT_BYTES_MAX];
};
struct wire_drained {
    uint32_t link_id;
    uint32_t generation;
};
// LEAVE, LEAVING, LEFT
struct wire_link_id {
    uint32_t link_id;
};
struct wire_ended {
    uint32_t exit_status;
};
#define WIRE_ARENA_BYTES (256 * 1024)

// One message of any type. Large (the arena): keep one per connection, or on the heap.
struct wire_message {
    enum wire_type type;
    union {
        struct wire_hello hello;
        struct wire_setup setup;
        struct wire_failed failed;
        struct wire_formats formats;
        struct wire_input_format input_format;
        struct wire_serial format_taken;
        struct wire_memory memory;
        struct wire_bell bell;
        struct wire_serial mapped;
        struct wire_read_link read_link;
        struct wire_write_link write_link;
        struct wire_link_end link_end;
        struct wire_unlink unlink;
        struct wire_config config;
        struct wire_config_done config_done;
        struct wire_drained drained;
        struct wire_ended ended;
        struct wire_link link;
        struct wire_link_id leave;
        struct wire_link_id leaving;
        struct wire_link_id left;
        struct wire_device device;
        struct wire_device_lost device_lost;
        struct wire_device_pool device_pool;
        struct wire_device_link device_link;
        struct wire_device_refused device_refused;
    };
    size_t arena_used;
    _Alignas(16) uint8_t arena[WIRE_ARENA_BYTES];
};

// Descriptors that a message of this type carries. SB_ASSERTs that the type exists.
size_t wire_worker_fd_count(enum wire_type type);
const char *wire_worker_type_name(uint32_t type);  // "?" for an unknown one

// Encodes header and body into bytes (LIMIT_MESSAGE_BYTES_MAX of them). Returns the size, or
// -EMSGSIZE. No value is checked: the other side refuses what is out of bounds.
int wire_worker_encode(const struct wire_message *message, uint8_t *bytes, size_t size_bytes);

// Decodes and validates one datagram that travelled in this direction in this phase with fd_count
// descriptors. Returns 0, or -EPROTO with a sentence part in reason (what was wrong); out_message
// is then undefined.
int wire_worker_decode(const uint8_t *bytes, size_t size_bytes, size_t fd_count,
                       enum wire_direction direction, enum wire_phase phase,
                       struct wire_message *out_message, char *reason, size_t reason_bytes);
