// SPDX-License-Identifier: Apache-2.0
// The links of a node: those of its SETUP, and those that come and go while it runs.
#pragma once

#include "schemas/wire_worker.h"
#include "worker/runtime.h"

// Room for as many links as a node can have, so that what points to one stays valid. -ENOMEM.
int link_table_init(struct sb_node *node);

// Adds a link, or tells a known one of another delivery; each generation comes with its own.
// Returns 0; -EPROTO when the node has no such port, or too many links; -ENOMEM.
int link_table_add(struct sb_node *node, const struct wire_link *link);

// NULL when the node has no such link.
struct input_link *link_table_input(struct sb_node *node, uint32_t link_id);
struct output_link *link_table_output(struct sb_node *node, uint32_t link_id);

// Forgets a link that is gone, as far as no frame of it is held any more. Not from within a loop
// over the links of its port.
void link_table_forget_input(struct input_link *link);

void link_table_fini(struct sb_node *node);
