// SPDX-License-Identifier: Apache-2.0
// Outputs: how frames are published, and how a full link is waited for.
#pragma once

#include "worker/runtime.h"

// Moves to a generation whose memory has come, when there is one and no buffer is claimed.
int output_adopt_next(struct sb_output *output);

// Gives back what the processor claimed and did not publish.
void output_abandon_claims(struct sb_output *output);

// Ends every output that has not ended.
void output_end_all(struct sb_node *node);

void output_fini(struct sb_output *output);
