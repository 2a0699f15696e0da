// SPDX-License-Identifier: Apache-2.0
// The device that a node works on: which one it is, and that it is lost.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <streambroker/memory.h>
#include <streambroker/processor.h>

#include "base/text.h"
#include "worker/runtime.h"
#include "worker/uplink.h"

int sb_node_set_device(struct sb_node *node, const struct sb_node_device *device)
{
    if (device == NULL) {
        node->device = (struct sb_node_device){0};
        return 0;
    }
    if (device->struct_size != sizeof *device ||
        (device->make_pool == NULL) != (device->show_pool == NULL)) {
        return -EINVAL;
    }
    node->device = *device;
    struct wire_device *told = &uplink_begin(node, WIRE_DEVICE)->device;
    memcpy(told->device_uuid, device->device_uuid, sizeof told->device_uuid);
    memcpy(told->driver_uuid, device->driver_uuid, sizeof told->driver_uuid);
    text_copy(told->name, sizeof told->name, device->name[0] != '\0' ? device->name : "a device");
    told->vendor = device->vendor;
    told->is_software = device->is_software;
    told->has_pools = device->make_pool != NULL;
    told->has_timelines = device->has_timelines;
    return uplink_send(node);
}

void sb_node_lose_device(struct sb_node *node, const char *why)
{
    fprintf(stderr, "device lost: %s\n", why);
    struct wire_device_lost *told = &uplink_begin(node, WIRE_DEVICE_LOST)->device_lost;
    text_copy(told->text, sizeof told->text, why);
    // Whether the broker hears it or is gone: this process can do nothing more.
    (void)uplink_send(node);
    _exit(SB_EXIT_RESTART);
}
