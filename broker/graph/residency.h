// SPDX-License-Identifier: Apache-2.0
// Where the frames of a link are worked on, by the CPU or by a GPU, and why. Pure.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/graph/diags.h"
#include "broker/graph/graph.h"

// The set of SB_BIT(enum sb_memory) that a port of a node works on: what its processor says,
// without what the node's key gpu forbids.
uint32_t residency_memories(const struct graph_node *node, const struct descriptor_port *port);

// Whether the node may use a GPU: nothing keeps it from one, or its sandbox shows it.
bool residency_is_granted(const struct graph_node *node);

// A GPU before the CPU; the CPU also for ends that do not meet.
enum sb_memory residency_choose(uint32_t from, uint32_t to);

// Whether the processes of a node can open a GPU: it was granted, or nothing is kept from them.
bool residency_is_granted(const struct graph_node *node);

// What is wrong with the key gpu of a node whose processor is known, and with its grants.
void residency_check_node(const struct graph *graph, const struct graph_node *node,
                          struct diags *diags);

// One sentence: why the frames of a checked link are where they are.
void residency_reason(const struct graph *graph, const struct graph_link *link, char *out,
                      size_t size_bytes);
