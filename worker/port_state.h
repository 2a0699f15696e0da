// SPDX-License-Identifier: Apache-2.0
// Ports of a node, the links behind them and the generations of their memory. Private to this room.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <streambroker/processor.h>

#include "schemas/limits.h"
#include "schemas/wire_worker.h"
#include "shm/pool.h"
#include "shm/ring_reader.h"
#include "shm/ring_writer.h"
#include "worker/carrier_state.h"

// A mapped segment.
struct mapping {
    const void *bytes;
    uint64_t size_bytes;
};

// One generation of a link into this node.
struct input_generation {
    struct input_generation *newer;  // owned
    uint32_t number;
    struct mapping pool;
    struct mapping publish;
    struct mapping consume;
    struct sb_format format;
    uint32_t attempt;  // of frames that come again
    bool is_single;    // such frames come one per step
    enum sb_delivery delivery;
    bool is_reader_ready;  // READ_LINK came, and where it begins is known
    uint64_t told_end;     // by LINK_END before the reader was ready, 0 = none
    enum link_end told_end_kind;
    struct wire_read_link link;
    struct ring_reader reader;
    struct carrier_reader carrier;
    struct mapping device;  // names its payloads in memory of a device, empty = they are not there
};

// One link into this node.
struct input_link {
    uint32_t link_id;
    struct sb_input *input;  // borrowed from the node
    // In the order of their seqs: those that are read to their end and of which frames are still
    // held, the one that is read now, and those that come behind it.
    struct input_generation *oldest;  // owned
    struct input_generation *now;     // borrowed, NULL = nothing is read
    struct input_generation *plain;   // now, when its ring alone decides about the next frame
    bool is_ended;
    bool is_leaving;                           // at its end it is gone, and nothing has ended
    bool is_left;                              // and the broker knows that it came there
    bool is_gone;                              // unlinked: the port counts as never linked
    bool is_format_told;                       // on_format() was called for the format of now
    const char *peer;                          // owned: node.port
    char transport[WIRE_TRANSPORT_BYTES_MAX];  // empty = ring
    char address[WIRE_TRANSPORT_BYTES_MAX];
    // A consume page that came before its READ_LINK.
    struct wire_memory pending;
    struct mapping pending_page;
    // Memory of a device that came before its READ_LINK.
    uint32_t pending_device_generation;
    struct mapping pending_device;
};

struct sb_input {
    struct sb_node *node;        // borrowed
    const struct sb_port *port;  // borrowed from the descriptor
    char name[SB_NAME_BYTES_MAX];
    uint32_t index;
    void *data;
    struct sb_format format;  // of the last frame, or agreed
    bool has_format;
    uint64_t frame_bytes_max;  // largest payload of its links, 0 = not known
    bool is_end_told;
    uint32_t link_count;
    uint32_t turn;              // link to ask first
    uint32_t burst;             // frames in a row from that link
    struct input_link **links;  // owned array of borrowed
    uint32_t held_count;        // frames kept beyond their step
};

// One link out of this node.
struct output_link {
    uint32_t link_id;
    struct sb_output *output;   // borrowed
    uint32_t position;          // in output->links
    enum sb_delivery delivery;  // of the generations that come
    uint64_t last_step;
    uint32_t since;    // generations up to this one do not have it
    bool is_leaving;   // its end is written; what is on it is read, nothing more is sent
    bool is_gone;      // unlinked while running
    bool has_carried;  // a frame of this life
    const char *peer;  // owned
    char transport[WIRE_TRANSPORT_BYTES_MAX];  // empty = ring
    char address[WIRE_TRANSPORT_BYTES_MAX];
};

// Pool and pages of one generation of an output. The arrays have room for every link that the
// output can get while the generation is in use.
struct output_generation {
    bool is_used;
    uint32_t number;
    struct mapping memory;
    struct pool pool;
    struct carrier_writer carrier;
    uint64_t device_slot_bytes;  // payloads lie in memory of a device, this far apart; 0 = not
    struct mapping device;       // which these names stand for, empty = there is none
    struct sb_format format;
    uint64_t first_number;
    uint64_t frame_bytes;          // exact payload that the format demands, 0 = any
    struct ring_writer *writers;   // owned, one per link
    struct ring_writer **targets;  // owned array: those of them that are written
    uint32_t target_count;
    struct mapping *pages;               // owned, one per link
    struct wire_memory *page_infos;      // owned, one per link
    enum sb_delivery *deliveries;        // owned, one per link
    struct mapping *peers;               // owned, one per link: consume pages
    struct wire_write_link *peer_infos;  // owned; kept until the writer exists
};

// A buffer that the processor has claimed.
struct output_claim {
    uint64_t id;  // 0 = free
    uint32_t slot;
    uint8_t *plug;  // owned: where its frame is written while the output has no link
    uint64_t plug_bytes;
};

struct sb_output {
    struct sb_node *node;        // borrowed
    const struct sb_port *port;  // borrowed from the descriptor
    char name[SB_NAME_BYTES_MAX];
    void *data;
    uint32_t link_count;
    uint32_t live_count;         // links that are not gone, and do not leave
    struct output_link **links;  // owned array of borrowed
    struct output_generation generations[2];
    struct output_generation *now;
    struct output_generation *next;
    struct carrier_writer before;  // of the generation before, while readers may need it
    struct sb_format offers[LIMIT_FORMATS_MAX];
    size_t offer_count;
    uint64_t offer_bytes;
    bool is_offer_new;      // not sent yet
    bool is_format_wanted;  // sent, the memory has not come yet
    bool is_ended;
    struct output_claim *claims;  // owned, claim_max of them
    uint32_t claim_max;
    uint32_t claimed;
    // Of claims that need not look at anything: every lossless link has space for so many, and all
    // else that could hold one up is ruled out until the broker or the processor says something.
    uint32_t credit;
    bool is_plain;        // frames go out alike on all targets of the generation, and nowhere else
    uint32_t vain_looks;  // for room, in a row: each doubles the waits that sleep at once
    uint32_t sleeps_left;
    uint64_t last_claim;
    uint64_t next_number;
};
