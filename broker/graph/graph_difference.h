// SPDX-License-Identifier: Apache-2.0
// What has to be done to make one graph of another. Pure: two checked graphs in, a list out.
//
// The list is in the order in which it has to be done, and equal graphs give an empty one, whatever
// the order in their files. A node that needs another process, because its program, its rights or
// the way it is run changed, is replaced; what only the broker reads changes without a step.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "broker/graph/graph.h"

// Enum value, word, what is done. In the order in which it is done.
#define DIFFERENCES(X)                                                                             \
    X(UNWIRE, "unwire", "a link is taken away")                                                    \
    X(STOP, "stop", "a node is taken away")                                                        \
    X(START, "start", "a node is added")                                                           \
    X(REPLACE, "replace", "a node gets another process")                                           \
    X(WIRE, "wire", "a link is added")                                                             \
    X(CONFIGURE, "configure", "a node gets other parameters")                                      \
    X(UPDATE, "update", "a link gets another depth, delivery or memory")

enum difference_kind {
#define X(NAME, word, text) DIFFERENCE_##NAME,
    DIFFERENCES(X)
#undef X
        DIFFERENCE_KINDS
};

#define DIFFERENCE_NONE ((size_t)-1)
#define DIFFERENCE_SUBJECT_BYTES (2 * LIMIT_ADDRESS_BYTES_MAX)

struct difference_item {
    enum difference_kind kind;
    size_t before;  // index of the node or link in the one graph, DIFFERENCE_NONE
    size_t after;   // and in the other
    char subject[DIFFERENCE_SUBJECT_BYTES];  // node id, or "a.out -> b.in"
};

struct graph_difference {
    size_t count;
    struct difference_item *items;  // owned
    bool has_rules;                 // something changed that only the broker reads
    enum graph_field fixed;         // changed and cannot: only while is_impossible
    bool is_impossible;
};

// What a changed field means.
enum difference_effect {
    EFFECT_UNSET,     // a field that nobody thought of: there is none
    EFFECT_IDENTITY,  // another value is another node or link
    EFFECT_RULES,     // read by the broker when it needs it
    EFFECT_CONFIG,    // sent to the running worker
    EFFECT_PROCESS,   // needs another process
    EFFECT_MEMORY,    // needs a new generation of the link
    EFFECT_FIXED,     // cannot be changed while the graph runs
};

enum difference_effect graph_difference_effect(enum graph_field field);
const char *graph_difference_kind_name(enum difference_kind kind);

// Both graphs were checked. Returns 0 or -ENOMEM.
int graph_difference_find(const struct graph *before, const struct graph *after,
                          struct graph_difference *out_difference);

// What has to be done so that some nodes of a graph begin again as if they were new: they and their
// links go and come. is_again and is_out are per node: of those that begin again, and of those that
// cannot have a link now; links between both go only. Returns 0 or -ENOMEM.
int graph_difference_again(const struct graph *graph, const bool *is_again, const bool *is_out,
                           struct graph_difference *out_difference);

void graph_difference_fini(struct graph_difference *difference);

// A parameter that differs and is read at the start of the process only, NULL when there is none.
const char *graph_difference_fixed_param(const struct graph_node *before,
                                         const struct graph_node *after);

// How many items there are of a kind.
size_t graph_difference_count(const struct graph_difference *difference, enum difference_kind kind);
