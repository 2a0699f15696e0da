// SPDX-License-Identifier: Apache-2.0
// Chooses, checks, gives and drops pools in memory of devices.
#include "broker/links/device_pool.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/graph/residency.h"
#include "broker/links/generation.h"
#include "broker/lives/cage.h"
#include "broker/lives/life.h"
#include "shm/device_handle.h"

static bool is_trusted(const struct actual_node *node)
{
    return !cage_is_wanted(node->wanted);
}

bool device_pool_may_send(const struct actual_node *node)
{
    return residency_is_granted(node->wanted);
}

// What names the device, and everything that tells how to look at its memory.
static bool is_same_device(const struct wire_device *a, const struct wire_device *b)
{
    return memcmp(a->device_uuid, b->device_uuid, sizeof a->device_uuid) == 0 &&
           memcmp(a->driver_uuid, b->driver_uuid, sizeof a->driver_uuid) == 0 &&
           a->vendor == b->vendor && a->is_software == b->is_software;
}

// What keeps the memory of a device from one end of a link.
static bool add_end(struct text *why, const struct actual_node *node)
{
    if (!node->gpu.is_known || !node->gpu.device.has_pools) {
        text_add_format(why, "%s shares no memory of a device", node->life.id);
    } else if (!device_pool_may_send(node)) {
        text_add_format(why, "%s is not granted a GPU", node->life.id);
    } else if (node->gpu.device.is_software && !is_trusted(node)) {
        text_add_format(why,
                        "%s is not trusted, and the driver of %s believes what is written in "
                        "memory that it shares",
                        node->life.id, node->gpu.device.name);
    } else {
        return false;
    }
    return true;
}

// What keeps the memory of a device from a link; nothing when it may have it.
static bool add_link(struct text *why, const struct generation *generation,
                     const struct actual_link *link)
{
    const struct actual_node *from = generation->output->node;
    const struct actual_node *to = link->to;
    if (link->wanted->found.memory != SB_MEMORY_GPU) {
        text_add_format(why, "%s works on the CPU", link->to_address);
    } else if (add_end(why, from) || add_end(why, to)) {
        return true;
    } else if (!is_same_device(&from->gpu.device, &to->gpu.device)) {
        text_add_format(why, "%s is on %s and %s on %s, which are two devices or drivers",
                        from->life.id, from->gpu.device.name, to->life.id, to->gpu.device.name);
    } else if (generation->link_count > 1 && !is_trusted(to)) {
        // The kernel has no read-only memory of a device.
        text_add_format(why, "%s is not trusted, and could write what other readers of %s read",
                        to->life.id, generation->output->address);
    } else {
        return false;
    }
    return true;
}

// What keeps it from the generation as a whole.
static bool add_refusal(struct text *why, const struct generation *generation)
{
    const struct actual_output *output = generation->output;
    if (generation->link_count == 0) {
        text_add(why, "nobody reads it");
        return true;
    }
    if (generation->carried_bytes != 0) {
        text_add_format(why, "%s carries it", actual_transport(output));
        return true;
    }
    for (size_t i = 0; i < generation->link_count; i++) {
        if (add_link(why, generation, generation->links[i].link)) {
            return true;
        }
    }
    if (output->choice.refusal[0] != '\0') {
        text_add(why, output->choice.refusal);
        return true;
    }
    return false;
}

uint64_t device_pool_bytes_of(const struct actual_node *node)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < node->output_count; i++) {
        const struct actual_output *output = node->outputs[i];
        for (size_t j = 0; j < output->generation_count; j++) {
            bytes += output->generations[j]->device.counted_bytes;
        }
    }
    return bytes;
}

static bool add_limit(struct text *why, const struct actual_node *node, uint64_t size_bytes)
{
    uint64_t limit = node->wanted->limits.gpu_memory;
    uint64_t has_bytes = device_pool_bytes_of(node);
    if (limit == 0 || limit == GRAPH_NONE_BYTES ||
        (has_bytes <= limit && size_bytes <= limit - has_bytes)) {
        return false;
    }
    char needed[32];
    char used[32];
    char allowed[32];
    units_format_size(size_bytes, needed, sizeof needed);
    units_format_size(has_bytes, used, sizeof used);
    units_format_size(limit, allowed, sizeof allowed);
    text_add_format(why, "%s needs %s of its device and has %s, and its limit gpu_memory is %s",
                    node->life.id, needed, used, allowed);
    return true;
}

static int plan(struct generation *generation, uint64_t payload_bytes)
{
    struct actual_output *output = generation->output;
    const struct actual_node *from = output->node;
    struct text why = TEXT_OVER(output->choice.why);
    generation->device = (struct device_pool){.fd = -1};
    output->choice.is_device = false;
    if (add_refusal(&why, generation)) {
        return 0;
    }
    uint64_t slot_bytes =
        (payload_bytes + WIRE_DEVICE_ALIGN - 1) / WIRE_DEVICE_ALIGN * WIRE_DEVICE_ALIGN;
    uint64_t size_bytes;
    if (slot_bytes == 0 ||
        __builtin_mul_overflow(slot_bytes, generation->plan.slot_count, &size_bytes) ||
        size_bytes > LIMIT_SEGMENT_BYTES_MAX) {
        text_add(&why, "its frames are too large");
        return 0;
    }
    if (add_limit(&why, from, size_bytes)) {
        log_line(LOG_WARNING, "%s: %s", output->address, output->choice.why);
        return from->wanted->gpu == GRAPH_GPU_REQUIRE ? -EDQUOT : 0;
    }
    text_add_format(&why, "%s and its readers are on %s", output->address, from->gpu.device.name);
    output->choice.is_device = true;
    generation->device = (struct device_pool){.slot_bytes = slot_bytes,
                                              .size_bytes = size_bytes,
                                              .device = from->gpu.device,
                                              .is_trusted = is_trusted(from),
                                              .counted_bytes = size_bytes,
                                              .fd = -1};
    return 0;
}

int device_pool_plan(struct generation *generation, uint64_t payload_bytes)
{
    const struct actual_output *output = generation->output;
    int failed = plan(generation, payload_bytes);
    log_line(LOG_DEBUG, "%s gets a %s pool: %s", output->address,
             output->choice.is_device ? "device" : "host", output->choice.why);
    return failed;
}

bool device_pool_is_owed(const struct device_pool *pool)
{
    return pool->slot_bytes != 0 && pool->fd < 0 && !pool->is_refused;
}

int device_pool_take(struct generation *generation, uint64_t size_bytes, int *fd,
                     const char **out_fault)
{
    struct device_pool *pool = &generation->device;
    if (pool->slot_bytes == 0 || pool->fd >= 0 || pool->is_refused) {
        *out_fault = "was not asked for";
        return -EPROTO;
    }
    if (size_bytes != pool->size_bytes) {
        *out_fault = "has another size than it was told";
        return -EPROTO;
    }
    enum device_handle_kind kind =
        device_handle_kind(pool->device.is_software, pool->device.vendor);
    const char *fault = device_handle_fault(kind, *fd, size_bytes);
    if (fault != NULL) {
        *out_fault = fault;
        return -EPROTO;
    }
    uint64_t real_bytes = device_handle_bytes(kind, *fd, size_bytes);
    // What a driver adds for itself is little; a file of any size is not what was asked for.
    if (real_bytes / 2 > size_bytes) {
        *out_fault = "is far larger than what was said";
        return -EPROTO;
    }
    pool->counted_bytes = real_bytes;
    pool->fd = steal_fd(fd);
    return 0;
}

void device_pool_send(struct broker *broker, const struct generation *generation,
                      const struct generation_link *pages)
{
    const struct device_pool *pool = &generation->device;
    if (pool->slot_bytes == 0 || pool->fd < 0) {
        return;
    }
    broker->outgoing->type = WIRE_DEVICE_LINK;
    broker->outgoing->device_link = (struct wire_device_link){.link_id = pages->link->id,
                                                              .generation = generation->number,
                                                              .size_bytes = pool->size_bytes,
                                                              .device = pool->device,
                                                              .is_trusted = pool->is_trusted};
    life_send(broker, pages->link->to, &pool->fd, 1);
}

void device_pool_drop(struct broker *broker, struct device_pool *pool)
{
    if (pool->fd >= 0) {
        memory_thread_close_fd(broker->memory, pool->fd);
        pool->fd = -1;
    }
}
