// SPDX-License-Identifier: Apache-2.0
// Applies the graph file when it changes: also when another file takes its place by a rename.
#pragma once

#include "broker/broker.h"

// Watches the folder of the file, in which the file itself may come and go. Returns 0 or a negative
// errno.
int file_watch_open(struct broker *broker);

void file_watch_close(struct broker *broker);

// Applies what has changed, when no change is under way.
void file_watch_turn(struct broker *broker);
