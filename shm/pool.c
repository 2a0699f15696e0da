// SPDX-License-Identifier: Apache-2.0
// Makes and ends the producer's bookkeeping of a pool.
#include "shm/pool.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "schemas/limits.h"

uint64_t pool_bytes(uint32_t slot_count, uint64_t payload_bytes)
{
    uint64_t slot = layout_slot_bytes(payload_bytes);
    uint64_t bytes;
    if (slot == 0 || slot_count == 0 || slot_count > LIMIT_SLOTS_MAX ||
        __builtin_mul_overflow(slot, slot_count, &bytes) || bytes > LIMIT_SEGMENT_BYTES_MAX) {
        return 0;
    }
    return bytes;
}

int pool_init(struct pool *pool, void *bytes, uint32_t slot_count, uint64_t payload_bytes)
{
    if (pool_bytes(slot_count, payload_bytes) == 0) {
        return -EINVAL;
    }
    uint32_t *lists = calloc((size_t)slot_count * 2, sizeof *lists);
    if (lists == NULL) {
        return -ENOMEM;
    }
    *pool = (struct pool){.bytes = bytes,
                          .slot_bytes = layout_slot_bytes(payload_bytes),
                          .payload_bytes = payload_bytes,
                          .slot_count = slot_count,
                          .free_count = slot_count,
                          .free = lists,
                          .counts = lists + slot_count};
    // Slot 0 is used first.
    for (uint32_t i = 0; i < slot_count; i++) {
        lists[i] = slot_count - 1 - i;
    }
    return 0;
}

void pool_fini(struct pool *pool)
{
    free(pool->free);
    *pool = (struct pool){0};
}
