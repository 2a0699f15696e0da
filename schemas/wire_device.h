// SPDX-License-Identifier: Apache-2.0
// What the messages about memory of devices say; they are encoded and decoded with the others.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <streambroker/memory.h>
#include <streambroker/processor.h>

#include "schemas/limits.h"

#define WIRE_DEVICE_ALIGN 4096  // of a payload in memory of a device

struct wire_device {
    uint8_t device_uuid[SB_DEVICE_UUID_BYTES];
    uint8_t driver_uuid[SB_DEVICE_UUID_BYTES];
    uint32_t vendor;
    bool is_software;
    bool has_pools;  // it shares memory of it with other processes
    bool has_timelines;
    char name[SB_DEVICE_NAME_BYTES];
};

struct wire_device_pool {
    uint32_t serial;
    uint64_t size_bytes;
};

struct wire_device_link {
    uint32_t link_id;
    uint32_t generation;
    uint64_t size_bytes;
    struct wire_device device;
    bool is_trusted;
};

struct wire_device_refused {
    uint32_t link_id;                // 0 = output says which
    char output[SB_NAME_BYTES_MAX];  // empty where link_id is not 0
    uint32_t generation;
    char text[LIMIT_ERROR_TEXT_BYTES_MAX];
};

struct wire_device_lost {
    char text[LIMIT_ERROR_TEXT_BYTES_MAX];
};
