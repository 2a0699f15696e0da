// SPDX-License-Identifier: Apache-2.0
// Keeps the word that a graph gave about a link: a consumer whose oldest frame is older than
// max_lag is overdue.
#pragma once

#include "broker/broker.h"

// Looks at the links of a node that runs. is_excused: it cannot take frames now, for a reason that
// is not its own; its frames begin to age when that ends. Returns the link that is over its time,
// NULL when none is, and when to look next.
struct actual_link *max_lag_look(const struct actual_node *node, bool is_excused, int64_t now_ns,
                                 int64_t *out_due_ns);

// The shortest max_lag of its links, INT64_MAX when there is none.
int64_t max_lag_shortest_ns(const struct actual_node *node);
