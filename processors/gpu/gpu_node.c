// SPDX-License-Identifier: Apache-2.0
// Opens and closes the device of a GPU processor.
#include "processors/gpu/gpu_node.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *const gpu_node_wants[] = {"gpu", NULL};

static int digit_of(char letter)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = letter == '\0' ? NULL : strchr(digits, letter | 0x20);
    return found == NULL ? -1 : (int)(found - digits);
}

bool gpu_node_uuid(const char *text, uint8_t out_uuid[SB_GPU_UUID_BYTES])
{
    uint8_t uuid[SB_GPU_UUID_BYTES] = {0};
    size_t count = 0;
    for (; *text != '\0'; text++) {
        int digit = digit_of(*text);
        if (*text == '-') {
            continue;
        }
        if (digit < 0 || count == sizeof uuid * 2) {
            return false;
        }
        uuid[count / 2] = (uint8_t)(uuid[count / 2] << 4 | digit);
        count++;
    }
    if (count != sizeof uuid * 2) {
        return false;
    }
    memcpy(out_uuid, uuid, sizeof uuid);
    return true;
}

int gpu_node_open(struct sb_node *node, struct gpu_effects *out_effects)
{
    return gpu_node_open_with(node, NULL, NULL, out_effects);
}

int gpu_node_open_with(struct sb_node *node, const char *const *instance_extensions,
                       const char *const *device_extensions, struct gpu_effects *out_effects)
{
    const char *device = sb_param_string(node, "device");
    // What the key gpu of the node says, which the broker hands on.
    const char *wanted = getenv("STREAMBROKER_GPU");
    uint8_t uuid[SB_GPU_UUID_BYTES];
    struct sb_gpu_options options = {
        .struct_size = sizeof options,
        .is_hardware_wanted = wanted != NULL && strcmp(wanted, "require") == 0,
        .is_copying = sb_param_bool(node, "copy"),
        .instance_extensions = instance_extensions,
        .device_extensions = device_extensions,
        .is_validated = sb_param_bool(node, "validation"),
    };
    if (device[0] != '\0') {
        if (!gpu_node_uuid(device, uuid)) {
            return sb_node_error(node, -EINVAL, "'%s' is not a UUID of 32 hexadecimal digits",
                                 device);
        }
        options.device_uuid = uuid;
    }
    struct sb_gpu *gpu;
    int failed = sb_gpu_open(node, &options, &gpu);
    if (failed == 0) {
        *out_effects = (struct gpu_effects){.gpu = gpu};
        sb_log(node, SB_LOG_DEBUG, "[%s] on %s", sb_node_id(node), sb_gpu_device_of(gpu)->name);
    }
    return failed;
}

void gpu_node_close(struct sb_node *node, struct gpu_effects *effects)
{
    if (effects->gpu == NULL) {
        return;
    }
    const struct sb_gpu_device *device = sb_gpu_device_of(effects->gpu);
    struct sb_gpu_counts counts = sb_gpu_counts_of(effects->gpu);
    sb_log(node, SB_LOG_INFO,
           "[%s] %" PRIu64 " batches, %" PRIu64 " mappings shown, %" PRIu64 " host copies, on %s",
           sb_node_id(node), counts.batches, counts.imports, counts.host_copies, device->name);
    sb_gpu_close(effects->gpu);
    effects->gpu = NULL;
}
