// SPDX-License-Identifier: Apache-2.0
// Messages about the device that a node works on, in plain structs; wire_worker.h has all others.
#pragma once

#include <stdint.h>

#include <streambroker/memory.h>

#include "schemas/limits.h"

struct wire_device {
    uint8_t device_uuid[SB_DEVICE_UUID_BYTES];
    uint8_t driver_uuid[SB_DEVICE_UUID_BYTES];
};

struct wire_device_lost {
    char text[LIMIT_ERROR_TEXT_BYTES_MAX];
};
