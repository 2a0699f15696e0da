// SPDX-License-Identifier: Apache-2.0
// One worker takes over from another one: a node gets another process while its links go on.
//
// The newcomer is a node of its own that stands for the one that runs: it is started, opened and
// told the formats while the other one works. Then that one leaves after its step, its links are
// handed on as after a death, with the difference that nothing was in work, and the newcomer is the
// node. As long as nobody has left, the newcomer can be dropped without a trace.
#pragma once

#include "broker/broker.h"

// Makes a newcomer for a node that runs, as it is wanted in graph. Nothing is started yet. Returns
// 0 or -ENOMEM.
int succession_prepare(struct broker *broker, struct actual_node *node, struct graph *graph,
                       const struct graph_node *wanted, struct actual_node **out_newcomer);

// The newcomer has opened: tells it the formats of the links that it will have.
void succession_tell_formats(struct broker *broker, struct actual_node *newcomer);

// Opened, and everything that it was told is answered.
bool succession_is_ready(const struct actual_node *newcomer);

// Asks the worker to leave; when it is gone the newcomer takes over.
void succession_begin(struct broker *broker, struct actual_node *node,
                      struct actual_node *newcomer);

// The worker that was asked to leave is gone: before its pages are given up, and after.
void succession_hand_over(struct broker *broker, struct actual_node *node);
void succession_finish(struct broker *broker, struct actual_node *node);
