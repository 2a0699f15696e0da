/* SPDX-License-Identifier: Apache-2.0 */
/**
 * GPU: compute shaders on frames, through Vulkan. In libstreambroker-gpu, which only processors
 * that work on a GPU link.
 *
 * One batch of work on a frame:
 *   1. sb_gpu_begin().
 *   2. sb_gpu_read() for each frame and sb_gpu_write() for each buffer give spans: the very bytes
 *      of the frame, shown to the device. Where a device cannot be shown them, they are copied, and
 *      each such copy is counted.
 *   3. sb_gpu_dispatch() and sb_gpu_copy(), as often as needed: each sees what those before wrote.
 *   4. sb_gpu_finish() waits until the device is done. Only then publish: a frame that can be seen
 *      is complete, whatever happens to its producer.
 *
 * A device that is lost cannot be had back inside of one process: the library says so and ends the
 * program with SB_EXIT_RESTART.
 *
 * Threads: every call with the thread that called sb_gpu_open().
 */
#ifndef STREAMBROKER_GPU_H
#define STREAMBROKER_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <streambroker/error.h>
#include <streambroker/format.h>
#include <streambroker/frame.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SB_GPU_UUID_BYTES 16
#define SB_GPU_NAME_BYTES 256
#define SB_GPU_DEVICES_MAX 16
#define SB_GPU_SPANS_MAX 4     /**< of one dispatch */
#define SB_GPU_PUSH_BYTES 128  /**< of one dispatch */
#define SB_GPU_COMMANDS_MAX 32 /**< dispatches and copies of one batch */
#define SB_GPU_GROUP_SIZE 64   /**< local_size_x of every shader; y and z are 1 */

struct sb_node;
struct sb_gpu;
struct sb_gpu_kernel;
struct sb_gpu_block;

/** What a device says about itself. */
struct sb_gpu_device {
    char name[SB_GPU_NAME_BYTES];
    uint8_t device_uuid[SB_GPU_UUID_BYTES];
    uint8_t driver_uuid[SB_GPU_UUID_BYTES];
    uint32_t vendor;
    uint32_t device;
    bool is_software;        /**< the driver computes on the CPU */
    bool can_import_host;    /**< can be shown memory of frames */
    bool can_share_memory;   /**< exports and imports memory as OPAQUE_FD */
    bool has_timelines;      /**< has timeline semaphores */
    bool can_share_timeline; /**< exports and imports timeline semaphores as OPAQUE_FD */
};

/** How to open a device. All zero: the first device, hardware before software. */
struct sb_gpu_options {
    size_t struct_size;         /**< sizeof(struct sb_gpu_options) */
    const uint8_t *device_uuid; /**< this device and no other; NULL = the best one */
    bool is_hardware_wanted;    /**< a driver that computes on the CPU will not do */
    bool is_copying;            /**< never show frames to the device: copy them */
    const char *const
        *instance_extensions;             /**< beside the library's own; NULL-terminated or NULL */
    const char *const *device_extensions; /**< likewise */
    bool is_validated; /**< through Khronos' validation layer: a node fails when it
                                   complains, and its words go to stderr */
};

/** What happened since the device was opened. */
struct sb_gpu_counts {
    uint64_t batches;     /**< finished */
    uint64_t imports;     /**< mappings that were shown to the device */
    uint64_t host_copies; /**< frames and buffers that were copied because they could not be */
    uint64_t complaints;  /**< of the validation layer, warnings included */
};

/** A piece of memory that the device sees. Valid until the next sb_gpu_begin(). */
struct sb_gpu_span {
    struct sb_gpu_block *block; /**< the library's own */
    uint64_t offset_bytes;      /**< likewise */
    uint64_t size_bytes;
    void *host; /**< where the CPU sees the same bytes; NULL when it does not */
};

/** A compute shader. */
struct sb_gpu_shader {
    const uint32_t *words; /**< SPIR-V, entry point "main" */
    size_t size_bytes;
    uint32_t span_count; /**< storage buffers at set 0, binding 0 and on */
    uint32_t push_bytes; /**< of push constants, a multiple of 4 */
};

/** One run of a shader. */
struct sb_gpu_run {
    const struct sb_gpu_span *spans; /**< as many as the shader has */
    const void *push;                /**< push_bytes of the shader */
    uint64_t invocations;            /**< at least; see SB_GPU_GROUP_SIZE */
};

/**
 * Lists the devices of this machine, hardware before software.
 *
 * Thread:  any, but not two at once.
 * Returns: how many there are, out_devices has the first max_count of them; -ENODEV when there is
 *          none or no driver.
 */
SB_API int sb_gpu_list(struct sb_gpu_device *out_devices, size_t max_count);

/**
 * Opens a device. A node's frames can be shown to it from then on, and its errors are the node's.
 *
 * Owner:   out_gpu is the caller's: sb_gpu_close() in close(). node may be NULL.
 * Returns: 0; -ENODEV when there is no such device, -EIO when its driver fails.
 */
SB_API int sb_gpu_open(struct sb_node *node, const struct sb_gpu_options *options,
                       struct sb_gpu **out_gpu);

/** Closes a device and frees everything that was made on it. NULL is fine. */
SB_API void sb_gpu_close(struct sb_gpu *gpu);

/** Lives as long as the device is open. */
SB_API const struct sb_gpu_device *sb_gpu_device_of(const struct sb_gpu *gpu);
SB_API struct sb_gpu_counts sb_gpu_counts_of(const struct sb_gpu *gpu);

/**
 * Prepares a shader.
 *
 * Owner:   the words are read during the call; the kernel goes with the device.
 * Returns: 0; -EINVAL for counts above their limits; -EIO when the driver refuses it.
 */
SB_API int sb_gpu_kernel_make(struct sb_gpu *gpu, const struct sb_gpu_shader *shader,
                              struct sb_gpu_kernel **out_kernel);

/**
 * Makes memory of the device that the CPU sees too; it lives until sb_gpu_memory_free().
 *
 * Returns: 0; -ENOMEM; -EINVAL for a size of 0.
 */
SB_API int sb_gpu_memory_make(struct sb_gpu *gpu, uint64_t size_bytes,
                              struct sb_gpu_span *out_span);

/** Frees what sb_gpu_memory_make() gave. A span of nothing is fine. */
SB_API void sb_gpu_memory_free(struct sb_gpu *gpu, struct sb_gpu_span *span);

/** Memory of a device that comes from another process. */
struct sb_gpu_handle {
    int fd;
    uint64_t size_bytes;
    uint8_t device_uuid[SB_GPU_UUID_BYTES]; /**< of the device that made it */
    uint8_t driver_uuid[SB_GPU_UUID_BYTES];
    bool is_trusted; /**< the process that made it may do what this one may */
};

/**
 * Makes memory of the device that other processes can import.
 *
 * Owner:   the span goes with sb_gpu_memory_free(); out_fd is the caller's, and closed at an exec.
 *          The memory lives until everybody has given it up.
 * Returns: 0; -ENOTSUP when the device cannot share; -EINVAL for a size of 0; -ENOMEM; -EIO.
 */
SB_API int sb_gpu_export(struct sb_gpu *gpu, uint64_t size_bytes, struct sb_gpu_span *out_span,
                         int *out_fd);

/**
 * Shows memory that another process exported to the device.
 *
 * Owner:   handle->fd stays the caller's, also when the call fails. The span goes with
 *          sb_gpu_memory_free().
 * Returns: 0; -EXDEV for another device or driver; -EPERM for a peer that is not trusted, where the
 *          driver believes what is written in such memory; -EPROTO when the descriptor is not
 *          memory of that size, and no driver has seen it; -ENOTSUP, -EINVAL, -ENOMEM or -EIO.
 */
SB_API int sb_gpu_import(struct sb_gpu *gpu, const struct sb_gpu_handle *handle,
                         struct sb_gpu_span *out_span);

/** Begins a batch. Returns 0; -EBUSY when one has begun; -EIO. */
SB_API int sb_gpu_begin(struct sb_gpu *gpu);

/**
 * Shows a frame to the device, for reading: the kernel refuses writes.
 *
 * Owner:   the frame must be held until sb_gpu_finish().
 * Returns: 0; -EINVAL outside of a batch or for a frame that is not held; -ENOMEM.
 */
SB_API int sb_gpu_read(struct sb_gpu *gpu, const struct sb_frame *frame,
                       struct sb_gpu_span *out_span);

/**
 * Shows a claimed buffer to the device, for writing: size_bytes of it.
 *
 * Owner:   the buffer must be claimed until sb_gpu_finish().
 * Returns: as sb_gpu_read().
 */
SB_API int sb_gpu_write(struct sb_gpu *gpu, const struct sb_buffer *buffer,
                        struct sb_gpu_span *out_span);

/** Records one run of a shader. Returns 0; -EINVAL outside of a batch; -E2BIG for too many. */
SB_API int sb_gpu_dispatch(struct sb_gpu *gpu, const struct sb_gpu_kernel *kernel,
                           const struct sb_gpu_run *run);

/** Records a copy of the bytes that both spans have. Returns as sb_gpu_dispatch(). */
SB_API int sb_gpu_copy(struct sb_gpu *gpu, const struct sb_gpu_span *from,
                       const struct sb_gpu_span *to);

/**
 * Runs the batch and waits until the device is done. Does not return when the device is lost.
 *
 * Returns: 0; -EINVAL outside of a batch; -EIO when the driver refuses it. The batch is over.
 */
SB_API int sb_gpu_finish(struct sb_gpu *gpu);

/** A counter that work of the device sets when it is done: a timeline semaphore. */
struct sb_gpu_timeline;

/**
 * Makes a timeline at 0; where the device can, others can have it.
 *
 * Owner:   the caller's: sb_gpu_timeline_free(), or sb_gpu_close() does it.
 * Returns: 0; -ENOTSUP when the device has none; -ENOMEM; -EIO.
 */
SB_API int sb_gpu_timeline_make(struct sb_gpu *gpu, struct sb_gpu_timeline **out_timeline);

/** Frees a timeline; waits for a batch that may still set it. NULL is fine. */
SB_API void sb_gpu_timeline_free(struct sb_gpu *gpu, struct sb_gpu_timeline *timeline);

/**
 * Gives a timeline to another process, which can wait for it.
 *
 * Owner:   out_fd is the caller's, and closed at an exec.
 * Returns: 0; -ENOTSUP when the device cannot share any; -EIO.
 */
SB_API int sb_gpu_timeline_export(struct sb_gpu *gpu, const struct sb_gpu_timeline *timeline,
                                  int *out_fd);

/**
 * Takes a timeline of another process, to wait for. size_bytes of the handle is not looked at.
 *
 * Owner:   handle->fd stays the caller's, also when the call fails.
 * Returns: as sb_gpu_import().
 */
SB_API int sb_gpu_timeline_import(struct sb_gpu *gpu, const struct sb_gpu_handle *handle,
                                  struct sb_gpu_timeline **out_timeline);

/**
 * Runs the batch without waiting; the timeline has the value when it is done. The next
 * sb_gpu_begin() waits for it.
 *
 * Owner:   frames must be held and buffers claimed until the timeline has the value.
 * Returns: 0; -EINVAL outside of a batch, for a timeline of another process, or for a value that is
 *          not above those before; -ENOTSUP when a frame has to be copied back: finish it instead;
 *          -EIO.
 */
SB_API int sb_gpu_submit(struct sb_gpu *gpu, struct sb_gpu_timeline *timeline, uint64_t value);

/**
 * Waits until a timeline has a value. A process that died may never set it: always with a limit.
 *
 * Returns: 0; -ETIMEDOUT; -EIO. Does not return when the device is lost.
 */
SB_API int sb_gpu_timeline_wait(struct sb_gpu *gpu, const struct sb_gpu_timeline *timeline,
                                uint64_t value, uint64_t timeout_ns);

/** Drops the batch without running it. */
SB_API void sb_gpu_cancel(struct sb_gpu *gpu);

/**
 * Vulkan said VK_ERROR_DEVICE_LOST to a caller of its own. Tells the broker and ends the program
 * with SB_EXIT_RESTART; the library does the same where it hears of it.
 *
 * Returns: never.
 */
SB_API void sb_gpu_lost(const struct sb_gpu *gpu, const char *why) __attribute__((noreturn));

struct VkInstance_T;
struct VkPhysicalDevice_T;
struct VkDevice_T;
struct VkQueue_T;
struct VkBuffer_T;

/** The device as Vulkan calls it, for what this header does not do. */
struct sb_gpu_vulkan {
    struct VkInstance_T *instance; /**< a VkInstance, and so on */
    struct VkPhysicalDevice_T *physical;
    struct VkDevice_T *device;
    struct VkQueue_T *queue; /**< of family; not to be used inside of a batch */
    uint32_t family;
};

/** Lives as long as the device is open. */
SB_API struct sb_gpu_vulkan sb_gpu_vulkan_of(const struct sb_gpu *gpu);

/** The VkBuffer that a span is part of, from its offset_bytes on. As long as the span. */
SB_API struct VkBuffer_T *sb_gpu_vulkan_buffer(const struct sb_gpu_span *span);

/** A pixel format as others call it. */
struct sb_gpu_format {
    enum sb_pixel pixel;
    uint32_t vulkan; /**< VkFormat */
    uint32_t fourcc; /**< of the DRM, as in drm_fourcc.h */
};

/** A DRM format modifier that says: rows in order, one after the other. */
#define SB_GPU_MODIFIER_LINEAR UINT64_C(0)

/** The row of a pixel format; NULL when no GPU has it. Static, any thread. */
SB_API const struct sb_gpu_format *sb_gpu_format_of(enum sb_pixel pixel);
/** The pixel format of a fourcc, SB_PIXEL_NONE when we have none. Any thread. */
SB_API enum sb_pixel sb_gpu_pixel_of_fourcc(uint32_t fourcc);

#ifdef __cplusplus
}
#endif

#endif
