// SPDX-License-Identifier: Apache-2.0
// Finds and loads the library of a transport.
#pragma once

#include "worker/runtime.h"

// The table of a transport by its name. Returns 0; -EACCES in a node that may load none; -ENOENT
// when no folder has it; -ELIBBAD when the library is none or of another version; the reason is in
// the node's error text.
int carrier_load(struct sb_node *node, const char *name, const struct sb_transport **out_transport);
