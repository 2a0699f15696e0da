// SPDX-License-Identifier: Apache-2.0
// Has frames that were given up written into files, by a helper process for each.
//
// The frame is not released before its node is started again, so its slot stays lent; the next life
// waits until the helper has ended, for a few seconds at most. The broker reads the cell of the
// frame, and nothing of the frame.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "broker/broker.h"

// Has the payload of a letter written. Does nothing when the graph names no folder.
void letter_office_write(struct broker *broker, struct actual_node *node,
                         const struct actual_link *link, uint64_t id);

// Forgets a letter and removes its file. Returns 0, -ENOENT, -EBUSY while it is written, or why the
// file cannot be removed; a file that is gone is no error.
int letter_office_drop(struct broker *broker, uint64_t id);

// An event of the launcher. Returns false when it is about no helper.
bool letter_office_on_launch(struct broker *broker, const struct launch_event *event);

// When a helper is overdue, INT64_MAX = none runs.
int64_t letter_office_due_ns(const struct broker *broker);
void letter_office_on_due(struct broker *broker, int64_t now_ns);

// Helpers run: the graph ends after them.
bool letter_office_is_busy(const struct broker *broker);

void letter_office_fini(struct broker *broker);
