// SPDX-License-Identifier: Apache-2.0
// Memory that is given out piece by piece and freed as a whole, with a budget.
#pragma once

#include <stddef.h>

struct arena;

// budget_bytes is the most that will ever be given out: what is parsed may be hostile.
struct arena *arena_create(size_t budget_bytes);
void arena_destroy(struct arena *arena);

// Zeroed memory for count items, aligned for anything. NULL when the budget is used up or there is
// no memory. Freed by arena_destroy().
void *arena_alloc(struct arena *arena, size_t count, size_t item_bytes);

// A terminated copy.
char *arena_copy(struct arena *arena, const char *bytes, size_t count);
char *arena_copy_string(struct arena *arena, const char *string);
