// SPDX-License-Identifier: Apache-2.0
// The memory of an output: at most two generations of pool and pages exist.
#pragma once

#include "worker/runtime.h"

// Memory for a generation came (MEMORY of kind POOL or PUBLISH). Owns fd. -EPROTO when the numbers
// do not describe it, or when it belongs to a third generation.
int output_memory_add_pool(struct sb_output *output, const struct wire_memory *memory, int fd);
int output_memory_add_page(struct output_link *link, const struct wire_memory *memory, int fd);

// The consume page of a link came (WRITE_LINK): at the start, or because the consumer was
// replaced. Owns fd.
int output_memory_add_peer(struct output_link *link, const struct wire_write_link *message, int fd);

// True when the pool and the page of every link that is not gone have come.
bool output_memory_is_complete(const struct sb_output *output,
                               const struct output_generation *generation);

// Ends the generation in use, if any, and goes on in this one. No buffer may be claimed.
int output_memory_adopt(struct sb_output *output, struct output_generation *generation);

// The link is gone: its lends come back.
void output_memory_unlink(struct output_link *link);

// The link is taken away: nothing more goes out on it, and its end is written. Its memory stays
// until output_memory_unlink(), because its consumer still reads. Returns 0 or -ENOMEM.
int output_memory_leave(struct output_link *link);

void output_memory_drop(struct sb_output *output, struct output_generation *generation);
