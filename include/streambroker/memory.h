/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Memory: where the bytes of frames lie, for libraries that show them to a device.
 *
 * All frames of one link, and all buffers of one output, lie in one mapping at a time. A device
 * that has been shown the mapping can work on every frame in it without a copy. Mappings come and
 * go when a format changes, a link is resized or a peer is replaced; sb_node_on_unmap() tells
 * before one goes.
 */
#ifndef STREAMBROKER_MEMORY_H
#define STREAMBROKER_MEMORY_H

#include <stdbool.h>
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

#ifdef __cplusplus
}
#endif

#endif
