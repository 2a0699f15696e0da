// SPDX-License-Identifier: Apache-2.0
// One batch of work: spans of frames, commands, and the wait for their end.
#include <errno.h>
#include <string.h>

#include <streambroker/memory.h>
#include <streambroker/processor.h>

#include "shm/gpu/gpu_state.h"

#define WORD 4
#define SLICE_NS UINT64_C(2000000000)
#define SLICES_MAX 10
#define GROUPS_MAX 65535

int sb_gpu_begin(struct sb_gpu *gpu)
{
    if (gpu->is_in_batch) {
        return -EBUSY;
    }
    int failed = gpu_batch_settle(gpu);
    if (failed != 0) {
        return failed;
    }
    VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                     .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    VkResult result = vkResetCommandPool(gpu->device, gpu->command_pool, 0);
    result =
        result == VK_SUCCESS ? vkResetDescriptorPool(gpu->device, gpu->descriptors, 0) : result;
    result = result == VK_SUCCESS ? vkBeginCommandBuffer(gpu->commands, &info) : result;
    if (result != VK_SUCCESS) {
        return gpu_device_error(result);
    }
    gpu->is_in_batch = true;
    gpu->command_count = 0;
    return 0;
}

// The bytes at a place of a mapping that the device sees. -ENOTSUP when it does not.
static int show(struct sb_gpu *gpu, const struct sb_region *region, const void *bytes,
                uint64_t size_bytes, struct sb_gpu_span *out_span)
{
    struct sb_gpu_block *block;
    uint64_t offset = (uint64_t)((uintptr_t)bytes - (uintptr_t)region->base);
    if (gpu->is_copying || offset % gpu->offset_align != 0) {
        return -ENOTSUP;
    }
    int failed = gpu_block_show(gpu, region, &block);
    if (failed == 0) {
        uint8_t *host = block->host;
        *out_span = (struct sb_gpu_span){.block = block,
                                         .offset_bytes = offset,
                                         .size_bytes = size_bytes,
                                         .host = host == NULL ? NULL : host + offset};
    }
    return failed;
}

static int stage(struct sb_gpu *gpu, uint64_t size_bytes, struct sb_gpu_span *out_span)
{
    struct sb_gpu_block *block;
    int failed = gpu_block_stage(gpu, size_bytes, &block);
    if (failed == 0) {
        *out_span =
            (struct sb_gpu_span){.block = block, .size_bytes = size_bytes, .host = block->host};
    }
    return failed;
}

int sb_gpu_read(struct sb_gpu *gpu, const struct sb_frame *frame, struct sb_gpu_span *out_span)
{
    struct sb_region region;
    int found = sb_frame_region(frame, &region);
    if (!gpu->is_in_batch || frame->size_bytes == 0 || found == -EINVAL) {
        return -EINVAL;
    }
    int failed =
        found == 0 ? show(gpu, &region, frame->data, frame->size_bytes, out_span) : -ENOTSUP;
    if (failed != -ENOTSUP || (found == 0 && region.is_on_device)) {
        return failed;
    }
    failed = stage(gpu, frame->size_bytes, out_span);
    if (failed == 0) {
        memcpy(out_span->host, frame->data, frame->size_bytes);
        gpu->counts.host_copies++;
    }
    return failed;
}

int sb_gpu_write(struct sb_gpu *gpu, const struct sb_buffer *buffer, struct sb_gpu_span *out_span)
{
    struct sb_region region;
    int found = sb_buffer_region(buffer, &region);
    if (!gpu->is_in_batch || buffer->size_bytes == 0 ||
        buffer->size_bytes > buffer->capacity_bytes || found == -EINVAL) {
        return -EINVAL;
    }
    int failed =
        found == 0 ? show(gpu, &region, buffer->data, buffer->size_bytes, out_span) : -ENOTSUP;
    if (failed != -ENOTSUP || (found == 0 && region.is_on_device)) {
        return failed;
    }
    failed = stage(gpu, buffer->size_bytes, out_span);
    if (failed == 0) {
        out_span->block->copy_back = buffer->data;
        out_span->block->copy_bytes = buffer->size_bytes;
        // What nobody reads is no frame.
        gpu->counts.host_copies += found == 0 ? 1 : 0;
    }
    return failed;
}

// Everything after it sees what everything before it wrote.
static void put_barrier(struct sb_gpu *gpu, VkPipelineStageFlags to, VkAccessFlags access)
{
    VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                               .srcAccessMask =
                                   VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
                               .dstAccessMask = access};
    vkCmdPipelineBarrier(gpu->commands,
                         VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT, to,
                         0, 1, &barrier, 0, NULL, 0, NULL);
}

static int begin_command(struct sb_gpu *gpu)
{
    if (!gpu->is_in_batch) {
        return -EINVAL;
    }
    if (gpu->command_count == SB_GPU_COMMANDS_MAX) {
        return -E2BIG;
    }
    if (gpu->command_count++ > 0) {
        put_barrier(gpu, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                    VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                        VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT);
    }
    return 0;
}

static VkResult bind_spans(struct sb_gpu *gpu, const struct sb_gpu_kernel *kernel,
                           const struct sb_gpu_span *spans)
{
    VkDescriptorBufferInfo buffers[SB_GPU_SPANS_MAX];
    VkWriteDescriptorSet writes[SB_GPU_SPANS_MAX];
    VkDescriptorSet set;
    VkDescriptorSetAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                        .descriptorPool = gpu->descriptors,
                                        .descriptorSetCount = 1,
                                        .pSetLayouts = &kernel->set_layout};
    VkResult result = vkAllocateDescriptorSets(gpu->device, &info, &set);
    if (result != VK_SUCCESS) {
        return result;
    }
    for (uint32_t i = 0; i < kernel->span_count; i++) {
        buffers[i] =
            (VkDescriptorBufferInfo){.buffer = spans[i].block->buffer,
                                     .offset = spans[i].offset_bytes,
                                     .range = (spans[i].size_bytes + WORD - 1) / WORD * WORD};
        writes[i] = (VkWriteDescriptorSet){.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                           .dstSet = set,
                                           .dstBinding = i,
                                           .descriptorCount = 1,
                                           .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                           .pBufferInfo = &buffers[i]};
    }
    vkUpdateDescriptorSets(gpu->device, kernel->span_count, writes, 0, NULL);
    vkCmdBindDescriptorSets(gpu->commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel->layout, 0, 1,
                            &set, 0, NULL);
    return VK_SUCCESS;
}

int sb_gpu_dispatch(struct sb_gpu *gpu, const struct sb_gpu_kernel *kernel,
                    const struct sb_gpu_run *run)
{
    uint64_t groups = (run->invocations + SB_GPU_GROUP_SIZE - 1) / SB_GPU_GROUP_SIZE;
    uint64_t columns = groups < GROUPS_MAX ? groups : GROUPS_MAX;
    uint64_t rows = columns == 0 ? 0 : (groups + columns - 1) / columns;
    if (groups == 0 || rows > GROUPS_MAX) {
        return -EINVAL;
    }
    for (uint32_t i = 0; i < kernel->span_count; i++) {
        if (run->spans[i].block == NULL) {
            return -EINVAL;
        }
    }
    int failed = begin_command(gpu);
    if (failed != 0) {
        return failed;
    }
    VkResult result = bind_spans(gpu, kernel, run->spans);
    if (result != VK_SUCCESS) {
        return gpu_device_error(result);
    }
    vkCmdBindPipeline(gpu->commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel->pipeline);
    if (kernel->push_bytes > 0) {
        vkCmdPushConstants(gpu->commands, kernel->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                           kernel->push_bytes, run->push);
    }
    vkCmdDispatch(gpu->commands, (uint32_t)columns, (uint32_t)rows, 1);
    return 0;
}

int sb_gpu_copy(struct sb_gpu *gpu, const struct sb_gpu_span *from, const struct sb_gpu_span *to)
{
    if (from->block == NULL || to->block == NULL) {
        return -EINVAL;
    }
    int failed = begin_command(gpu);
    if (failed != 0) {
        return failed;
    }
    VkBufferCopy copy = {
        .srcOffset = from->offset_bytes,
        .dstOffset = to->offset_bytes,
        .size = from->size_bytes < to->size_bytes ? from->size_bytes : to->size_bytes,
    };
    vkCmdCopyBuffer(gpu->commands, from->block->buffer, to->block->buffer, 1, &copy);
    return 0;
}

// Without a wait: the fence tells when it is done.
static VkResult submit(struct sb_gpu *gpu, const void *chain, const VkSemaphore *signals,
                       uint32_t signal_count)
{
    VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                         .pNext = chain,
                         .commandBufferCount = 1,
                         .pCommandBuffers = &gpu->commands,
                         .signalSemaphoreCount = signal_count,
                         .pSignalSemaphores = signals};
    put_barrier(gpu, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
    VkResult result = vkEndCommandBuffer(gpu->commands);
    result = result == VK_SUCCESS ? vkQueueSubmit(gpu->queue, 1, &info, gpu->fence) : result;
    gpu->is_pending = result == VK_SUCCESS;
    return result;
}

static VkResult wait_for_fence(struct sb_gpu *gpu)
{
    for (int slice = 0; slice < SLICES_MAX; slice++) {
        VkResult waited = vkWaitForFences(gpu->device, 1, &gpu->fence, VK_TRUE, SLICE_NS);
        if (waited != VK_TIMEOUT) {
            return waited == VK_SUCCESS ? vkResetFences(gpu->device, 1, &gpu->fence) : waited;
        }
    }
    return VK_TIMEOUT;
}

// Does not return when the device is lost.
static int end_batch(struct sb_gpu *gpu, VkResult result)
{
    if (result == VK_ERROR_DEVICE_LOST) {
        sb_gpu_lost(gpu, "its driver says so");
    } else if (result == VK_TIMEOUT) {
        sb_gpu_lost(gpu, "a batch did not end within 20 s");
    }
    gpu->is_pending = false;
    gpu_block_end_batch(gpu, result == VK_SUCCESS);
    gpu->counts.batches += result == VK_SUCCESS ? 1 : 0;
    if (gpu->node != NULL && gpu->counts.complaints > 0) {
        sb_node_fail_data(gpu->node, "the validation layer complains");
    }
    return gpu_device_error(result);
}

int gpu_batch_settle(struct sb_gpu *gpu)
{
    return gpu->is_pending ? end_batch(gpu, wait_for_fence(gpu)) : 0;
}

int sb_gpu_finish(struct sb_gpu *gpu)
{
    if (!gpu->is_in_batch) {
        return -EINVAL;
    }
    VkResult result = submit(gpu, NULL, NULL, 0);
    result = result == VK_SUCCESS ? wait_for_fence(gpu) : result;
    gpu->is_in_batch = false;
    return end_batch(gpu, result);
}

int sb_gpu_submit(struct sb_gpu *gpu, struct sb_gpu_timeline *timeline, uint64_t value)
{
    if (!gpu->is_in_batch || timeline->is_imported || value <= timeline->promised) {
        return -EINVAL;
    }
    if (gpu_block_has_copies(gpu)) {
        return -ENOTSUP;
    }
    VkTimelineSemaphoreSubmitInfo values = {.sType =
                                                VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                            .signalSemaphoreValueCount = 1,
                                            .pSignalSemaphoreValues = &value};
    VkResult result = submit(gpu, &values, &timeline->semaphore, 1);
    gpu->is_in_batch = false;
    if (result != VK_SUCCESS) {
        return end_batch(gpu, result);
    }
    timeline->promised = value;
    return 0;
}

void sb_gpu_cancel(struct sb_gpu *gpu)
{
    if (gpu->is_in_batch) {
        (void)vkEndCommandBuffer(gpu->commands);
        gpu->is_in_batch = false;
        gpu_block_end_batch(gpu, false);
    }
}
