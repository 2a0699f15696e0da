// SPDX-License-Identifier: Apache-2.0
// Which of the known names was probably meant.
#pragma once

#include <stddef.h>

// Offer every known name, then ask.
struct nearest {
    const char *wanted;  // borrowed
    char best[64];       // empty when none is near
    size_t best_distance;
};

struct nearest nearest_to(const char *wanted);
void nearest_offer(struct nearest *nearest, const char *name);

// Changes, insertions, removals and swaps of neighbours that make a into b, at most limit + 1.
size_t nearest_distance(const char *a, const char *b, size_t limit);
