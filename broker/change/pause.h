// SPDX-License-Identifier: Apache-2.0
// Pausing nodes: the processor is not called any more, and everything queued stays.
//
// A pause belongs to the node, not to a life of it: one that is not running yet, or dies while it
// is paused, is paused when it would run. What comes meanwhile waits, is evicted or holds its
// producer up, as the delivery of its link says. A worker that waits for space is paused as well:
// its call goes on when there is some.
#pragma once

#include "broker/broker.h"

// Both do nothing when it is so already. True when something changed.
bool pause_begin(struct broker *broker, struct actual_node *node);
bool pause_end(struct broker *broker, struct actual_node *node);

// The node is about to run: true when it has to stay paused, and was told so.
bool pause_instead_of_run(struct broker *broker, struct actual_node *node);

// The worker is not inside a call any more, and stays out of the next; or there is no worker.
bool pause_is_in_effect(const struct actual_node *node);
