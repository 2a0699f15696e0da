// SPDX-License-Identifier: Apache-2.0
// What the broker says: the bell page and the messages behind it.
#pragma once

#include "worker/runtime.h"

// Looks at the bell; when it rang, reads what is wanted and handles every message that is there.
// A broker that is gone or talks nonsense ends the node (is_broker_gone, want STOP).
void control_poll(struct sb_node *node);

// Handles one message, waiting for it. For the time before the bell page is here.
int control_wait_message(struct sb_node *node);

// Where a manual processor waits: its call lasts for its whole life, so parameters that came
// meanwhile are applied here.
bool control_is_due_in_wait(const struct sb_node *node);
void control_apply_in_wait(struct sb_node *node);

// Applies a CONFIG that came while a call-back ran. Between steps, when has_deferred_config is set.
int control_apply_deferred(struct sb_node *node);
