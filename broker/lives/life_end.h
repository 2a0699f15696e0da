// SPDX-License-Identifier: Apache-2.0
// The end of a worker: what it was, what it means for its node, and what its neighbours are told.
#pragma once

#include "broker/broker.h"

// The process is gone (wait_status), or it never was (NULL; the reason is set). Ends the life.
void life_end(struct broker *broker, struct actual_node *node, const int *wait_status);

// The process does not end although it was killed long ago: the node goes on without it.
void life_end_stuck(struct broker *broker, struct actual_node *node);

// A process has ended that no node has any more: perhaps one that was left behind.
void life_end_on_reaped(struct broker *broker, uint32_t serial);
