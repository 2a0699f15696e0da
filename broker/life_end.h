// SPDX-License-Identifier: Apache-2.0
// The end of a worker: what it was, what it means for its node, and what its neighbours are told.
#pragma once

#include "broker/broker.h"

// The process is gone (wait_status), or it never was (NULL; the reason is set). Ends the life.
void life_end(struct broker *broker, struct actual_node *node, const int *wait_status);

// The next start of a node that waits for it will not come: its links end.
void life_end_waiting(struct broker *broker, struct actual_node *node, const char *why);
