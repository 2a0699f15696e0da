// SPDX-License-Identifier: Apache-2.0
// Makes and shows memory of devices, through the library that the processor has opened one with.
#include "worker/device_memory.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "shm/futex.h"
#include "worker/node_log.h"
#include "worker/region.h"
#include "worker/uplink.h"

// Addresses that are nobody's: whoever reads or writes there is ended by the kernel.
static int reserve(uint64_t size_bytes, struct mapping *out_names)
{
    void *bytes =
        mmap(NULL, size_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED) {
        return -errno;
    }
    *out_names = (struct mapping){bytes, size_bytes};
    return 0;
}

static int send_refusal(struct sb_node *node, uint32_t link_id, const char *output,
                        uint32_t generation, int code)
{
    struct wire_device_refused *refused = &uplink_begin(node, WIRE_DEVICE_REFUSED)->device_refused;
    refused->link_id = link_id;
    refused->generation = generation;
    text_copy(refused->output, sizeof refused->output, output);
    text_copy(refused->text, sizeof refused->text, node_log_error_text(node, code));
    return uplink_send(node);
}

static int make_pool(struct sb_node *node, uint64_t size_bytes, struct mapping *out_names,
                     int *out_fd)
{
    node->error[0] = '\0';
    if (node->device.make_pool == NULL) {
        return sb_node_error(node, -ENODEV, "it has no device open");
    }
    struct mapping names;
    int failed = reserve(size_bytes, &names);
    if (failed != 0) {
        return failed;
    }
    failed = node->device.make_pool(node->device.data, names.bytes, size_bytes, out_fd);
    if (failed != 0) {
        region_unmap(node, &names);
        return failed;
    }
    *out_names = names;
    return 0;
}

int device_memory_make(struct sb_output *output, struct output_generation *generation,
                       const struct wire_memory *memory)
{
    struct sb_node *node = output->node;
    auto_fd int fd = -1;
    uint64_t size_bytes = memory->device_slot_bytes * memory->slot_count;
    generation->device_slot_bytes = memory->device_slot_bytes;
    int failed = make_pool(node, size_bytes, &generation->device, &fd);
    if (failed != 0) {
        return send_refusal(node, 0, output->name, generation->number, failed);
    }
    struct wire_device_pool *pool = &uplink_begin(node, WIRE_DEVICE_POOL)->device_pool;
    pool->serial = memory->serial;
    pool->size_bytes = size_bytes;
    return uplink_send_fd(node, fd);
}

int device_memory_loan(const struct output_generation *generation, uint32_t slot, void **out_data)
{
    if (generation->device.bytes == NULL) {
        return -EAGAIN;
    }
    *out_data = device_memory_payload(&generation->device, generation->device_slot_bytes, slot);
    return 0;
}

static int show_pool(struct sb_node *node, const struct wire_device_link *message, int fd,
                     struct mapping *out_names)
{
    node->error[0] = '\0';
    if (node->device.show_pool == NULL) {
        return sb_node_error(node, -ENODEV, "it has no device open");
    }
    struct mapping names;
    int failed = reserve(message->size_bytes, &names);
    if (failed != 0) {
        return failed;
    }
    struct sb_device_pool pool = {.base = names.bytes,
                                  .size_bytes = message->size_bytes,
                                  .fd = fd,
                                  .is_trusted = message->is_trusted};
    memcpy(pool.device_uuid, message->device.device_uuid, sizeof pool.device_uuid);
    memcpy(pool.driver_uuid, message->device.driver_uuid, sizeof pool.driver_uuid);
    failed = node->device.show_pool(node->device.data, &pool);
    if (failed != 0) {
        region_unmap(node, &names);
        return failed;
    }
    *out_names = names;
    return 0;
}

int device_memory_add(struct input_link *link, const struct wire_device_link *message, int fd)
{
    auto_fd int device_fd = fd;
    struct sb_node *node = link->input->node;
    region_unmap(node, &link->pending_device);
    int failed = show_pool(node, message, device_fd, &link->pending_device);
    if (failed != 0) {
        return send_refusal(node, message->link_id, "", message->generation, failed);
    }
    link->pending_device_generation = message->generation;
    return 0;
}

void device_memory_adopt(struct input_link *link, struct input_generation *generation)
{
    uint64_t slot_bytes = generation->link.device_slot_bytes;
    bool is_meant = slot_bytes > 0 && link->pending_device.bytes != NULL &&
                    link->pending_device_generation == generation->number &&
                    link->pending_device.size_bytes / slot_bytes >= generation->link.slot_count;
    if (!is_meant) {
        region_unmap(link->input->node, &link->pending_device);
        return;
    }
    generation->device = link->pending_device;
    link->pending_device = (struct mapping){0};
    struct consume_page *page = (struct consume_page *)(uintptr_t)generation->consume.bytes;
    atomic_store_explicit(&page->attached, 1, memory_order_release);
    futex_bump_and_wake(&page->space_word);
}
