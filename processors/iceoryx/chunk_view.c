// SPDX-License-Identifier: Apache-2.0
// Reads the header of an iceoryx chunk, once, and counts what was lost between two chunks.
#include "processors/iceoryx/chunk_view.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define LAYOUT_VERSION 1  // of iceoryx 2

struct layout {
    uint32_t chunk_bytes;
    uint8_t version;
    uint8_t reserved;
    uint16_t user_header_id;
    uint64_t origin;
    uint64_t sequence;
    uint32_t user_header_bytes;
    uint32_t payload_bytes;
    uint32_t payload_alignment;
    uint32_t payload_offset;
};

static_assert(sizeof(struct layout) == 40, "iceoryx's ChunkHeader has 40 bytes");

int chunk_view_read(const void *chunk_header, struct chunk_view *out_view)
{
    struct layout layout;
    memcpy(&layout, chunk_header, sizeof layout);
    if (layout.version != LAYOUT_VERSION) {
        return -ENOTSUP;
    }
    uint64_t header_end = sizeof layout + (uint64_t)layout.user_header_bytes;
    uint64_t payload_end = (uint64_t)layout.payload_offset + layout.payload_bytes;
    if (layout.payload_offset < header_end || payload_end > layout.chunk_bytes) {
        return -EPROTO;
    }
    bool has_user_header = layout.user_header_bytes > 0;
    *out_view = (struct chunk_view){
        .payload_bytes = layout.payload_bytes,
        .origin = layout.origin,
        .sequence = layout.sequence,
        .user_header = has_user_header ? (const char *)chunk_header + sizeof layout : NULL,
        .user_header_bytes = layout.user_header_bytes,
    };
    return 0;
}

uint64_t chunk_view_missed(struct chunk_counter *counter, const struct chunk_view *view)
{
    size_t oldest = 0;
    uint64_t now = ++counter->time;
    for (size_t i = 0; i < CHUNK_ORIGINS; i++) {
        if (counter->origins[i].used > 0 && counter->origins[i].origin == view->origin) {
            uint64_t last = counter->origins[i].sequence;
            counter->origins[i].sequence = view->sequence;
            counter->origins[i].used = now;
            return view->sequence > last ? view->sequence - last - 1 : 0;
        }
        if (counter->origins[i].used < counter->origins[oldest].used) {
            oldest = i;
        }
    }
    counter->origins[oldest].origin = view->origin;
    counter->origins[oldest].sequence = view->sequence;
    counter->origins[oldest].used = now;
    return 0;
}
