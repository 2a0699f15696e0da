// SPDX-License-Identifier: Apache-2.0
// Sizes of the shared pages and the names of the values in them.
#include "base/check.h"
#include "schemas/frame_layout.h"
#include "schemas/limits.h"
#include "schemas/link_layout.h"
#include "schemas/status_layout.h"

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

uint64_t layout_slot_bytes(uint64_t payload_bytes)
{
    if (payload_bytes > LIMIT_PAYLOAD_BYTES_MAX) {
        return 0;
    }
    return round_up(sizeof(struct frame_header) + payload_bytes, CACHE_LINE_BYTES);
}

uint64_t layout_publish_page_bytes(uint32_t depth)
{
    SB_ASSERT(depth >= 1 && depth <= LIMIT_DEPTH_MAX);
    return sizeof(struct publish_page) + (uint64_t)depth * sizeof(struct link_cell);
}

static uint64_t hazards_bytes(uint32_t claims_max)
{
    return round_up((uint64_t)claims_max * sizeof(uint64_t), CACHE_LINE_BYTES);
}

uint64_t layout_consume_page_bytes(uint32_t depth, uint32_t claims_max)
{
    SB_ASSERT(depth >= 1 && depth <= LIMIT_DEPTH_MAX);
    SB_ASSERT(claims_max >= 1 && claims_max <= LIMIT_CLAIMS_MAX);
    return layout_cell_states_offset(claims_max) + round_up(depth, CACHE_LINE_BYTES);
}

uint64_t layout_cell_states_offset(uint32_t claims_max)
{
    return sizeof(struct consume_page) + hazards_bytes(claims_max);
}

static const char *const phase_names[] = {
#define X(name, text) [WORKER_##name] = text,
    WORKER_PHASES(X)
#undef X
};

static const char *const want_names[] = {
#define X(name, text) [WANT_##name] = text,
    WORKER_WANTS(X)
#undef X
};

const char *layout_worker_phase_name(uint32_t phase)
{
    return phase < ARRAY_COUNT(phase_names) ? phase_names[phase] : "?";
}

const char *layout_worker_want_name(uint32_t want)
{
    return want < ARRAY_COUNT(want_names) ? want_names[want] : "?";
}
