// SPDX-License-Identifier: Apache-2.0
// Counters of the device that tell, also other processes, how far its work has come.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/device_handle.h"
#include "shm/gpu/gpu_state.h"

#define HANDLE VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT

void gpu_timeline_load(struct sb_gpu *gpu)
{
    if (!gpu->info.has_timelines) {
        return;
    }
    gpu->wait_semaphores =
        (PFN_vkWaitSemaphoresKHR)vkGetDeviceProcAddr(gpu->device, "vkWaitSemaphoresKHR");
    gpu->get_semaphore_fd =
        (PFN_vkGetSemaphoreFdKHR)vkGetDeviceProcAddr(gpu->device, "vkGetSemaphoreFdKHR");
    gpu->import_semaphore_fd =
        (PFN_vkImportSemaphoreFdKHR)vkGetDeviceProcAddr(gpu->device, "vkImportSemaphoreFdKHR");
}

int sb_gpu_timeline_make(struct sb_gpu *gpu, struct sb_gpu_timeline **out_timeline)
{
    if (!gpu->info.has_timelines || gpu->wait_semaphores == NULL) {
        return -ENOTSUP;
    }
    struct sb_gpu_timeline *timeline = calloc(1, sizeof *timeline);
    if (timeline == NULL) {
        return -ENOMEM;
    }
    VkExportSemaphoreCreateInfo shared = {.sType = VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO,
                                          .handleTypes = HANDLE};
    VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                      .pNext = gpu->info.can_share_timeline ? &shared : NULL,
                                      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
    VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
    VkResult result = vkCreateSemaphore(gpu->device, &info, NULL, &timeline->semaphore);
    if (result != VK_SUCCESS) {
        free(timeline);
        return gpu_device_error(result);
    }
    timeline->next = gpu->timelines;
    gpu->timelines = timeline;
    *out_timeline = timeline;
    return 0;
}

void sb_gpu_timeline_free(struct sb_gpu *gpu, struct sb_gpu_timeline *timeline)
{
    struct sb_gpu_timeline **place = &gpu->timelines;
    while (*place != NULL && *place != timeline) {
        place = &(*place)->next;
    }
    if (timeline == NULL || *place == NULL) {
        return;
    }
    *place = timeline->next;
    // The device may still have to write it.
    (void)gpu_batch_settle(gpu);
    vkDestroySemaphore(gpu->device, timeline->semaphore, NULL);
    free(timeline);
}

int sb_gpu_timeline_export(struct sb_gpu *gpu, const struct sb_gpu_timeline *timeline, int *out_fd)
{
    if (!gpu->info.can_share_timeline || gpu->get_semaphore_fd == NULL) {
        return -ENOTSUP;
    }
    VkSemaphoreGetFdInfoKHR wanted = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_GET_FD_INFO_KHR,
                                      .semaphore = timeline->semaphore,
                                      .handleType = HANDLE};
    int fd = -1;
    VkResult result = gpu->get_semaphore_fd(gpu->device, &wanted, &fd);
    if (result != VK_SUCCESS) {
        return gpu_device_error(result);
    }
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        close(fd);
        return -EIO;
    }
    *out_fd = fd;
    return 0;
}

static VkResult import_copy(struct sb_gpu *gpu, struct sb_gpu_timeline *timeline, int fd)
{
    struct stat before;
    struct stat after;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0 || fstat(copy, &before) != 0) {
        return VK_ERROR_INVALID_EXTERNAL_HANDLE;
    }
    VkImportSemaphoreFdInfoKHR info = {.sType = VK_STRUCTURE_TYPE_IMPORT_SEMAPHORE_FD_INFO_KHR,
                                       .semaphore = timeline->semaphore,
                                       .handleType = HANDLE,
                                       .fd = copy};
    VkResult result = gpu->import_semaphore_fd(gpu->device, &info);
    // One that fails may have closed it all the same, and its number may be somebody else's now.
    if (result != VK_SUCCESS && fstat(copy, &after) == 0 && after.st_dev == before.st_dev &&
        after.st_ino == before.st_ino) {
        close(copy);
    }
    return result;
}

int sb_gpu_timeline_import(struct sb_gpu *gpu, const struct sb_gpu_handle *handle,
                           struct sb_gpu_timeline **out_timeline)
{
    const struct sb_gpu_device *device = &gpu->info;
    if (memcmp(handle->device_uuid, device->device_uuid, SB_GPU_UUID_BYTES) != 0 ||
        memcmp(handle->driver_uuid, device->driver_uuid, SB_GPU_UUID_BYTES) != 0) {
        return -EXDEV;
    }
    if (device->is_software && !handle->is_trusted) {
        return -EPERM;
    }
    enum device_handle_kind kind = device_handle_kind(device->is_software, device->vendor);
    if (device_handle_counter_fault(kind, handle->fd) != NULL) {
        return -EPROTO;
    }
    if (!device->can_share_timeline || gpu->import_semaphore_fd == NULL) {
        return -ENOTSUP;
    }
    struct sb_gpu_timeline *timeline;
    int failed = sb_gpu_timeline_make(gpu, &timeline);
    if (failed != 0) {
        return failed;
    }
    VkResult result = import_copy(gpu, timeline, handle->fd);
    if (result != VK_SUCCESS) {
        sb_gpu_timeline_free(gpu, timeline);
        return gpu_device_error(result);
    }
    timeline->is_imported = true;
    *out_timeline = timeline;
    return 0;
}

int sb_gpu_timeline_wait(struct sb_gpu *gpu, const struct sb_gpu_timeline *timeline, uint64_t value,
                         uint64_t timeout_ns)
{
    VkSemaphoreWaitInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                .semaphoreCount = 1,
                                .pSemaphores = &timeline->semaphore,
                                .pValues = &value};
    VkResult result = gpu->wait_semaphores(gpu->device, &info, timeout_ns);
    if (result == VK_ERROR_DEVICE_LOST) {
        sb_gpu_lost(gpu, "its driver says so");
    }
    return result == VK_TIMEOUT ? -ETIMEDOUT : gpu_device_error(result);
}
