// SPDX-License-Identifier: Apache-2.0
// What a worker knows of payloads that a transport carries. Private to this room.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <streambroker/transport.h>

// The writer's end of one output and generation.
struct carrier_writer {
    const struct sb_transport *transport;  // borrowed, NULL = payloads lie in the slots
    void *end;                             // owned by the transport
    uint64_t ticket;                       // the last one that was given
    uint32_t slot_count;
    struct sb_transport_frame *loans;  // owned, one per slot; data is NULL where nothing is loaned
    bool is_keeping;                   // its readers may be replaced, and find what they missed
};

// A payload that is held.
struct carrier_held {
    uint64_t seq;  // 0 = free
    struct sb_transport_frame frame;
};

// The reader's end of one link and generation.
struct carrier_reader {
    const struct sb_transport *transport;  // borrowed, NULL = payloads lie in the slots
    void *end;                             // owned by the transport
    bool is_attached;
    bool is_kept_for;     // what it has to take over is there once it is attached
    int64_t patience_ns;  // a writer that is over may be gone: until then, 0 = not known yet
    uint32_t held_max;
    struct carrier_held *held;  // owned, held_max of them
};
