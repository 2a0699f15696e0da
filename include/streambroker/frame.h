/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Frames: one message of a stream, as a reader sees it and as a writer fills it.
 *
 * Life of a frame:
 *   1. A producer claims a buffer of an output: it lies in shared memory, nobody else sees it.
 *   2. It fills the bytes and the fields, then publishes: all consumers get the same bytes.
 *   3. A consumer takes it from an input and reads it in place, read-only by the kernel.
 *   4. It releases it; the library does so after a call-back unless the frame was held.
 *   5. When every consumer released it the producer uses the memory again.
 *
 * Threads: a frame or buffer belongs to the thread that runs the processor's calls.
 * The producer of a frame may be a program that nobody trusts: it can rewrite the bytes while they
 * are read. Read a length or an index once, check the copy, use the copy.
 */
#ifndef STREAMBROKER_FRAME_H
#define STREAMBROKER_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include <streambroker/error.h>
#include <streambroker/format.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sb_input;
struct sb_output;

/** Flags of a frame. */
enum sb_frame_flag {
    SB_FRAME_KEYFRAME = 1 << 0,      /**< can be decoded without earlier frames */
    SB_FRAME_DISCONTINUITY = 1 << 1, /**< does not follow on the one before */
    SB_FRAME_REDELIVERED = 1 << 2,   /**< was taken before by a worker that died */
    SB_FRAME_ON_DEVICE = 1 << 3      /**< data names memory of a device: only its library uses it */
};

/** A frame that was taken from an input. */
struct sb_frame {
    const void *data; /**< size_bytes bytes, aligned to 64; owned by the producer */
    uint64_t size_bytes;
    uint64_t seq;                   /**< of the link: from 1, without a gap */
    uint64_t number;                /**< the producer's frame number; may skip */
    int64_t pts_ns;                 /**< nanoseconds, CLOCK_MONOTONIC, of the first sample */
    int64_t duration_ns;            /**< nanoseconds, 0 = unknown */
    uint32_t flags;                 /**< enum sb_frame_flag */
    uint32_t attempt;               /**< 1, or more when redelivered */
    uint64_t trace_id;              /**< 0 = none; pass it on */
    uint64_t job_id;                /**< 0 = none; pass it on */
    struct sb_input *input;         /**< where it came from */
    const struct sb_format *format; /**< valid while the frame is held */
    uint64_t lease;                 /**< the library's own; do not change */
    void *source;                   /**< the library's own; do not change */
};

/** A buffer that was claimed from an output. */
struct sb_buffer {
    void *data;              /**< capacity_bytes, aligned to 64; yours until publish or abandon */
    uint64_t capacity_bytes; /**< size of the slot */
    uint64_t size_bytes;     /**< preset: what was asked for; at most capacity_bytes */
    uint64_t number;         /**< preset: of the frame being processed, else counted from 0 */
    int64_t pts_ns;          /**< preset: of the frame in work, of the tick, or now (is_timed: 0) */
    int64_t duration_ns;     /**< preset likewise, else 0 */
    uint32_t flags;          /**< preset: KEYFRAME for a new frame, else those of the input */
    uint32_t slot;           /**< the library's own; do not change */
    uint64_t trace_id;       /**< preset from the frame being processed */
    uint64_t job_id;         /**< preset likewise */
    struct sb_output *output; /**< where it goes */
    uint64_t claim;           /**< the library's own; do not change */
};

#ifdef __cplusplus
}
#endif

#endif
