// SPDX-License-Identifier: Apache-2.0
// One link of a graph against the ports of its two processors.
#pragma once

#include "broker/graph/diags.h"
#include "broker/graph/graph.h"

// Finds nodes and ports, compares types and formats, and fills link->found. `found` of the nodes
// must be there. Where the formats do not meet and converters may be inserted, they are noted in
// found. Returns 0, whatever is wrong, or -ENOMEM.
int check_link(const struct graph *graph, struct graph_link *link, struct diags *diags);
