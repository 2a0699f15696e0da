// SPDX-License-Identifier: Apache-2.0
// Who gets which memory of a generation, and when.
#pragma once

#include "broker/links/generation.h"

// The memory thread has done a job that generation_order() submitted. Takes the job.
void generation_give_on_made(struct broker *broker, struct memory_job *job);

// A worker has mapped a segment. Returns 0; -ENOENT when the serial is none that it owes; -EPROTO
// when it tampered with the segment; -EBADMSG when memory of a device should have come before.
int generation_give_on_mapped(struct broker *broker, struct actual_node *node, uint32_t serial);

// The memory of a device for a pool came. Takes the descriptor out of fd when it keeps it. Returns
// 0; -ENOENT when no pool of that serial is owed; -EPROTO with a sentence part.
int generation_give_take_device(struct actual_node *node, const struct wire_device_pool *message,
                                int *fd, const char **out_fault);

// Gives the consumer of a link its page of this generation and, when there is anything to read, the
// rest. Does nothing when the consumer cannot be told now, or was told before.
void generation_give_reader(struct broker *broker, struct generation *generation,
                            struct generation_link *pages);

// Tells a consumer where the frames of a dead producer end, when it reads this generation.
void generation_give_end(struct broker *broker, const struct generation *generation,
                         const struct generation_link *pages);

// The producer died before it had mapped its page of this link, and other links of the generation
// are read: an empty page in its place lets the consumer pass the generation. Needs first_seq.
// Returns 0 or a negative errno.
int generation_give_stand_in(struct broker *broker, struct generation *generation,
                             struct generation_link *pages);

// DEVICE_REFUSED came: an output goes on with memory of the broker's, which is to be agreed again:
// out_output, left alone when that is over already. Returns 0, or -ENOENT when the node has no such
// link or output.
int generation_give_refuse_device(struct actual_node *node,
                                  const struct wire_device_refused *refused,
                                  struct actual_output **out_output);
