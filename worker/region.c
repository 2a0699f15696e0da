// SPDX-License-Identifier: Apache-2.0
// Where frames and buffers lie, for libraries that show their memory to a device.
#include "worker/region.h"

#include <errno.h>

#include <streambroker/memory.h>

#include "shm/segment.h"
#include "worker/input_link.h"

static bool is_inside(const struct mapping *mapping, const void *bytes)
{
    uintptr_t at = (uintptr_t)bytes;
    uintptr_t start = (uintptr_t)mapping->bytes;
    return mapping->bytes != NULL && at >= start && at - start < mapping->size_bytes;
}

static int give(const struct mapping *mapping, bool is_writable, bool is_on_device,
                struct sb_region *out_region)
{
    *out_region = (struct sb_region){.base = mapping->bytes,
                                     .size_bytes = mapping->size_bytes,
                                     .is_writable = is_writable,
                                     .is_on_device = is_on_device};
    return 0;
}

int sb_frame_region(const struct sb_frame *frame, struct sb_region *out_region)
{
    const struct input_link *link = frame->source;
    // What was given back may be another frame's place by now.
    if (link == NULL || !input_link_is_held(link, frame->lease)) {
        return -EINVAL;
    }
    for (const struct input_generation *generation = link->oldest; generation != NULL;
         generation = generation->newer) {
        if (is_inside(&generation->pool, frame->data)) {
            return give(&generation->pool, false, false, out_region);
        }
        if (is_inside(&generation->device, frame->data)) {
            return give(&generation->device, false, true, out_region);
        }
    }
    return -ENOENT;  // it came in its cell
}

int sb_buffer_region(const struct sb_buffer *buffer, struct sb_region *out_region)
{
    const struct sb_output *output = buffer->output;
    bool is_claimed = false;
    for (uint32_t i = 0; output != NULL && i < output->claim_max; i++) {
        is_claimed = is_claimed || (buffer->claim != 0 && output->claims[i].id == buffer->claim);
    }
    if (!is_claimed) {
        return -EINVAL;
    }
    if (output->now != NULL && is_inside(&output->now->memory, buffer->data)) {
        return give(&output->now->memory, true, false, out_region);
    }
    if (output->now != NULL && is_inside(&output->now->device, buffer->data)) {
        return give(&output->now->device, true, true, out_region);
    }
    return -ENOENT;
}

void sb_node_on_unmap(struct sb_node *node, void (*fn)(void *data, const void *base), void *data)
{
    node->on_unmap = fn;
    node->on_unmap_data = data;
}

void region_unmap(struct sb_node *node, struct mapping *mapping)
{
    if (mapping->bytes != NULL && node->on_unmap != NULL) {
        node->on_unmap(node->on_unmap_data, mapping->bytes);
    }
    segment_unmap(mapping->bytes, mapping->size_bytes);
    *mapping = (struct mapping){0};
}
