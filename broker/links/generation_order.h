// SPDX-License-Identifier: Apache-2.0
// How large the memory of a new generation is, and its order.
#pragma once

#include "broker/links/generation.h"

// Payload bytes of the slots that this output's pool has or will have, by its format, its offer and
// its links. -EMSGSIZE when the links allow less than a frame of the format.
int generation_order_payload(const struct actual_output *output, uint64_t *out_bytes);

// Reserves and orders the memory for what the output has agreed, as its newest generation. Returns
// 0; -EBUSY when there is no room for it (room.h); -ENOMEM, -ERANGE or -EMSGSIZE with a sentence in
// text.
int generation_order(struct broker *broker, struct actual_output *output, char *text,
                     size_t text_bytes);
