// SPDX-License-Identifier: Apache-2.0
// What a worker says: one handler per message.
#pragma once

#include "broker/broker.h"

// Takes the socket over and waits for HELLO.
int life_hear_open(struct broker *broker, struct actual_node *node, int socket);
