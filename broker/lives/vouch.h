// SPDX-License-Identifier: Apache-2.0
// The signatures of a graph: whom it trusts, and what becomes of processors nobody vouches for.
#pragma once

#include "broker/graph/catalog.h"
#include "broker/graph/diags.h"
#include "broker/graph/graph.h"

// Opens the keys of a graph and makes the catalog judge by them; out_trust is NULL where signatures
// are off. Keys that cannot be used are a refusal in diags, and then none of them counts. Returns 0
// or -ENOMEM.
int vouch_begin(const struct graph *graph, struct catalog *catalog, struct diags *diags,
                struct trust **out_trust);

// The catalog judges no more.
void vouch_end(struct catalog *catalog, struct trust *trust);

// Refuses a processor of which the catalog said -EKEYREJECTED.
void vouch_refuse(const struct graph *graph, const struct graph_node *node, const char *why,
                  struct diags *diags);

// What follows for a node whose processor was found: a warning when nobody vouches for it, and a
// refusal of variables that would let unsigned code into a signed one.
void vouch_check_node(const struct graph *graph, const struct graph_node *node, const char *why,
                      struct diags *diags);

// Before a signed processor runs: an older version of it is refused from then on. Returns 0, or a
// negative errno with a sentence part in out_why.
int vouch_remember(const struct graph_node *node, struct diag *out_why);
