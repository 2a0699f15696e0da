// SPDX-License-Identifier: Apache-2.0
// Exactly what each node can reach: for `check --grants`, and for a running node.
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "broker/graph/graph.h"

// One node as JSON: its tier, what its sandbox shows (the same plan that it is started with), its
// environment by name, its limits. The caller owns it. Returns 0, or a negative errno when the plan
// cannot be made.
int grant_list_node(const struct graph *graph, const struct graph_node *node, json_t **out_json);

// All nodes of a checked graph to a file, as lines for people or as one JSON document. Returns 0 or
// a negative errno.
int grant_list_print(const struct graph *graph, bool is_json, FILE *out);
