// SPDX-License-Identifier: Apache-2.0
// The values of a graph file that are more than a number or a word.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Where something stands in the graph file; line 0 = it was not written there.
struct graph_place {
    uint32_t line;    // from 1
    uint32_t column;  // from 1, in characters
};

struct graph_strings {
    size_t count;
    const char *const *items;          // in the arena of the graph
    const struct graph_place *places;  // one per item
};

struct graph_numbers {
    size_t count;
    const uint32_t *items;
};

// A parameter or a variable. Sorted by name.
struct graph_pair {
    const char *name;
    const char *value;
    struct graph_place name_place;
    struct graph_place value_place;
};

struct graph_pairs {
    size_t count;
    struct graph_pair *items;
};

struct graph_fraction {
    uint32_t numerator;
    uint32_t denominator;
};

// Bytes, or a part of what there is.
struct graph_share {
    uint64_t bytes;     // GRAPH_NONE_BYTES = no limit
    uint32_t permille;  // above 0: this part instead of bytes
};
