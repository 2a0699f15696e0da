// SPDX-License-Identifier: Apache-2.0
// Takes a link away while its ends run, without losing what was accepted on it.
//
// First the reader is told, so that the end of this link is no end of a stream for it; then the
// writer, who ends it and sends nothing more; the reader reads that far, gives everything back and
// says so; then both forget it. A writer that is taken away itself ends its links by draining.
#pragma once

#include "broker/broker.h"

// Begins. A link that never carried anything is gone at once.
void link_leave_begin(struct broker *broker, struct actual_link *link);

// The reader knows that the link leaves.
void link_leave_on_known(struct broker *broker, struct actual_link *link);

// The writer died before it ended the link: its next life does not know it, so it ends here.
void link_leave_on_writer_gone(struct broker *broker, struct actual_link *link);

// The reader is through, or is not waited for any longer: what is left on it is counted and said.
void link_leave_end(struct broker *broker, struct actual_link *link);

// Nothing keeps the link any more but its places in the actual graph.
bool link_leave_is_over(const struct actual_link *link);

// Frees the links that are over, and the nodes that are, and were taken away.
void link_leave_reap(struct broker *broker);
