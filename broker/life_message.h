// SPDX-License-Identifier: Apache-2.0
// What a worker says, and what it is told: one handler per message.
#pragma once

#include "broker/broker.h"

// Takes the socket over and waits for HELLO.
int life_message_open(struct broker *broker, struct actual_node *node, int socket);

// Gives the status page to the worker, once it is made and the worker knows its node.
void life_message_give_status(struct broker *broker, struct actual_node *node);

// Tells one end of a link that it is there. An end that was not told its node yet learns of it
// then.
void life_message_link(struct broker *broker, struct actual_node *node,
                       const struct actual_link *link, bool is_output);

// Tells the ends of a link that one of them is gone, as far as they can listen.
void life_message_unlink(struct broker *broker, struct actual_node *node, uint32_t link_id,
                         bool is_ended);
