// SPDX-License-Identifier: Apache-2.0
// Sizes of pools and rings.
#include "broker/links/link_plan.h"

#include <errno.h>

#include "base/check.h"
#include "schemas/frame_layout.h"
#include "schemas/limits.h"

// Below one huge page nothing is gained, and a page of 2 MiB would be given to a few KiB.
#define HUGE_BYTES_MIN (UINT64_C(2) << 20)

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint64_t first_said(uint64_t a, uint64_t b, uint64_t c)
{
    return a != 0 ? a : b != 0 ? b : c;
}

int link_plan_payload(const struct link_plan_payload *sizes, const struct sb_format *format,
                      uint64_t *out_bytes)
{
    uint64_t exact = sb_format_frame_bytes(format);
    uint64_t bound = first_said(sizes->links, sizes->port, LINK_PLAN_PAYLOAD_BYTES);
    uint64_t wanted = first_said(sizes->said, exact, bound);
    if (sizes->links != 0 && wanted > sizes->links) {
        if (exact > sizes->links) {
            return -EMSGSIZE;
        }
        wanted = sizes->links;
    }
    *out_bytes = wanted;
    return 0;
}

int link_plan_pool(const struct link_plan *links, size_t link_count, uint32_t producer_claims,
                   uint32_t tap_count, uint64_t payload_bytes, enum link_plan_pages pages,
                   struct pool_plan *out_plan)
{
    SB_ASSERT(link_count <= LIMIT_LINKS_PER_SIDE_MAX);
    uint32_t depth_max = 0;
    uint64_t slots = (uint64_t)(producer_claims == 0 ? 1 : producer_claims) + tap_count;
    for (size_t i = 0; i < link_count; i++) {
        depth_max = larger(depth_max, links[i].depth);
        slots += links[i].claims;
    }
    slots += depth_max;
    uint64_t slot_bytes = layout_slot_bytes(payload_bytes);
    if (slot_bytes == 0 || slots > LIMIT_SLOTS_MAX ||
        slot_bytes > LIMIT_SEGMENT_BYTES_MAX / slots) {
        return -ERANGE;
    }
    *out_plan = (struct pool_plan){.slot_count = (uint32_t)slots,
                                   .payload_bytes = payload_bytes,
                                   .size_bytes = slots * slot_bytes,
                                   .pages = pages};
    return 0;
}

bool link_plan_is_huge(const struct pool_plan *plan)
{
    return plan->pages != LINK_PLAN_NORMAL && plan->size_bytes >= HUGE_BYTES_MIN;
}
