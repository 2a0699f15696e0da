// SPDX-License-Identifier: Apache-2.0
// The parameters `pattern` and `ignore_case` of processors that look for something in texts.
#pragma once

#include "processors/common/expression.h"

struct sb_node;

// Takes over what the node's parameters say. Returns 0; else *expression stays what it was, and the
// node has the reason.
int pattern_param_take(struct sb_node *node, struct expression **expression);
