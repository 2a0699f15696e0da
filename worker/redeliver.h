// SPDX-License-Identifier: Apache-2.0
// Frames that a life before this one had taken: they come first, and in the right steps.
//
// They come one per step, so that the one which kills its reader is found. But where some outputs
// have their step already, they come together in one step with its old number: otherwise an output
// could not be told from the others.
#pragma once

#include "worker/runtime.h"

// A generation with such frames came.
void redeliver_begin(struct sb_node *node);

// Makes a link with such a frame the next one of its input.
void redeliver_prefer(struct sb_input *input);

// Takes the frames of the next step into node->frames. Returns how many; 0 = there are no more such
// frames, or the activation can collect them as any others.
size_t redeliver_collect(struct sb_node *node);
