// SPDX-License-Identifier: Apache-2.0
// The domain of a graph: the namespaces in which iceoryx's daemon RouDi runs, and every node that
// has a link of that transport.
//
// A domain begins with the first such node and is one bwrap. Its process 1 runs RouDi, says when
// that is ready, and looks whether it still answers when a worker inside was killed: RouDi can lock
// itself up then. A RouDi that ends or does not answer takes the whole domain with it, and its
// nodes begin again in a fresh one, at no cost to their budgets.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "broker/broker.h"
#include "broker/graph/diags.h"
#include "sandbox/launcher.h"

struct actual_node;

// Whether the node takes part in iceoryx.
bool domain_is_needed(const struct actual_node *node);

// Before a node that needs it starts; begins the domain when there is none. Returns 1 when it can
// be entered; 0 when it is not ready yet: life_on_domain() follows; or a negative errno with a
// sentence part in out_why.
int domain_enter(struct broker *broker, struct diag *out_why);

// Its process 1, whose namespaces are entered: a pidfd, borrowed; -1 when it is not ready.
int domain_pidfd(const struct broker *broker);

// Refuses a graph with a link that the running domain has no room for. Returns 0 or -ENOSPC.
int domain_check_room(const struct broker *broker, const struct graph *graph, struct diags *diags);

// A process inside is gone. is_hard: it was killed, or crashed.
void domain_on_node_end(struct broker *broker, struct actual_node *node, bool is_hard);

// News of the launcher. True when it was about the domain.
bool domain_on_launch(struct broker *broker, const struct launch_event *event);

// When domain_on_due() has something to do, INT64_MAX = never.
int64_t domain_due_ns(const struct broker *broker);
void domain_on_due(struct broker *broker, int64_t now_ns);

void domain_fini(struct broker *broker);
