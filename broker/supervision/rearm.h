// SPDX-License-Identifier: Apache-2.0
// What a node owed before is forgotten: its times begin now, and watch.h looks at it soon.
#pragma once

#include "broker/broker.h"

// The first look at a node that runs, and the least time between two.
#define REARM_LOOK_NS (10 * CLOCK_NS_PER_MS)

// A node begins to run: it owes nothing from before.
void rearm_node(struct broker *broker, struct actual_node *node);

// The frames that wait for it begin to age now.
void rearm_lag(const struct actual_node *node, int64_t now_ns);
