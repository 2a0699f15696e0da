// SPDX-License-Identifier: Apache-2.0
// What a node waits for: frames of which input, and of which other node.
#pragma once

#include "broker/broker.h"

// It runs, or drains while the graph ends: what lies before it is its to do.
bool waiting_is_at_work(const struct broker *broker, const struct actual_node *node);

// For looks at the graph as a whole: does the next call of a reactive node have what it needs; does
// it need something of every input; has this input of it too little.
bool waiting_is_activated(const struct actual_node *node);
bool waiting_needs_all(const struct actual_node *node);
bool waiting_is_missing(const struct actual_node *node, const char *port);

// The node that this one waits for at this moment, by what both ends of their link say: the
// producer of its next frame, or the reader that makes no space. NULL when it waits for none.
const char *waiting_for(const struct actual_node *node);
