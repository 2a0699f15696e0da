// SPDX-License-Identifier: Apache-2.0
// Converters as nodes of a graph: put into links that need them, and taken out again. Pure.
//
// The id of an inserted node is that of the reader and of the processor, "blur-convert", with a
// number behind it where that is taken. Links are served in the order of their addresses, so ids
// depend neither on the order of a file nor on that of events, and nodes of the user come first.
#pragma once

#include "broker/graph/graph.h"

// How many nodes insertion_apply() would add.
size_t insertion_count(const struct graph *graph);

// Puts the converters of found.conversion into each link that has some: nodes and links are
// appended, none moves. What is appended has no `found` yet. Returns 0 or -ENOMEM.
int insertion_apply(struct graph *graph);

// Remembers that a link, which may be part of a converted one, needs a conversion, so that it gets
// it again whenever the graph is checked. Returns 0 or -ENOMEM.
int insertion_remember(struct graph *graph, size_t link_index, const struct conversion *conversion);

// What was remembered of links that another graph has too is remembered there. Before its check.
// Returns 0 or -ENOMEM.
int insertion_carry(const struct graph *from, struct graph *to);

// Gives the graph back as it was written.
void insertion_undo(struct graph *graph);
