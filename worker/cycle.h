// SPDX-License-Identifier: Apache-2.0
// The life of a node after READY: waits to be let run, runs its mode, drains, ends its outputs.
#pragma once

#include "worker/runtime.h"

// A call-back failed for good: tells the broker, and the node ends with SB_EXIT_FAILED.
void cycle_fail(struct sb_node *node, const char *call, int code);

// Returns the exit status of the program.
int cycle_run(struct sb_node *node);
