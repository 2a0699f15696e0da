// SPDX-License-Identifier: Apache-2.0
// The graph for people and programs: nodes with their ports, links with what they carry, and the
// converters that were inserted. Pure: a checked graph in, a text out; with a snapshot it also says
// how the nodes and links are. The form that loads again is that of graph_save.h.
#pragma once

#include <stddef.h>

#include "broker/graph/graph.h"
#include "broker/snapshot.h"

// snapshot is NULL for a graph that does not run. Each returns 0 and a terminated text (the caller
// frees it), or -ENOMEM.
int graph_print_text(const struct graph *graph, const struct snapshot *snapshot, char **out_text,
                     size_t *out_count);
int graph_print_json(const struct graph *graph, const struct snapshot *snapshot, char **out_text,
                     size_t *out_count);
// For Graphviz: one box per node with its ports on it.
int graph_print_dot(const struct graph *graph, const struct snapshot *snapshot, char **out_text,
                    size_t *out_count);
