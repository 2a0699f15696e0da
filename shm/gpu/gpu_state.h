// SPDX-License-Identifier: Apache-2.0
// An open device, and what the files of this folder share. Private to them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <vulkan/vulkan.h>

#include <streambroker/gpu.h>
#include <streambroker/memory.h>

// A buffer of the device on memory of its own, or on a mapping of frames that it was shown.
struct sb_gpu_block {
    struct sb_gpu_block *next;
    VkDeviceMemory memory;
    VkBuffer buffer;
    uint64_t size_bytes;
    void *host;
    bool is_shared;       // memory that other processes import, or that was imported
    const void *region;   // base of the mapping that it shows, NULL = memory of its own
    bool is_refused;      // the device does not take this mapping: its frames are copied
    bool is_staging;      // for copies of frames, one batch at a time
    bool is_busy;         // staging: has a frame of this batch
    void *copy_back;      // staging: where its bytes go when the batch is done, or NULL
    uint64_t copy_bytes;  // likewise
};

struct sb_gpu_kernel {
    struct sb_gpu_kernel *next;
    VkShaderModule module;
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
    VkPipeline pipeline;
    uint32_t span_count;
    uint32_t push_bytes;
};

// A timeline semaphore.
struct sb_gpu_timeline {
    struct sb_gpu_timeline *next;
    VkSemaphore semaphore;
    uint64_t promised;  // highest value that a batch of ours sets it to
    bool is_imported;   // another process sets it
};

struct sb_gpu {
    struct sb_node *node;  // borrowed, or NULL
    struct sb_gpu_device info;
    struct sb_gpu_counts counts;
    bool is_copying;
    bool is_in_batch;
    bool is_pending;  // a batch was submitted that nobody waited for yet
    uint32_t command_count;
    VkInstance instance;
    VkDebugUtilsMessengerEXT messenger;
    VkPhysicalDevice physical;
    VkPhysicalDeviceMemoryProperties memory;
    uint64_t host_align;    // of an imported pointer, 0 = cannot
    uint64_t offset_align;  // of a storage buffer's offset
    uint32_t family;
    VkDevice device;
    VkQueue queue;
    VkCommandPool command_pool;
    VkCommandBuffer commands;
    VkDescriptorPool descriptors;
    VkFence fence;
    PFN_vkGetMemoryHostPointerPropertiesEXT get_host_pointer;
    PFN_vkGetMemoryFdKHR get_memory_fd;
    PFN_vkWaitSemaphoresKHR wait_semaphores;
    PFN_vkGetSemaphoreFdKHR get_semaphore_fd;
    PFN_vkImportSemaphoreFdKHR import_semaphore_fd;
    struct sb_gpu_block *blocks;        // owned
    struct sb_gpu_kernel *kernels;      // owned
    struct sb_gpu_timeline *timelines;  // owned
};

// -EIO, -ENOMEM or -ENODEV, by what a driver answered.
int gpu_device_error(VkResult result);

// A block of nothing, in the list. NULL without memory.
struct sb_gpu_block *gpu_block_new(struct sb_gpu *gpu, uint64_t size_bytes);
// Its buffer, on memory that is still to come.
VkResult gpu_block_make_buffer(const struct sb_gpu *gpu, struct sb_gpu_block *block);
// The first memory type that is allowed and has the properties. -ENOTSUP when there is none.
int gpu_block_find_type(const struct sb_gpu *gpu, uint32_t allowed, VkMemoryPropertyFlags wanted,
                        uint32_t *out_type);

// Makes a buffer of the device's own memory that the CPU sees. Returns 0 or -ENOMEM, -EIO.
int gpu_block_make(struct sb_gpu *gpu, uint64_t size_bytes, struct sb_gpu_block **out_block);
// Frees a block and takes it out of the list.
void gpu_block_free(struct sb_gpu *gpu, struct sb_gpu_block *block);
// The block that shows a mapping; made when there is none. -ENOTSUP when the device refuses it.
int gpu_block_show(struct sb_gpu *gpu, const struct sb_region *region,
                   struct sb_gpu_block **out_block);
// The mapping goes.
void gpu_block_forget(void *gpu, const void *base);
// A staging block of at least that size, busy until gpu_block_end_batch().
int gpu_block_stage(struct sb_gpu *gpu, uint64_t size_bytes, struct sb_gpu_block **out_block);
// Copies back what has to be, and frees the staging blocks for the next batch.
void gpu_block_end_batch(struct sb_gpu *gpu, bool is_done);

// Memory of a device for another process, under a name that frames of this one have; NULL for none.
// How is a VkExportMemoryAllocateInfo or a VkImportMemoryFdInfoKHR. Returns 0 or a negative errno.
int gpu_share_make(struct sb_gpu *gpu, uint64_t size_bytes, const void *region, const void *how,
                   struct sb_gpu_block **out_block);
// As sb_gpu_export() and sb_gpu_import(), with such a name.
int gpu_share_export(struct sb_gpu *gpu, uint64_t size_bytes, const void *region,
                     struct sb_gpu_block **out_block, int *out_fd);
int gpu_share_import(struct sb_gpu *gpu, const struct sb_gpu_handle *handle, const void *region,
                     struct sb_gpu_block **out_block);

// What the broker is told of the device for its pools, and how they are made and shown.
void gpu_pool_fill(struct sb_gpu *gpu, struct sb_node_device *device);

// Whether frames of this batch have to be copied back by the CPU when it is done.
bool gpu_block_has_copies(const struct sb_gpu *gpu);

// Waits for a batch that was submitted and not waited for. Returns 0 or a negative errno.
int gpu_batch_settle(struct sb_gpu *gpu);

// Finds the calls for timelines of an open device.
void gpu_timeline_load(struct sb_gpu *gpu);

// Frees every kernel.
void gpu_kernel_drop_all(struct sb_gpu *gpu);
