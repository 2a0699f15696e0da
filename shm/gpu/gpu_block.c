// SPDX-License-Identifier: Apache-2.0
// Memory that the device sees: its own, mappings of frames that it was shown, and staging copies.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <streambroker/memory.h>

#include "shm/gpu/gpu_state.h"

#define USAGE                                                                                      \
    (VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |                       \
     VK_BUFFER_USAGE_TRANSFER_DST_BIT)
#define HOST_HANDLE VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT
#define WORD 4

int gpu_block_find_type(const struct sb_gpu *gpu, uint32_t allowed, VkMemoryPropertyFlags wanted,
                        uint32_t *out_type)
{
    for (uint32_t i = 0; i < gpu->memory.memoryTypeCount; i++) {
        bool has_all = (gpu->memory.memoryTypes[i].propertyFlags & wanted) == wanted;
        if ((allowed >> i & 1) != 0 && has_all) {
            *out_type = i;
            return 0;
        }
    }
    return -ENOTSUP;
}

VkResult gpu_block_make_buffer(const struct sb_gpu *gpu, struct sb_gpu_block *block)
{
    VkExternalMemoryBufferCreateInfo external = {
        .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
        .handleTypes =
            block->is_shared ? VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT : HOST_HANDLE};
    VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                               .pNext =
                                   block->is_shared || block->region != NULL ? &external : NULL,
                               .size = block->size_bytes,
                               .usage = USAGE,
                               .sharingMode = VK_SHARING_MODE_EXCLUSIVE};
    return vkCreateBuffer(gpu->device, &info, NULL, &block->buffer);
}

struct sb_gpu_block *gpu_block_new(struct sb_gpu *gpu, uint64_t size_bytes)
{
    struct sb_gpu_block *block = calloc(1, sizeof *block);
    if (block != NULL) {
        block->size_bytes = (size_bytes + WORD - 1) / WORD * WORD;
        block->next = gpu->blocks;
        gpu->blocks = block;
    }
    return block;
}

// Gives back what the device has of a block.
static void release(const struct sb_gpu *gpu, struct sb_gpu_block *block)
{
    vkDestroyBuffer(gpu->device, block->buffer, NULL);
    vkFreeMemory(gpu->device, block->memory, NULL);
    block->buffer = VK_NULL_HANDLE;
    block->memory = VK_NULL_HANDLE;
    block->host = NULL;
}

void gpu_block_free(struct sb_gpu *gpu, struct sb_gpu_block *block)
{
    // A batch that nobody waited for may work on it.
    (void)gpu_batch_settle(gpu);
    struct sb_gpu_block **place = &gpu->blocks;
    while (*place != NULL && *place != block) {
        place = &(*place)->next;
    }
    if (*place != NULL) {
        *place = block->next;
        release(gpu, block);
        free(block);
    }
}

static VkResult allocate_own(const struct sb_gpu *gpu, struct sb_gpu_block *block)
{
    VkMemoryRequirements needs;
    VkMemoryPropertyFlags seen =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    uint32_t type;
    vkGetBufferMemoryRequirements(gpu->device, block->buffer, &needs);
    // Memory that the CPU reads without a cache is slow; every driver has some that is coherent.
    if (gpu_block_find_type(gpu, needs.memoryTypeBits, seen | VK_MEMORY_PROPERTY_HOST_CACHED_BIT,
                            &type) != 0 &&
        gpu_block_find_type(gpu, needs.memoryTypeBits, seen, &type) != 0) {
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    }
    VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                 .allocationSize = needs.size,
                                 .memoryTypeIndex = type};
    VkResult result = vkAllocateMemory(gpu->device, &info, NULL, &block->memory);
    result = result == VK_SUCCESS ? vkBindBufferMemory(gpu->device, block->buffer, block->memory, 0)
                                  : result;
    return result == VK_SUCCESS
               ? vkMapMemory(gpu->device, block->memory, 0, VK_WHOLE_SIZE, 0, &block->host)
               : result;
}

int gpu_block_make(struct sb_gpu *gpu, uint64_t size_bytes, struct sb_gpu_block **out_block)
{
    struct sb_gpu_block *block = gpu_block_new(gpu, size_bytes);
    if (block == NULL) {
        return -ENOMEM;
    }
    VkResult result = gpu_block_make_buffer(gpu, block);
    result = result == VK_SUCCESS ? allocate_own(gpu, block) : result;
    if (result != VK_SUCCESS) {
        gpu_block_free(gpu, block);
        return gpu_device_error(result);
    }
    *out_block = block;
    return 0;
}

// Shows the mapping of a block to the device. No driver checks the pointer, so we do.
static VkResult import(const struct sb_gpu *gpu, struct sb_gpu_block *block)
{
    void *pointer = (void *)(uintptr_t)block->region;
    if (gpu->host_align == 0 || (uintptr_t)pointer % gpu->host_align != 0 ||
        block->size_bytes % gpu->host_align != 0 || gpu->get_host_pointer == NULL) {
        return VK_ERROR_INVALID_EXTERNAL_HANDLE;
    }
    VkMemoryHostPointerPropertiesEXT found = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
    VkResult result = gpu->get_host_pointer(gpu->device, HOST_HANDLE, pointer, &found);
    result = result == VK_SUCCESS ? gpu_block_make_buffer(gpu, block) : result;
    if (result != VK_SUCCESS) {
        return result;
    }
    VkMemoryRequirements needs;
    uint32_t type;
    vkGetBufferMemoryRequirements(gpu->device, block->buffer, &needs);
    if (needs.size > block->size_bytes ||
        gpu_block_find_type(gpu, needs.memoryTypeBits & found.memoryTypeBits, 0, &type) != 0) {
        return VK_ERROR_INVALID_EXTERNAL_HANDLE;
    }
    VkImportMemoryHostPointerInfoEXT pages = {
        .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
        .handleType = HOST_HANDLE,
        .pHostPointer = pointer,
    };
    VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                 .pNext = &pages,
                                 .allocationSize = block->size_bytes,
                                 .memoryTypeIndex = type};
    result = vkAllocateMemory(gpu->device, &info, NULL, &block->memory);
    return result == VK_SUCCESS ? vkBindBufferMemory(gpu->device, block->buffer, block->memory, 0)
                                : result;
}

int gpu_block_show(struct sb_gpu *gpu, const struct sb_region *region,
                   struct sb_gpu_block **out_block)
{
    struct sb_gpu_block *block = gpu->blocks;
    while (block != NULL && block->region != region->base) {
        block = block->next;
    }
    if (block == NULL && region->is_on_device) {
        return -ENOTSUP;  // its device was closed, or it is another one's
    }
    if (block == NULL) {
        block = gpu_block_new(gpu, region->size_bytes);
        if (block == NULL) {
            return -ENOMEM;
        }
        block->region = region->base;
        // What a device refuses once it is not asked again: the next frames are copied at once.
        block->is_refused = import(gpu, block) != VK_SUCCESS;
        if (block->is_refused) {
            release(gpu, block);
        } else {
            block->host = (void *)(uintptr_t)region->base;
            gpu->counts.imports++;
        }
    }
    if (block->is_refused) {
        return -ENOTSUP;
    }
    *out_block = block;
    return 0;
}

void gpu_block_forget(void *gpu, const void *base)
{
    struct sb_gpu *device = gpu;
    for (struct sb_gpu_block *block = device->blocks; block != NULL; block = block->next) {
        if (block->region == base) {
            gpu_block_free(device, block);
            return;
        }
    }
}

int gpu_block_stage(struct sb_gpu *gpu, uint64_t size_bytes, struct sb_gpu_block **out_block)
{
    struct sb_gpu_block *block = gpu->blocks;
    while (block != NULL &&
           (!block->is_staging || block->is_busy || block->size_bytes < size_bytes)) {
        block = block->next;
    }
    int failed = block == NULL ? gpu_block_make(gpu, size_bytes, &block) : 0;
    if (failed == 0 && block != NULL) {
        block->is_staging = true;
        block->is_busy = true;
        *out_block = block;
    }
    return failed;
}

bool gpu_block_has_copies(const struct sb_gpu *gpu)
{
    for (const struct sb_gpu_block *block = gpu->blocks; block != NULL; block = block->next) {
        if (block->copy_back != NULL) {
            return true;
        }
    }
    return false;
}

void gpu_block_end_batch(struct sb_gpu *gpu, bool is_done)
{
    for (struct sb_gpu_block *block = gpu->blocks; block != NULL; block = block->next) {
        if (is_done && block->copy_back != NULL) {
            memcpy(block->copy_back, block->host, block->copy_bytes);
        }
        block->copy_back = NULL;
        block->is_busy = false;
    }
}

int sb_gpu_memory_make(struct sb_gpu *gpu, uint64_t size_bytes, struct sb_gpu_span *out_span)
{
    if (size_bytes == 0) {
        return -EINVAL;
    }
    struct sb_gpu_block *block = NULL;
    int failed = gpu_block_make(gpu, size_bytes, &block);
    if (failed == 0 && block != NULL) {
        *out_span =
            (struct sb_gpu_span){.block = block, .size_bytes = size_bytes, .host = block->host};
    }
    return failed;
}

void sb_gpu_memory_free(struct sb_gpu *gpu, struct sb_gpu_span *span)
{
    if (span->block != NULL) {
        gpu_block_free(gpu, span->block);
        *span = (struct sb_gpu_span){0};
    }
}
