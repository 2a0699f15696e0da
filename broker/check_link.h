// SPDX-License-Identifier: Apache-2.0
// One link of a graph against the ports of its two processors.
#pragma once

#include "broker/diags.h"
#include "broker/graph.h"

// Finds nodes and ports, compares types and formats, and fills link->found. `found` of the nodes
// must be there. Returns true when both ports were found, whatever else is wrong.
bool check_link(const struct graph *graph, struct graph_link *link, struct diags *diags);
