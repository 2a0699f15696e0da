// SPDX-License-Identifier: Apache-2.0
// One change of the running graph: prepared as a whole, then made step by step.
//
// Prepared: nodes that are added and programs that replace others are started and opened while the
// graph goes on untouched; when one of them fails, they go and nothing has changed. Then the steps
// of the difference are made in its order, each announced (will) and told (did).
#pragma once

#include "broker/broker.h"
#include "broker/change/change_state.h"

// Both graphs were checked, and are held. Returns 0 or -ENOMEM.
int change_create(struct graph *before, struct graph *after, struct change **out_change);

// Nodes of a graph begin again, as graph_difference_again() has it.
int change_create_again(struct graph *graph, const bool *is_again, const bool *is_out,
                        struct change **out_change);
void change_destroy(struct change *change);

// Begins it: in a graph that is not started it is made at once.
void change_begin(struct broker *broker, struct change *change);

// Does what can be done now. True when it is over, with code and text.
bool change_go_on(struct broker *broker, struct change *change);

// It failed after something was changed.
bool change_must_be_taken_back(const struct change *change);
