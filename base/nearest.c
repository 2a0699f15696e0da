// SPDX-License-Identifier: Apache-2.0
// Edit distance with swaps of neighbours, over names that are short.
#include "base/nearest.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

enum { NAME_MAX_LENGTH = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t nearest_distance(const char *a, const char *b, size_t limit)
{
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);
    if (a_length > NAME_MAX_LENGTH || b_length > NAME_MAX_LENGTH) {
        return limit + 1;
    }
    // Three rows of the matrix: the one before the last is for swaps.
    size_t rows[3][NAME_MAX_LENGTH + 1];
    for (size_t j = 0; j <= b_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *higher = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t cost = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least(row[j], higher[j - 2] + 1);
            }
        }
    }
    return least(rows[a_length % 3][b_length], limit + 1);
}

struct nearest nearest_to(const char *wanted)
{
    return (struct nearest){.wanted = wanted, .best_distance = (size_t)-1};
}

void nearest_offer(struct nearest *nearest, const char *name)
{
    // A third of the letters may be wrong; more would be guessing.
    size_t length = strlen(nearest->wanted);
    size_t limit = length < 3 ? 1 : (length + 2) / 3;
    size_t distance = nearest_distance(nearest->wanted, name, limit);
    // What was only begun, or has a number too much, is near as well.
    bool is_start = length >= 3 && strncmp(name, nearest->wanted, length) == 0;
    if (is_start && distance > limit) {
        distance = limit;
    }
    if (distance <= limit && distance < nearest->best_distance) {
        text_copy(nearest->best, sizeof(nearest->best), name);
        nearest->best_distance = distance;
    }
}
