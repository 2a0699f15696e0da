// SPDX-License-Identifier: Apache-2.0
// Converters as nodes of a graph: put into links that need them, and taken out again. Pure.
//
// The id of an inserted node is that of the reader and of the processor, "blur-convert", with a
// number behind it where that is taken. Links are served in the order of their addresses, so ids
// depend neither on the order of a file nor on that of events, and nodes of the user come first.
#pragma once

#include "broker/graph.h"

// Puts the converters of found.conversion into each link that has some: nodes and links are
// appended, none moves. What is appended has no `found` yet. Returns 0 or -ENOMEM.
int insertion_apply(struct graph *graph);

// Gives the graph back as it was written.
void insertion_undo(struct graph *graph);
