// SPDX-License-Identifier: Apache-2.0
// When a reactive node has work, and which frames a step gets.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "worker/runtime.h"

// Collects the frames of the next step into node->frames. Returns their number, 0 when the
// activation is not satisfied.
size_t activation_collect(struct sb_node *node);

// True when activation_collect() would find something, an input has newly ended, or the deadline is
// no longer the one that context points to.
bool activation_is_ready(struct sb_node *node, void *context);

// Frames to wish for on each link before a sleep.
uint32_t activation_wish(const struct sb_node *node);

// When the activation is to be looked at again without a new frame, INT64_MAX = never.
int64_t activation_deadline_ns(struct sb_node *node);
