// SPDX-License-Identifier: Apache-2.0
// Starts everything on a device again after it was lost: all of its workers leave, and their next
// lives open the device one after the other, each when the one before has it open.
#pragma once

#include "broker/broker.h"

// A life that lost its device has ended. Tells it, and changes the verdict where such deaths count
// by now. When everything on the device is to start again, this node waits for its turn as well.
void device_restart_on_end(struct broker *broker, struct actual_node *node,
                           enum exit_verdict *verdict);

// Its open() has returned: the next one can open the device.
void device_restart_on_opened(struct actual_node *node);

// The loop has made a turn: perhaps it is the next one's turn.
void device_restart_turn(struct broker *broker);
