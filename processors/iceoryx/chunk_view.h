// SPDX-License-Identifier: Apache-2.0
// The fields of an iceoryx chunk that its C binding does not tell: sizes and the sequence number.
//
// They lie in the 40 bytes before everything else, whose layout iceoryx numbers; another number is
// refused. Whoever takes part in iceoryx can write there, so what is read is checked.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct chunk_view {
    uint32_t payload_bytes;
    uint64_t origin;          // the publisher
    uint64_t sequence;        // the publisher's count of chunks
    const void *user_header;  // borrowed from the chunk; NULL = it has none
    uint32_t user_header_bytes;
};

// Returns 0; -ENOTSUP when iceoryx's layout is another one; -EPROTO when the sizes make no sense.
int chunk_view_read(const void *chunk_header, struct chunk_view *out_view);

#define CHUNK_ORIGINS 16

// Remembers the last chunk of each of the latest publishers.
struct chunk_counter {
    struct {
        uint64_t origin;
        uint64_t sequence;
        uint64_t used;  // when it was last seen, 0 = never
    } origins[CHUNK_ORIGINS];
    uint64_t time;
};

// Chunks of the same publisher that were published between its last one and this one.
uint64_t chunk_view_missed(struct chunk_counter *counter, const struct chunk_view *view);
