// SPDX-License-Identifier: Apache-2.0
// Addresses among the parameters of a node to which frames would travel in the clear.
#pragma once

#include <stddef.h>

#include "broker/graph/diags.h"
#include "broker/graph/graph.h"

// The first address of text without encryption that leaves this machine, as far as its host; and
// what to write instead of its scheme, "" when there is nothing of its kind. Returns the length of
// the address, 0 when there is none.
size_t check_url_find(const char *text, const char **out_address, const char **out_instead);

// Warns of each that a node with a network has; refuses it when the node requires tls.
void check_url_node(const struct graph *graph, const struct graph_node *node, struct diags *diags);
