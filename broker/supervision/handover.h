// SPDX-License-Identifier: Apache-2.0
// A worker is dead and its node gets another one: what becomes of its links.
//
// As producer: where its frames end is found in its pages, its consumers read that far, and the
// next life begins a new generation there. As consumer: it gets fresh pages with the same cursors;
// frames that it had taken and not released come again, flagged.
#pragma once

#include "broker/broker.h"

// Drops the newest generation of an output when not all of its memory reached the producer, which
// is gone: nobody can have written it, and the one before has the last frames.
void handover_drop_unused(struct broker *broker, struct actual_output *output);

// The worker is dead and there will be another: while its pages are still mapped.
void handover_worker(struct broker *broker, struct actual_node *node);

// The new worker knows its links: gives it what there is to read.
void handover_give(struct broker *broker, struct actual_node *node);

// The new worker has opened: tells it the formats that are agreed for its inputs.
void handover_tell_formats(struct broker *broker, struct actual_node *node);
