// SPDX-License-Identifier: Apache-2.0
// The limits of nodes: which of them the machine enforces, what a process is started with, and the
// look at the memory of workers where no cgroup does it.
//
// A node is metered when it is untrusted, or when its limits are written. metering_open() asks the
// launcher once, before the first life.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "broker/lives/metering_state.h"
#include "sandbox/launcher.h"

struct actual_node;
struct broker;
struct graph_node;

// What the graph's words and the defaults of the tier come to, 0 = no limit.
struct metering_limits {
    uint64_t memory_bytes;
    uint32_t cpu_permille;
    uint32_t pids;
    uint32_t files;
};

struct metering_limits metering_limits_of(const struct graph_node *node);

// Of an untrusted program that describes itself for this node: those of the node, and not less than
// those of one that says nothing. Its time is bounded otherwise.
struct metering_limits metering_limits_of_description(const struct graph_node *node);

// Whether the process of this node gets a group of its own, where there are groups.
bool metering_is_wanted(const struct graph_node *node);

// Asks the launcher what there is, and says in one line what is not enforced. Returns 0, -EACCES
// when a node requires more than there is (said in one line each), -EPIPE.
int metering_open(struct broker *broker);

// Asks for a node that joins a graph in which nobody was metered. For an untrusted one its
// description did it before, so there is nothing to wait for. Returns 0 or -EPIPE.
int metering_join(struct broker *broker, const struct graph_node *node);

// The part of the plan that limits this node.
void metering_fill(const struct broker *broker, const struct graph_node *node,
                   struct sandbox_plan *plan);

// The same for a program that describes itself, where the plan is that of an untrusted one; asks
// the launcher when nobody did. node: NULL for a trusted one. Returns 0 or -EPIPE.
int metering_fill_description(struct launcher *launcher, const struct graph_node *node,
                              struct sandbox_plan *plan);

// Why a process that was killed was killed, when it was for its memory. counts: of its group.
// Returns whether that is the reason; out_text gets what EXIT_REASON_OOM wants to be told.
bool metering_explain(const struct graph_node *node, int wait_status,
                      const struct cgroup_counts *counts, char *out_text, size_t size_bytes);

// A worker begins to run.
void metering_begin(struct broker *broker, const struct actual_node *node);

// Ends the workers that have more memory than they may have, where no cgroup does it.
int64_t metering_due_ns(const struct broker *broker);
void metering_look(struct broker *broker, int64_t now_ns);

// The launcher is gone and its workers are killed: removes their groups, as far as the kernel lets
// go of them within a moment.
void metering_sweep(const struct broker *broker);

// One line: the step in force and what is missing, for status and doctor.
void metering_describe(const struct launch_meters *meters, char *out, size_t size_bytes);
