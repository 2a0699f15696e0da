// SPDX-License-Identifier: Apache-2.0
// What a frame is, beside its bytes: the user header of the chunks that iceoryx-export publishes.
//
// docs/iceoryx.md describes it for programs that are not ours: every field has its place for good,
// a new one comes after the last and makes size_bytes larger. All are in the machine's byte order.
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <streambroker/streambroker.h>

#define USER_HEADER_MAGIC UINT32_C(0x52464253)  // "SBFR" in memory
#define USER_HEADER_VERSION 1
#define USER_HEADER_BYTES 200
#define USER_HEADER_ALIGNMENT 8
#define USER_HEADER_WORDS 10

struct user_header {
    uint32_t magic;
    uint16_t version;
    uint16_t size_bytes;  // of this header
    uint64_t number;      // the producer's frame number
    uint64_t seq;         // of the link into iceoryx-export
    int64_t pts_ns;       // CLOCK_MONOTONIC of this machine
    int64_t duration_ns;  // 0 = unknown
    uint64_t trace_id;
    uint64_t job_id;
    uint32_t flags;  // enum sb_frame_flag
    uint32_t kind;   // enum sb_format_kind
    // Video: pixel, width, height, rate (two). Audio: sample, rate, channels. Tensor: element,
    // rank, shape (eight). Others: nothing.
    uint32_t words[USER_HEADER_WORDS];
    char name[SB_FORMAT_NAME_MAX];  // of binary and message formats, with its terminator
};

static_assert(sizeof(struct user_header) == USER_HEADER_BYTES, "others rely on its size");
static_assert(offsetof(struct user_header, flags) == 56, "others rely on its places");
static_assert(offsetof(struct user_header, name) == 104, "others rely on its places");

// The header of a frame with this format.
void user_header_write(const struct sb_frame *frame, const struct sb_format *format,
                       struct user_header *out_header);

// Reads what a program that nobody vouches for has written. Returns 0; -ENOENT when it is not a
// header of ours; -EPROTO when it is one and makes no sense.
int user_header_read(const void *bytes, size_t size_bytes, struct user_header *out_header,
                     struct sb_format *out_format);
