// SPDX-License-Identifier: Apache-2.0
// Payload slots of one output and one generation, as their producer keeps them.
//
// Which slots are lent to which link is private memory of the producer: no consumer can corrupt
// it. A slot is free again when nobody counts on it: neither the producer that claimed it nor any
// link that may still deliver it or whose consumer holds it.
#pragma once

#include <stdint.h>

#include "base/prefetch.h"
#include "schemas/frame_layout.h"

#define POOL_SLOT_NONE UINT32_MAX

// How many claims before its turn the first lines of a slot are fetched: they are in the cache of
// whoever read them last, and a store that waits for them holds up the fence of the publish.
#define POOL_AHEAD 4

struct pool {
    uint8_t *bytes;  // borrowed: the mapped segment, writable by this process only
    uint64_t slot_bytes;
    uint64_t payload_bytes;  // largest payload
    uint32_t slot_count;
    uint32_t free_count;
    // Owned. The most recently freed slot is used first: large frames stay in the cache.
    uint32_t *free;
    uint32_t *counts;  // owned: who counts on a slot
};

// Returns 0, -ENOMEM, or -EINVAL when the sizes are out of their limits.
int pool_init(struct pool *pool, void *bytes, uint32_t slot_count, uint64_t payload_bytes);
void pool_fini(struct pool *pool);

// Bytes of the segment for a pool. 0 when out of limits.
uint64_t pool_bytes(uint32_t slot_count, uint64_t payload_bytes);

// Fetches the first lines of a slot that is going to be written.
static inline void pool_fetch(const struct pool *pool, uint32_t slot)
{
    const uint8_t *header = pool->bytes + slot * pool->slot_bytes;
    prefetch_write(header);
    prefetch_write(header + CACHE_LINE_BYTES);
}

// Takes a free slot with count 1. Returns POOL_SLOT_NONE when there is none.
static inline uint32_t pool_claim(struct pool *pool)
{
    if (pool->free_count == 0) {
        return POOL_SLOT_NONE;
    }
    uint32_t slot = pool->free[--pool->free_count];
    pool->counts[slot] = 1;
    if (pool->free_count >= POOL_AHEAD) {
        pool_fetch(pool, pool->free[pool->free_count - POOL_AHEAD]);
    }
    return slot;
}

static inline void pool_lend(struct pool *pool, uint32_t slot)
{
    pool->counts[slot]++;
}

// One less counts on the slot.
static inline void pool_drop(struct pool *pool, uint32_t slot)
{
    if (--pool->counts[slot] == 0) {
        pool->free[pool->free_count++] = slot;
    }
}

static inline struct frame_header *pool_header(const struct pool *pool, uint32_t slot)
{
    return (struct frame_header *)(void *)(pool->bytes + slot * pool->slot_bytes);
}

static inline void *pool_payload(const struct pool *pool, uint32_t slot)
{
    return pool->bytes + slot * pool->slot_bytes + sizeof(struct frame_header);
}
