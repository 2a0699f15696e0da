// SPDX-License-Identifier: Apache-2.0
// An arena is a list of blocks; each piece comes from the newest one or starts another.
#include "broker/graph/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { BLOCK_BYTES = 16 * 1024, ALIGN_BYTES = 16 };

struct block {
    struct block *next;
    size_t size_bytes;
    size_t used_bytes;
    _Alignas(ALIGN_BYTES) unsigned char bytes[];
};

struct arena {
    struct block *newest;  // owned
    size_t budget_bytes;   // left
};

struct arena *arena_create(size_t budget_bytes)
{
    struct arena *arena = calloc(1, sizeof(*arena));
    if (arena != NULL) {
        arena->budget_bytes = budget_bytes;
    }
    return arena;
}

void arena_destroy(struct arena *arena)
{
    if (arena == NULL) {
        return;
    }
    while (arena->newest != NULL) {
        struct block *block = arena->newest;
        arena->newest = block->next;
        free(block);
    }
    free(arena);
}

void *arena_alloc(struct arena *arena, size_t count, size_t item_bytes)
{
    SB_ASSERT(item_bytes > 0);
    size_t wanted;
    if (__builtin_mul_overflow(count, item_bytes, &wanted) || wanted > arena->budget_bytes) {
        return NULL;
    }
    // An empty piece is a piece too, so that NULL always means failure.
    wanted = wanted == 0 ? ALIGN_BYTES : (wanted + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
    if (wanted > arena->budget_bytes) {
        return NULL;
    }
    struct block *block = arena->newest;
    if (block == NULL || block->size_bytes - block->used_bytes < wanted) {
        size_t size_bytes = wanted > BLOCK_BYTES ? wanted : BLOCK_BYTES;
        block = calloc(1, sizeof(*block) + size_bytes);
        if (block == NULL) {
            return NULL;
        }
        block->size_bytes = size_bytes;
        block->next = arena->newest;
        arena->newest = block;
    }
    void *piece = block->bytes + block->used_bytes;
    block->used_bytes += wanted;
    arena->budget_bytes -= wanted;
    return piece;
}

char *arena_copy(struct arena *arena, const char *bytes, size_t count)
{
    char *copy = arena_alloc(arena, count + 1, 1);
    if (copy != NULL && count > 0) {
        memcpy(copy, bytes, count);
    }
    return copy;
}

char *arena_copy_string(struct arena *arena, const char *string)
{
    return arena_copy(arena, string, strlen(string));
}
