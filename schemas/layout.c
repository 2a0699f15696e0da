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
    return sizeof(struct publish_page) + (uint64_t)depth * layout_cell_bytes(depth);
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

#define CALL_TIME_FIRST_BIT 6  // below 64 ns all are one

uint32_t layout_call_time(int64_t ns)
{
    if (ns < 1 << CALL_TIME_FIRST_BIT) {
        return 0;
    }
    uint32_t bit = 63 - (uint32_t)__builtin_clzll((uint64_t)ns);
    uint32_t quarter = (uint32_t)((uint64_t)ns >> (bit - 2)) & 3;
    uint32_t index = 1 + (bit - CALL_TIME_FIRST_BIT) * 4 + quarter;
    return index < LAYOUT_CALL_TIMES ? index : LAYOUT_CALL_TIMES - 1;
}

int64_t layout_call_time_least_ns(uint32_t index)
{
    SB_ASSERT(index < LAYOUT_CALL_TIMES);
    if (index == 0) {
        return 0;
    }
    return (int64_t)(4 + (index - 1) % 4) << (CALL_TIME_FIRST_BIT - 2 + (index - 1) / 4);
}

int64_t layout_call_time_middle_ns(uint32_t index)
{
    int64_t least_ns = layout_call_time_least_ns(index);
    return index + 1 < LAYOUT_CALL_TIMES ? (least_ns + layout_call_time_least_ns(index + 1)) / 2
                                         : least_ns;
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
