// SPDX-License-Identifier: Apache-2.0
// The canonical form of a graph: what differs from the defaults, in the order of the table, nodes
// and links sorted. Loading it and saving again gives the same bytes.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "broker/graph/graph.h"

// Each returns 0 and a terminated text (the caller frees it), or -ENOMEM.
int graph_save_yaml(const struct graph *graph, char **out_text, size_t *out_count);
int graph_save_json(const struct graph *graph, char **out_text, size_t *out_count);

// BLAKE2b over the canonical form. Returns 0 or -ENOMEM.
int graph_save_checksum(const struct graph *graph, uint8_t out_sum[GRAPH_CHECKSUM_BYTES]);
