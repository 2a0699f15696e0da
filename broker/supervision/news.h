// SPDX-License-Identifier: Apache-2.0
// What listeners hear of nodes and links beyond starts and deaths.
//
// A link that changes its condition is told at once. What only the counters show (frames that wait
// too long, frames that were evicted, steps that failed) is told by the looks of watch.h: the first
// at once, then at most once per second with the sum (health.h).
#pragma once

#include "broker/broker.h"

// A frame that waits for longer than this is late.
#define NEWS_LATE_NS (2 * CLOCK_NS_PER_S)

// Changes the state of a link, notes why, and tells it. why: of a refusal; else NULL for what the
// event itself says.
void news_move_link(struct broker *broker, struct actual_link *link, enum link_event event,
                    const char *why);

// Looks at the counters of every node and link.
void news_look(struct broker *broker, int64_t now_ns);

// The same for one node that is about to end, so that nothing of it is told after its end.
void news_look_at_node(struct broker *broker, struct actual_node *node);

// The node gets no other life: the one event that says so. type: NODE_FINISHED, NODE_STOPPED or
// NODE_FAILED.
void news_end_node(struct broker *broker, struct actual_node *node, enum health_type type,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

// Frames of the link wait for longer than NEWS_LATE_NS, and its reader is not paused.
bool news_is_late(const struct actual_link *link, int64_t now_ns);
