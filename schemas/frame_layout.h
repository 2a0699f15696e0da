// SPDX-License-Identifier: Apache-2.0
// The header of a frame, which lies before the payload in its slot. Written by the producer only.
//
//   0        8        16            24              32         36     40        48      56
//   | number | pts_ns | duration_ns | payload_bytes | format_id| flags| trace_id| job_id| ticket |
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_LINE_BYTES 64

// Fields are plain memory: they are published and taken with the cell that names the slot, and a
// reader copies them once before it looks at them. A hostile producer can change them at any time,
// so nothing that guards memory is read from here: length and slot come from the cell.
struct frame_header {
    uint64_t number;
    int64_t pts_ns;
    int64_t duration_ns;
    uint64_t payload_bytes;
    uint32_t format_id;
    uint32_t flags;
    uint64_t trace_id;
    uint64_t job_id;
    uint64_t ticket;  // of the payload in its transport, 0 = it follows the header
};

static_assert(sizeof(struct frame_header) == 64, "one cache line");
static_assert(offsetof(struct frame_header, number) == 0, "layout");
static_assert(offsetof(struct frame_header, pts_ns) == 8, "layout");
static_assert(offsetof(struct frame_header, duration_ns) == 16, "layout");
static_assert(offsetof(struct frame_header, payload_bytes) == 24, "layout");
static_assert(offsetof(struct frame_header, format_id) == 32, "layout");
static_assert(offsetof(struct frame_header, flags) == 36, "layout");
static_assert(offsetof(struct frame_header, trace_id) == 40, "layout");
static_assert(offsetof(struct frame_header, job_id) == 48, "layout");
static_assert(offsetof(struct frame_header, ticket) == 56, "layout");

// Bytes of one slot for payloads of up to payload_bytes. 0 when that is above the limit.
uint64_t layout_slot_bytes(uint64_t payload_bytes);
