// SPDX-License-Identifier: Apache-2.0
// Room for one more frame of an output.
#pragma once

#include "worker/runtime.h"

// A link that frames go out on: it has memory, and does not leave.
static inline bool output_room_has_link(const struct sb_output *output, uint32_t position)
{
    return output->now->writers[position].page != NULL && !output->links[position]->is_leaving;
}

// Waits until a buffer can be claimed, or until the output has no link, and finds out what the next
// claims need not look at: credit, is_plain and the targets. Returns 0; -ECANCELED when the node
// stops; -EAGAIN before it runs or without an offer; -EBUSY when claimed buffers hold up a new
// format; or what a move to new memory failed with.
int output_room_get(struct sb_output *output);
