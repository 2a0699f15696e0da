// SPDX-License-Identifier: Apache-2.0
// Nodes that have ended begin again, with their links.
#pragma once

#include "broker/broker.h"

// The node with this id, which is over (NULL: every node that is), gets a new life, and its links
// where their other end runs; the others wait until that one is started. Not while busy. Returns 0
// and a ticket, 0 when nothing is over; or -ENOMEM.
int start_again(struct broker *broker, const char *id, uint64_t *out_ticket);
