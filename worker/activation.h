// SPDX-License-Identifier: Apache-2.0
// When a reactive node has work, and which frames a step gets.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "worker/runtime.h"
#include "worker/step.h"

// Collects the frames of the next step into node->frames. Returns their number, 0 when the
// activation is not satisfied.
size_t activation_collect_any_way(struct sb_node *node);

static inline size_t activation_collect(struct sb_node *node)
{
    // What most steps of most nodes get.
    bool is_any = node->activation == SB_ACTIVATE_ANY || node->activation == SB_ACTIVATE_DEFAULT;
    if (is_any && node->input_count == 1 && !node->is_redelivering &&
        node->inputs[0].link_count == 1) {
        return step_take(node->inputs[0].links[0], &node->frames[0]) == 1;
    }
    return activation_collect_any_way(node);
}

// True when activation_collect() would find something, an input has newly ended, or the deadline is
// no longer the one that context points to.
bool activation_is_ready(struct sb_node *node, void *context);

// Frames to wish for on each link before a sleep.
uint32_t activation_wish(const struct sb_node *node);

// When the activation is to be looked at again without a new frame, INT64_MAX = never.
int64_t activation_deadline_ns(struct sb_node *node);
