// SPDX-License-Identifier: Apache-2.0
// Inputs: several links merged into one port.
#pragma once

#include "worker/runtime.h"

// True when a frame can be taken from one of its links.
bool input_has_frame(struct sb_input *input);

// True when it is linked and all of its links have ended.
bool input_is_over(struct sb_input *input);

// True when it is linked and not over: it takes part in `all` and `batch`.
bool input_is_open(struct sb_input *input);

// Frames that wait on all of its links, a hint.
uint32_t input_queued(const struct sb_input *input);

// True when the next frame, if there is one, has the format of the last one.
bool input_is_steady(struct sb_input *input);

// Takes one frame for the running step, in turn from the links that have some, at most eight in a
// row from one. Returns 1; 0; -EPIPE when all links have ended; -EBUSY.
int input_take(struct sb_input *input, struct sb_frame *out_frame);
