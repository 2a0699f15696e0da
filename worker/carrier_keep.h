// SPDX-License-Identifier: Apache-2.0
// What a transport keeps for readers that take the place of others: how long its writers have to be
// there for that, and that a reader begins with what it has to take over.
#pragma once

#include "worker/runtime.h"

// Takes over the writer of a generation that its output moves on from, if it keeps anything.
void carrier_keep_writer(struct sb_output *output, struct output_generation *old);

// Closes that writer as soon as every reader is done with its generation.
void carrier_keep_less(struct sb_output *output);

// Before the first step: waits until the readers that may have something to take over are attached,
// or until that takes too long.
void carrier_keep_await(struct sb_node *node);

// After the last step: waits until everything was released that readers might have to ask for
// again, or until the node is told to stop.
void carrier_keep_linger(struct sb_node *node);
