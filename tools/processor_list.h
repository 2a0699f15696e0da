// SPDX-License-Identifier: Apache-2.0
// What can be put into a graph, and what one processor can do.
#pragma once

#include <stdbool.h>

// Both return an exit status.
int processor_list(bool is_json, bool is_quiet, bool is_trusted);
int processor_list_describe(const char *name, bool is_json, bool is_trusted);
