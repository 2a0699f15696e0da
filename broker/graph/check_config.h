// SPDX-License-Identifier: Apache-2.0
// The configuration of one node against the parameters that its processor declares.
#pragma once

#include "broker/graph/descriptor.h"
#include "broker/graph/diags.h"
#include "broker/graph/graph.h"

// Checks every pair of config and that nothing is missing. Fills node->found.params: the pairs,
// with absolute paths for parameters of type path. Returns 0 (also with errors in diags), -ENOMEM.
int check_config(const struct graph *graph, struct graph_node *node,
                 const struct descriptor *descriptor, struct diags *diags);

// Checks one value by the declaration of its parameter. Returns 0, or -EINVAL with "what; what to
// do" in why.
int check_config_value(const struct descriptor_param *param, const char *value, char *why,
                       size_t why_bytes);

// A path of the graph as the worker will open it: it does not run in the graph's folder. In the
// arena of the graph, or as it was given; NULL without memory.
const char *check_config_absolute(const struct graph *graph, const char *value);
