// SPDX-License-Identifier: Apache-2.0
// The grants of a node: from the words of the graph to what its sandbox shows.
#pragma once

#include "base/diag.h"
#include "broker/graph/diags.h"
#include "broker/graph/graph.h"
#include "sandbox/grant.h"

// Whether there is anything in the way of what the node was granted: each thing that is missing,
// closed or never granted is an error with its place. Makes nothing.
void granting_check(const struct graph *graph, const struct graph_node *node, struct diags *diags);

// Warns of each path among the node's parameters that its sandbox will not show: such a processor
// finds no file, or writes one that nobody sees. The parameters were checked.
void granting_check_params(const struct graph *graph, const struct graph_node *node,
                           const struct descriptor *descriptor, struct diags *diags);

// As granting_open() for a node whose grants were checked; files to write that are missing are not
// made, and have no descriptor.
int granting_look(const struct graph *graph, const struct graph_node *node,
                  struct grant_set *out_set);

// Opens all of it, for one start of the node; files to write are made. The set is the caller's to
// end. Returns 0, or a negative errno with a sentence part in out_why.
int granting_open(const struct graph *graph, const struct graph_node *node,
                  struct grant_set *out_set, struct diag *out_why);
