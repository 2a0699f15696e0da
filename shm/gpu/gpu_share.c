// SPDX-License-Identifier: Apache-2.0
// Memory of the device that goes to another process as a descriptor.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <streambroker/processor.h>

#include "shm/device_handle.h"
#include "shm/gpu/gpu_state.h"

#define HANDLE VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT

// Dedicated always: some drivers cannot share anything else, whatever they say of it.
static VkResult allocate(const struct sb_gpu *gpu, struct sb_gpu_block *block, const void *how)
{
    VkMemoryRequirements needs;
    uint32_t type;
    vkGetBufferMemoryRequirements(gpu->device, block->buffer, &needs);
    if (gpu_block_find_type(gpu, needs.memoryTypeBits, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
                            &type) != 0) {
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    }
    VkMemoryDedicatedAllocateInfo dedicated = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO,
        .pNext = how,
        .buffer = block->buffer,
    };
    VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                 .pNext = &dedicated,
                                 .allocationSize = needs.size,
                                 .memoryTypeIndex = type};
    VkResult result = vkAllocateMemory(gpu->device, &info, NULL, &block->memory);
    if (result != VK_SUCCESS) {
        return result;
    }
    VkMemoryPropertyFlags seen =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    result = vkBindBufferMemory(gpu->device, block->buffer, block->memory, 0);
    if (result == VK_SUCCESS && (gpu->memory.memoryTypes[type].propertyFlags & seen) == seen) {
        result = vkMapMemory(gpu->device, block->memory, 0, VK_WHOLE_SIZE, 0, &block->host);
    }
    return result;
}

int gpu_share_make(struct sb_gpu *gpu, uint64_t size_bytes, const void *region, const void *how,
                   struct sb_gpu_block **out_block)
{
    struct sb_gpu_block *block = gpu_block_new(gpu, size_bytes);
    if (block == NULL) {
        return -ENOMEM;
    }
    block->is_shared = true;
    block->region = region;
    VkResult result = gpu_block_make_buffer(gpu, block);
    result = result == VK_SUCCESS ? allocate(gpu, block, how) : result;
    if (result != VK_SUCCESS) {
        gpu_block_free(gpu, block);
        return gpu_device_error(result);
    }
    *out_block = block;
    return 0;
}

int gpu_share_export(struct sb_gpu *gpu, uint64_t size_bytes, const void *region,
                     struct sb_gpu_block **out_block, int *out_fd)
{
    if (size_bytes == 0) {
        return -EINVAL;
    }
    if (!gpu->info.can_share_memory || gpu->get_memory_fd == NULL) {
        return -ENOTSUP;
    }
    VkExportMemoryAllocateInfo how = {.sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
                                      .handleTypes = HANDLE};
    struct sb_gpu_block *block = NULL;
    int failed = gpu_share_make(gpu, size_bytes, region, &how, &block);
    if (failed != 0 || block == NULL) {
        return failed;
    }
    VkMemoryGetFdInfoKHR wanted = {.sType = VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR,
                                   .memory = block->memory,
                                   .handleType = HANDLE};
    int fd = -1;
    VkResult result = gpu->get_memory_fd(gpu->device, &wanted, &fd);
    // Drivers leave it open for every program that is started from here.
    if (result != VK_SUCCESS || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        gpu_block_free(gpu, block);
        return result == VK_SUCCESS ? -EIO : gpu_device_error(result);
    }
    *out_block = block;
    *out_fd = fd;
    return 0;
}

int sb_gpu_export(struct sb_gpu *gpu, uint64_t size_bytes, struct sb_gpu_span *out_span,
                  int *out_fd)
{
    struct sb_gpu_block *block = NULL;
    int failed = gpu_share_export(gpu, size_bytes, NULL, &block, out_fd);
    if (failed == 0) {
        *out_span =
            (struct sb_gpu_span){.block = block, .size_bytes = size_bytes, .host = block->host};
    }
    return failed;
}

static int refuse(const struct sb_gpu *gpu, int code, const char *why)
{
    if (gpu->node != NULL) {
        return sb_node_error(gpu->node, code, "the memory that came %s", why);
    }
    return code;
}

static bool is_same_file(int fd, const struct stat *of)
{
    struct stat info;
    return fstat(fd, &info) == 0 && info.st_dev == of->st_dev && info.st_ino == of->st_ino;
}

// An import that succeeds takes the descriptor. One that fails should not, but some drivers close
// it all the same, and then its number may be somebody else's.
static int import_copy(struct sb_gpu *gpu, int fd, uint64_t size_bytes, const void *region,
                       struct sb_gpu_block **out_block)
{
    struct stat info;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0 || fstat(copy, &info) != 0) {
        return -errno;
    }
    VkImportMemoryFdInfoKHR how = {
        .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR, .handleType = HANDLE, .fd = copy};
    int failed = gpu_share_make(gpu, size_bytes, region, &how, out_block);
    if (failed != 0 && is_same_file(copy, &info)) {
        close(copy);
    }
    return failed;
}

int gpu_share_import(struct sb_gpu *gpu, const struct sb_gpu_handle *handle, const void *region,
                     struct sb_gpu_block **out_block)
{
    const struct sb_gpu_device *device = &gpu->info;
    if (handle->size_bytes == 0) {
        return -EINVAL;
    }
    if (!device->can_share_memory) {
        return -ENOTSUP;
    }
    if (memcmp(handle->device_uuid, device->device_uuid, SB_GPU_UUID_BYTES) != 0 ||
        memcmp(handle->driver_uuid, device->driver_uuid, SB_GPU_UUID_BYTES) != 0) {
        return refuse(gpu, -EXDEV, "is of another device or driver");
    }
    if (device->is_software && !handle->is_trusted) {
        // Such a driver keeps its own notes in that memory, where the peer can change them.
        return refuse(gpu, -EPERM, "is of a peer that is not trusted, for a software driver");
    }
    enum device_handle_kind kind = device_handle_kind(device->is_software, device->vendor);
    const char *fault = device_handle_fault(kind, handle->fd, handle->size_bytes);
    if (fault != NULL) {
        return refuse(gpu, -EPROTO, fault);
    }
    struct sb_gpu_block *block = NULL;
    int failed = import_copy(gpu, handle->fd, handle->size_bytes, region, &block);
    if (failed != 0 || block == NULL) {
        return refuse(gpu, failed, "is refused by the driver");
    }
    *out_block = block;
    return 0;
}

int sb_gpu_import(struct sb_gpu *gpu, const struct sb_gpu_handle *handle,
                  struct sb_gpu_span *out_span)
{
    struct sb_gpu_block *block = NULL;
    int failed = gpu_share_import(gpu, handle, NULL, &block);
    if (failed == 0) {
        *out_span = (struct sb_gpu_span){
            .block = block, .size_bytes = handle->size_bytes, .host = block->host};
    }
    return failed;
}
