// SPDX-License-Identifier: Apache-2.0
// What the pages of a link say, over the generations that exist. Hostile bytes: clamped.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "broker/actual.h"
#include "broker/links/account.h"
#include "broker/links/generation.h"

// The pages of a link in a generation; NULL when it is not part of it, or there is no generation.
struct generation_link *pages_of(struct generation *generation, const struct actual_link *link);

// The producer of a link is gone for good: notes where its frames end. Returns the generation in
// which they do, or NULL when nothing was ever published, because there was no memory.
struct generation *pages_set_lost(const struct actual_link *link);

// Finds where the newest generation of a link begins, when the one before has ended by now.
void pages_resolve(const struct actual_link *link);

// True when the producer has written the end of the stream.
bool pages_is_stream_ended(const struct actual_link *link);

// True while there are frames in them that their reader has not taken.
bool pages_is_unread(const struct generation_link *pages);

// The account of a link now.
struct account pages_account(const struct actual_link *link);

// Before one link of a generation is dropped: the same for this link alone.
void pages_keep_link(struct generation *generation, struct generation_link *pages);

// Before a generation is dropped: its counters go to the past of its links, and the generation
// after it learns where it begins.
void pages_keep(struct generation *generation);
