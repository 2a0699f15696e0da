// SPDX-License-Identifier: Apache-2.0
// The loop that drives the parts of the broker: all of them lie below it, and none calls it.
#pragma once

#include "broker/broker.h"

// Runs a checked graph to its end. Signals that end it must be blocked before, in every thread.
// Returns the exit status.
int loop_run(struct graph *graph, struct launcher *launcher, const struct broker_options *options);
