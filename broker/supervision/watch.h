// SPDX-License-Identifier: Apache-2.0
// Watches workers that run: who makes no progress although it could is ended, with the reason.
#pragma once

#include "broker/broker.h"

// When the next look is due, INT64_MAX = nothing runs that could be overdue.
int64_t watch_due_ns(const struct broker *broker);

// Looks at every worker that runs.
void watch_look(struct broker *broker, int64_t now_ns);

// For looks at the graph as a whole: does the next call of a reactive node have what it needs; does
// it need something of every input; has this input of it too little.
bool watch_is_activated(const struct actual_node *node);
bool watch_needs_all(const struct actual_node *node);
bool watch_is_missing(const struct actual_node *node, const char *port);

// The node that this one waits for at this moment, by what both ends of their link say: the
// producer of its next frame, or the reader that makes no space. NULL when it waits for none.
const char *watch_waits_for(const struct actual_node *node);

// A node begins to run: it owes nothing from before.
void watch_begin(struct broker *broker, struct actual_node *node);
