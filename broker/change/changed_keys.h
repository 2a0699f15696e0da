// SPDX-License-Identifier: Apache-2.0
// Which keys of a graph file differ between two graphs, with both values as text. Pure.
#pragma once

#include <jansson.h>

#include "broker/graph/graph.h"

// A list of {what, key, now, after, is_right}: what is "" for the graph, a node id, or "a.out ->
// b.in"; now is null for a node that is new. Nodes and links that go, and links that come, are not
// listed; of a node that comes only the rights that are no defaults are. Both graphs were checked.
json_t *changed_keys_list(const struct graph *before, const struct graph *after);
