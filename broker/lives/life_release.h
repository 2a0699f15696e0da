// SPDX-License-Identifier: Apache-2.0
// What a node that gets no other life leaves: its links end, and its neighbours learn where.
#pragma once

#include "broker/broker.h"

// is_voluntary: it had finished, so what it did not read is no loss.
void life_release(struct broker *broker, struct actual_node *node, bool is_voluntary);

// The next start of a node that waits for it will not come: its links end.
void life_release_waiting(struct broker *broker, struct actual_node *node, const char *why);

// Likewise, because it alone was asked to end: it has not failed, and what it leaves is no loss.
void life_release_stopped(struct broker *broker, struct actual_node *node, const char *why);
