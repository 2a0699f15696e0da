/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Memory: where the bytes of frames lie, for libraries that show them to a device.
 *
 * All frames of one link, and all buffers of one output, lie in one mapping at a time. A device
 * that has been shown the mapping can work on every frame in it without a copy. Mappings come and
 * go when a format changes, a link is resized or a peer is replaced; sb_node_on_unmap() tells
 * before one goes. Who works on a device says which one, and says so when it is lost.
 *
 * Where both ends of a link are on one device, frames may lie in memory of that device instead:
 *   1. sb_node_set_device() in open() says which device, and how its memory is made and shown.
 *   2. The producer's make_pool() makes such memory; it travels as one descriptor, which the broker
 *      looks at.
 *   3. The consumer's show_pool() shows it to its device. Only then does the first frame go out;
 *      when either of the two fails, the frames of the link lie in memory of the broker's instead.
 * The address of such a frame is a name and nothing else: nobody can read or write there.
 */
#ifndef STREAMBROKER_MEMORY_H
#define STREAMBROKER_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <streambroker/error.h>
#include <streambroker/frame.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sb_node;

/** One mapping that frames lie in. */
struct sb_region {
    const void *base;    /**< first byte, at the start of a page */
    uint64_t size_bytes; /**< whole pages */
    bool is_writable;    /**< false: the kernel refuses every write through it, also by a device */
    bool is_on_device;   /**< memory of a device, by the name that its library was told */
};

/**
 * The mapping that a frame lies in.
 *
 * Owner:   the library; it stays until the call-back of sb_node_on_unmap() was called for it.
 * Returns: 0; -ENOENT for a small frame, which may lie elsewhere; -EINVAL when the frame was not
 *          taken from an input.
 */
SB_API int sb_frame_region(const struct sb_frame *frame, struct sb_region *out_region);

/**
 * The mapping that a claimed buffer lies in.
 *
 * Owner:   likewise.
 * Returns: 0; -ENOENT when the output has no link, so that the buffer is ordinary memory; -EINVAL
 *          when it is not claimed.
 */
SB_API int sb_buffer_region(const struct sb_buffer *buffer, struct sb_region *out_region);

/**
 * Sets what is called before a mapping goes away: forget everything that refers to it.
 *
 * Owner:   data is the caller's and goes to the call-back unchanged; a fn of NULL ends it.
 * Thread:  fn runs on the thread of the call-backs.
 */
SB_API void sb_node_on_unmap(struct sb_node *node, void (*fn)(void *data, const void *base),
                             void *data);

#define SB_DEVICE_UUID_BYTES 16
#define SB_DEVICE_NAME_BYTES 256

/** Memory of a device that another process made. */
struct sb_device_pool {
    const void *base; /**< the name of its first byte in this process */
    uint64_t size_bytes;
    int fd;                                    /**< borrowed for the call */
    uint8_t device_uuid[SB_DEVICE_UUID_BYTES]; /**< of the device that made it */
    uint8_t driver_uuid[SB_DEVICE_UUID_BYTES];
    bool is_trusted; /**< the process that made it may do what this one may */
};

/** The device that a node's frames are worked on, and what its library does for them. */
struct sb_node_device {
    size_t struct_size;                        /**< sizeof(struct sb_node_device) */
    uint8_t device_uuid[SB_DEVICE_UUID_BYTES]; /**< as Vulkan has it */
    uint8_t driver_uuid[SB_DEVICE_UUID_BYTES]; /**< likewise */
    char name[SB_DEVICE_NAME_BYTES];           /**< for people */
    uint32_t vendor;                           /**< of PCI */
    bool is_software;                          /**< its driver computes on the CPU */
    bool has_timelines; /**< it shares timeline semaphores with other processes */
    void *data;         /**< the library's own, for the two calls; both or none of them: */
    /** Makes memory that other processes can be shown; from then on base names it. Returns 0 and a
     *  descriptor that is the caller's, or a negative errno. */
    int (*make_pool)(void *data, const void *base, uint64_t size_bytes, int *out_fd);
    /** Shows memory to the device; from then on pool->base names it. Returns 0 or an errno. */
    int (*show_pool)(void *data, const struct sb_device_pool *pool);
};

/**
 * Tells the broker which device this node works on, so that it knows who is concerned when that
 * device is lost, and whose frames can lie in memory of it. In open() or later; what was told last
 * counts. sb_node_on_unmap() tells when memory goes that make_pool() or show_pool() named.
 *
 * Owner:   device is copied. NULL when its library closes it: no call of it is made any more.
 * Thread:  that of the call-backs; so are make_pool() and show_pool().
 * Returns: 0; -EINVAL for another struct_size; -EPIPE when the broker is gone.
 */
SB_API int sb_node_set_device(struct sb_node *node, const struct sb_node_device *device);

/**
 * The device is lost, and this process cannot have it back: tells the broker why, and ends the
 * program at once with SB_EXIT_RESTART. Nothing is closed: that can hang in a driver.
 *
 * Thread:  that of the call-backs.
 * Returns: never.
 */
SB_API void sb_node_lose_device(struct sb_node *node, const char *why) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif

#endif
