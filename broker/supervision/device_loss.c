// SPDX-License-Identifier: Apache-2.0
// Counts losses of each device.
#include "broker/supervision/device_loss.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

// The notes of a device; those of the device that was quiet longest make room for a new one.
static struct device_loss *find(struct device_losses *losses, const uint8_t *uuid, bool *out_is_new)
{
    struct device_loss *quietest = &losses->devices[0];
    for (uint32_t i = 0; i < losses->count; i++) {
        struct device_loss *device = &losses->devices[i];
        if (memcmp(device->uuid, uuid, SB_DEVICE_UUID_BYTES) == 0) {
            *out_is_new = false;
            return device;
        }
        quietest = device->last_ns < quietest->last_ns ? device : quietest;
    }
    if (losses->count < DEVICE_LOSS_DEVICES_MAX) {
        quietest = &losses->devices[losses->count++];
    }
    *quietest = (struct device_loss){.rounds = 0};
    memcpy(quietest->uuid, uuid, SB_DEVICE_UUID_BYTES);
    *out_is_new = true;
    return quietest;
}

enum device_loss_answer device_loss_note(struct device_losses *losses,
                                         const uint8_t uuid[SB_DEVICE_UUID_BYTES], int64_t begun_ns,
                                         int64_t now_ns)
{
    bool is_new;
    struct device_loss *device = find(losses, uuid, &is_new);
    if (device->rounds > 0 && begun_ns < device->round_ns) {
        return DEVICE_LOSS_JOINED;
    }
    bool is_pair = !is_new && now_ns - device->last_ns <= DEVICE_LOSS_PAIR_NS;
    if (!is_new && now_ns - device->last_ns > DEVICE_LOSS_QUIET_NS) {
        device->rounds = 0;
    }
    device->last_ns = now_ns;
    if (device->rounds == DEVICE_LOSS_ROUNDS_MAX) {
        return DEVICE_LOSS_BROKEN;
    }
    if (!is_pair) {
        return DEVICE_LOSS_ALONE;
    }
    device->rounds++;
    device->round_ns = now_ns;
    return DEVICE_LOSS_ROUND;
}
