// SPDX-License-Identifier: Apache-2.0
// One valid message of every type, each field with a value of its own.
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "schemas/link_layout.h"
#include "schemas/status_layout.h"
#include "schemas/wire_worker.h"

// Type, direction and phases as the table has them, for tests that walk it.
struct sample_type {
    enum wire_type type;
    enum wire_direction direction;
    enum wire_phase first;
    enum wire_phase last;
    size_t fd_count;
    const char *name;
};

static const struct sample_type sample_types[] = {
#define MESSAGE(NAME, name, id, direction, first, last, fds, text)                                 \
    {WIRE_##NAME, WIRE_##direction, WIRE_##first, WIRE_##last, fds, #name},
#include "schemas/messages.def"
#undef MESSAGE
};

#define SAMPLE_TYPE_COUNT (sizeof sample_types / sizeof sample_types[0])

static const struct wire_param sample_params[] = {
    {.name = "radius", .value = "4"},
    {.name = "title", .value = "gr\xc3\xbc\xc3\x9f dich"},
    {.name = "empty", .value = ""},
};

static const struct wire_link sample_links[] = {
    {.link_id = 7,
     .port = "video",
     .peer = "pattern.video",
     .is_output = false,
     .delivery = SB_DELIVERY_LATEST},
    {.link_id = 8,
     .port = "video_1",
     .peer = "out.in",
     .is_output = true,
     .delivery = SB_DELIVERY_LOSSLESS,
     .last_step = 1234567890123,
     .transport = "socket",
     .address = "streambroker-1-2"},
};

static const struct sb_format sample_formats[] = {
    {.kind = SB_FORMAT_VIDEO, .video = {SB_PIXEL_RGBA, 1280, 720, 30000, 1001}},
    {.kind = SB_FORMAT_AUDIO, .audio = {SB_SAMPLE_F32, 48000, 2}},
    {.kind = SB_FORMAT_TENSOR, .tensor = {SB_ELEMENT_F16, 3, {3, 224, 225}}},
    {.kind = SB_FORMAT_TEXT},
    {.kind = SB_FORMAT_BINARY, .name = "image/jpeg"},
    {.kind = SB_FORMAT_MESSAGE, .name = "my.pkg.Scan"},
};

#define SAMPLE_FORMAT_COUNT (sizeof sample_formats / sizeof sample_formats[0])

static inline void sample_fill_setup(struct wire_setup *setup)
{
    *setup = (struct wire_setup){.node_id = "blur",
                                 .generation = 3,
                                 .mode = SB_MODE_TICK,
                                 .interval_ns = 10000000,
                                 .activation = SB_ACTIVATE_BATCH,
                                 .batch_count = 8,
                                 .batch_within_ns = 20000000,
                                 .every_ns = 1000000000,
                                 .spin_ns = 5000,
                                 .is_spin_auto = true,
                                 .is_clock_precise = true,
                                 .first_step = 77,
                                 .first_tick = 1ULL << 40,
                                 .param_count = 3,
                                 .params = sample_params,
                                 .link_count = 2,
                                 .links = sample_links,
                                 .transport_path = "/a:/b"};
}

static inline void sample_fill_pool(struct wire_memory *memory)
{
    *memory = (struct wire_memory){.serial = 9,
                                   .kind = WIRE_MEMORY_POOL,
                                   .size_bytes = 1U << 26,
                                   .output = "video_1",
                                   .generation = 2,
                                   .slot_count = 12,
                                   .payload_bytes = 3686400,
                                   .format = sample_formats[0],
                                   .first_number = 4711};
}

static inline void sample_fill_read_link(struct wire_read_link *link)
{
    *link = (struct wire_read_link){.link_id = 7,
                                    .generation = 2,
                                    .pool_bytes = 1U << 26,
                                    .page_bytes = 8192,
                                    .slot_count = 12,
                                    .payload_bytes = 3686400,
                                    .depth = 16,
                                    .first_seq = 1001,
                                    .format = sample_formats[1],
                                    .is_producer_gone = true,
                                    .skip_count = 3,
                                    .skips = {1002, 1005, 1ULL << 50},
                                    .attempt = 2,
                                    .is_single = true,
                                    .delivery = SB_DELIVERY_ORDERED};
}

// Fills every part that no other function fills; the others overwrite the union.
static inline void sample_fill_small(struct wire_message *message, enum wire_type type)
{
    if (type == WIRE_HELLO) {
        message->hello = (struct wire_hello){WIRE_PROTOCOL_VERSION, "0.1.0", "blur", "1.2.3",
                                             0x0123456789abcdefULL};
    } else if (type == WIRE_FAILED) {
        message->failed = (struct wire_failed){-5, "no camera at /dev/video0"};
    } else if (type == WIRE_INPUT_FORMAT) {
        message->input_format = (struct wire_input_format){7, 5, sample_formats[2], 4096};
    } else if (type == WIRE_FORMAT_TAKEN) {
        message->format_taken.serial = 5;
    } else if (type == WIRE_BELL) {
        message->bell.size_bytes = 4096;
    } else if (type == WIRE_MAPPED) {
        message->mapped.serial = 9;
    } else if (type == WIRE_CONFIG) {
        message->config = (struct wire_config){11, 2, sample_params};
    } else if (type == WIRE_CONFIG_DONE) {
        message->config_done = (struct wire_config_done){11, -34, "radius is out of range"};
    } else if (type == WIRE_ENDED) {
        message->ended = (struct wire_ended){125};
    }
}

static inline void sample_fill_link(struct wire_message *message, enum wire_type type)
{
    if (type == WIRE_READ_LINK) {
        sample_fill_read_link(&message->read_link);
    } else if (type == WIRE_WRITE_LINK) {
        message->write_link = (struct wire_write_link){8, 2, 4096, 3, 4};
    } else if (type == WIRE_LINK_END) {
        message->link_end = (struct wire_link_end){7, 2, 1009, LINK_END_LOST};
    } else if (type == WIRE_UNLINK) {
        message->unlink = (struct wire_unlink){.link_id = 7, .is_ended = true};
    } else if (type == WIRE_LINK) {
        message->link = (struct wire_link){.link_id = 9,
                                           .is_output = true,
                                           .delivery = SB_DELIVERY_ORDERED,
                                           .last_step = 40,
                                           .generation = 3};
        snprintf(message->link.port, sizeof message->link.port, "video");
        snprintf(message->link.peer, sizeof message->link.peer, "blur.video");
    } else if (type == WIRE_LEAVE) {
        message->leave.link_id = 9;
    } else if (type == WIRE_LEAVING) {
        message->leaving.link_id = 9;
    } else if (type == WIRE_LEFT) {
        message->left.link_id = 9;
    } else if (type == WIRE_DRAINED) {
        message->drained = (struct wire_drained){7, 2};
    }
}

static inline void sample_fill_device(struct wire_device *device)
{
    *device = (struct wire_device){.vendor = 0x10de,
                                   .is_software = true,
                                   .has_pools = true,
                                   .has_timelines = true,
                                   .name = "llvmpipe"};
    memcpy(device->device_uuid, "mesa22.3.6\0\0\0\0\0\1", SB_DEVICE_UUID_BYTES);
    memcpy(device->driver_uuid, "llvmpipeUUID\0\0\0\2", SB_DEVICE_UUID_BYTES);
}

static inline void sample_fill_device_message(struct wire_message *message, enum wire_type type)
{
    if (type == WIRE_DEVICE) {
        sample_fill_device(&message->device);
    } else if (type == WIRE_DEVICE_POOL) {
        message->device_pool = (struct wire_device_pool){9, 1U << 26};
    } else if (type == WIRE_DEVICE_LINK) {
        message->device_link = (struct wire_device_link){
            .link_id = 7, .generation = 2, .size_bytes = 1U << 26, .is_trusted = true};
        sample_fill_device(&message->device_link.device);
    } else if (type == WIRE_DEVICE_REFUSED) {
        message->device_refused = (struct wire_device_refused){
            .link_id = 7, .generation = 2, .text = "it is of another device"};
    }
}

static inline void sample_fill(struct wire_message *message, enum wire_type type)
{
    message->type = type;
    sample_fill_small(message, type);
    sample_fill_link(message, type);
    sample_fill_device_message(message, type);
    if (type == WIRE_SETUP) {
        sample_fill_setup(&message->setup);
    } else if (type == WIRE_MEMORY) {
        sample_fill_pool(&message->memory);
    } else if (type == WIRE_FORMATS) {
        message->formats = (struct wire_formats){
            .output = "video_1", .format_count = SAMPLE_FORMAT_COUNT, .frame_bytes_max = 3686400};
        memcpy(message->formats.formats, sample_formats, sizeof sample_formats);
    } else if (type == WIRE_DEVICE_LOST) {
        message->device_lost = (struct wire_device_lost){"its driver says so"};
    }
}
