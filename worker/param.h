// SPDX-License-Identifier: Apache-2.0
// Values of the declared parameters.
#pragma once

#include "worker/runtime.h"

// Makes the table of values and fills in the defaults. Returns 0 or -ENOMEM, -EINVAL (node->error).
int param_init(struct sb_node *node);
void param_fini(struct sb_node *node);

// Takes new values: all of them or, when one does not fit, none (-EINVAL, reason in node->error).
int param_set(struct sb_node *node, const struct wire_param *params, size_t count);

// Swaps what param_set() replaced back in, after on_config() refused it.
void param_restore(struct sb_node *node);

// Checks one value against a declaration. Returns 0 and the value (text is not copied), or -EINVAL
// with the reason in the buffer.
int param_parse(const struct sb_param *param, const char *text, struct param_value *out_value,
                char *reason, size_t reason_bytes);
