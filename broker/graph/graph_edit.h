// SPDX-License-Identifier: Apache-2.0
// One graph, and another one that differs in one point. Pure: no process is started, none is asked.
//
// A graph is never changed in place: an edit is made on its canonical form, which is then loaded as
// a file would be, so that what an edit may say is what a file may say, with the same messages.
#pragma once

#include "broker/graph/diags.h"
#include "broker/graph/graph.h"

struct graph_edit;

// Begins with the canonical form of a graph. Returns 0 or -ENOMEM.
int graph_edit_begin(const struct graph *graph, struct graph_edit **out_edit);
void graph_edit_destroy(struct graph_edit *edit);

// Each returns 0; -ENOENT, -EEXIST or -EINVAL with a sentence in why; -ENOMEM.
//
// A node: program and arguments, then `path=value` as a file would have them ("config.width=640",
// "restart.max=2", "sandbox=trusted").
int graph_edit_add_node(struct graph_edit *edit, const char *id, const char *const *exec,
                        size_t exec_count, struct diag *why);
// With all its links.
int graph_edit_remove_node(struct graph_edit *edit, const char *id, struct diag *why);
int graph_edit_set_exec(struct graph_edit *edit, const char *id, const char *const *exec,
                        size_t exec_count, struct diag *why);
// Addresses are node.port.
int graph_edit_connect(struct graph_edit *edit, const char *from, const char *to, struct diag *why);
int graph_edit_disconnect(struct graph_edit *edit, const char *from, const char *to,
                          struct diag *why);
// An assignment is `path=value`. An empty value takes the path away, so that its default holds.
int graph_edit_set_node(struct graph_edit *edit, const char *id, const char *assignment,
                        struct diag *why);
int graph_edit_set_graph(struct graph_edit *edit, const char *assignment, struct diag *why);
int graph_edit_set_link(struct graph_edit *edit, const char *from, const char *to,
                        const char *assignment, struct diag *why);

// Loads what came of it, as the file of the graph that it began with. Returns 0; -EINVAL with diags
// (their places are meaningless: print the texts alone); -ENOMEM.
int graph_edit_load(const struct graph_edit *edit, struct graph **out_graph, struct diags *diags);
