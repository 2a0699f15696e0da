// SPDX-License-Identifier: Apache-2.0
// Sends a dead letter again: into the input that it was for, over a link of its own.
//
// A node that reads the file is added to the graph and linked to the input, as an edit would do it;
// when its one frame is over, both are taken out again. One letter at a time. What becomes of the
// frame counts for that link alone, so it cannot use up the restarts of the node: when it kills its
// reader again, it is poison again, and another dead letter.
#pragma once

#include <stdint.h>

#include "broker/broker.h"

struct letter_replay;

// Returns 0 when it is under way; -ENOENT; -ENODATA when it was not kept; -ENOTDIR when its file is
// gone; -EBUSY while another one is sent, or the graph changes; -ESRCH when its node does not run;
// or 78 as -EINVAL, with a sentence in text for the last four.
int letter_replay_begin(struct broker *broker, uint64_t id, char *text, size_t text_bytes);

// -EAGAIN while it is under way; 0 when its reader has released it; else an exit status and why.
int letter_replay_result(const struct broker *broker, uint64_t id, char *text, size_t text_bytes);

// Goes on with it. After every turn of the loop.
void letter_replay_turn(struct broker *broker);

void letter_replay_fini(struct broker *broker);
