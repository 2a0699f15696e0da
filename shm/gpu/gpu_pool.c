// SPDX-License-Identifier: Apache-2.0
// Pools of links in memory of the device.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <streambroker/memory.h>
#include <streambroker/processor.h>

#include "shm/gpu/gpu_state.h"

static int make_pool(void *data, const void *base, uint64_t size_bytes, int *out_fd)
{
    struct sb_gpu *gpu = data;
    struct sb_gpu_block *block;
    int failed = gpu_share_export(gpu, size_bytes, base, &block, out_fd);
    if (failed != 0) {
        return sb_node_error(gpu->node, failed, "%s cannot make %llu bytes for others: %s",
                             gpu->info.name, (unsigned long long)size_bytes, sb_error_text(failed));
    }
    gpu->counts.imports++;
    return 0;
}

static int show_pool(void *data, const struct sb_device_pool *pool)
{
    struct sb_gpu *gpu = data;
    struct sb_gpu_block *block;
    struct sb_gpu_handle handle = {
        .fd = pool->fd, .size_bytes = pool->size_bytes, .is_trusted = pool->is_trusted};
    memcpy(handle.device_uuid, pool->device_uuid, sizeof handle.device_uuid);
    memcpy(handle.driver_uuid, pool->driver_uuid, sizeof handle.driver_uuid);
    int failed = gpu_share_import(gpu, &handle, pool->base, &block);
    gpu->counts.imports += failed == 0 ? 1 : 0;
    return failed;
}

void gpu_pool_fill(struct sb_gpu *gpu, struct sb_node_device *device)
{
    device->vendor = gpu->info.vendor;
    device->is_software = gpu->info.is_software;
    device->has_timelines = gpu->info.can_share_timeline;
    snprintf(device->name, sizeof device->name, "%s", gpu->info.name);
    if (gpu->info.can_share_memory && !gpu->is_copying) {
        device->data = gpu;
        device->make_pool = make_pool;
        device->show_pool = show_pool;
    }
}
