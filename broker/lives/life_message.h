// SPDX-License-Identifier: Apache-2.0
// What a worker is told; what it says is in life_hear.h.
#pragma once

#include "broker/broker.h"

// The first that a worker is told: its node, its links, and the pages that are the broker's.
void life_message_setup(struct broker *broker, struct actual_node *node);

// Gives the status page to the worker, once it is made and the worker knows its node.
void life_message_give_status(struct broker *broker, struct actual_node *node);

// Tells one end of a link that it is there, or that its delivery is another one from now on. An end
// that was not told its node yet learns of it then.
void life_message_link(struct broker *broker, struct actual_node *node,
                       const struct actual_link *link, bool is_output);

// Tells the ends of a link that one of them is gone, as far as they can listen.
void life_message_unlink(struct broker *broker, struct actual_node *node, uint32_t link_id,
                         bool is_ended);

// A worker that knows its node and its links, and can be told of changes.
bool life_message_is_heard(const struct actual_node *node);

// Tells one end of a link that it is taken away. Nothing when the worker cannot listen: then its
// SETUP will be followed by that.
void life_message_leave(struct broker *broker, struct actual_node *node,
                        const struct actual_link *link);

// Sends the parameters of the node as they are wanted; the answer goes to config_result. -ENOMEM.
int life_message_config(struct broker *broker, struct actual_node *node);
