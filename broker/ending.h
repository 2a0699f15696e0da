// SPDX-License-Identifier: Apache-2.0
// The end of the graph: finished, stopped, failed or forced, and with which status.
#pragma once

#include "broker/broker.h"
#include "broker/lives/exit_reason.h"

// Asks every node to end, within one deadline for all. is_graceful: frames drain first.
void ending_stop(struct broker *broker, bool is_graceful);

// The same without a drain; one that is under way is over.
void ending_stop_undrained(struct broker *broker);

// A node between two lives owes what waits on its inputs: its next life begins at once. True when
// there is such a life to wait for.
bool ending_hasten(struct broker *broker, struct actual_node *node);

// A life that began although the graph ends is ready: it drains and ends.
void ending_drain(struct broker *broker, struct actual_node *node);

// A life died by itself while the graph drains, and owes what waits on its inputs: another one is
// needed for that.
bool ending_needs_again(const struct broker *broker, const struct actual_node *node);

// Likewise, but nothing is owed: its rules would start it again, and there is no need to.
bool ending_needs_no_more(const struct broker *broker, const struct actual_node *node);

// Asks one node to end: want is DRAIN or STOP. Its deadline is the caller's.
void ending_stop_node(struct broker *broker, struct actual_node *node, enum worker_want want,
                      const char *why);

// Asks one node to end; the others go on. A source drains, others end where they are.
void ending_stop_alone(struct broker *broker, struct actual_node *node);

// Ends every node now.
void ending_force(struct broker *broker, const char *why);

// SIGINT, SIGTERM or SIGHUP: the first stops gracefully, the second forces.
void ending_on_signal(struct broker *broker, int signal_number);

// A life has ended: what it means for the graph.
void ending_on_node_over(struct broker *broker, struct actual_node *node,
                         enum exit_verdict verdict);

// A node that takes frames to their end has finished although more would come, as a window that is
// closed. Stops the graph when it was the last one of its kind, and the graph is not to stay.
void ending_on_early_finish(struct broker *broker, const struct actual_node *node);

// The common deadline of a stop has passed.
void ending_on_deadline(struct broker *broker);

// The launcher is gone: nothing can be started or reaped any more.
void ending_on_launcher_gone(struct broker *broker);

// Ends the graph when no node is left that may do something.
void ending_check(struct broker *broker);
