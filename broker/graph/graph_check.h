// SPDX-License-Identifier: Apache-2.0
// The check of a whole graph against the processors that it names; fills the `found` parts.
#pragma once

#include "broker/graph/catalog.h"
#include "broker/graph/conversion.h"
#include "broker/graph/diags.h"
#include "broker/graph/graph.h"

// Adds everything that is wrong to diags. Starts no node. Returns 0 when nothing is wrong (there
// may be warnings): then `found` of every node and link is filled. Returns -EINVAL when diags has
// errors or refusals (diags_exit_status() tells which), -ENOMEM, or -EINPROGRESS when the catalog
// does not wait and a program has not described itself yet: then diags means nothing. Print diags
// before the graph is destroyed: the name of the file in it is the graph's.
int graph_check(struct graph *graph, struct catalog *catalog, struct diags *diags);

// Puts a conversion that negotiation found into a link of a checked graph: its nodes and links are
// appended, and `found` is filled. The arrays of the graph move, and what points into the old ones
// stays valid until the graph is destroyed. Returns 0; -ENOENT when a converter is not installed;
// -EINVAL with diags; -ENOMEM.
int graph_check_insert(struct graph *graph, size_t link_index, const struct conversion *conversion,
                       struct diags *diags);

// What a check that found nothing wrong prints to stdout.
enum graph_check_print {
    GRAPH_CHECK_QUIET,
    GRAPH_CHECK_YAML,  // the canonical form
    GRAPH_CHECK_JSON,
    GRAPH_CHECK_DOT,  // Graphviz
    GRAPH_CHECK_TEXT,
    GRAPH_CHECK_GRANTS,  // what each node can reach
    GRAPH_CHECK_GRANTS_JSON,
};

// `streambroker --check PATH`: reads, checks and prints what is wrong to stderr. Returns the exit
// status: 0, 66, 70, 77 or 78.
int graph_check_command(const char *path, struct catalog *catalog, enum graph_check_print print);
