// SPDX-License-Identifier: Apache-2.0
// What can be said before the start about links whose payloads a transport carries.
#pragma once

#include "broker/graph/diags.h"
#include "broker/graph/graph.h"

// Needs `found` of nodes and links. path as of transports_path(). Returns 0 or -ENOMEM.
int check_transport(const struct graph *graph, const char *path, struct diags *diags);
