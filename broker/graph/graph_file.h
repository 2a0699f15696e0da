// SPDX-License-Identifier: Apache-2.0
// Graph files, version 1: from YAML bytes to a struct graph.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "broker/graph/diags.h"
#include "broker/graph/graph.h"

#define GRAPH_FILE_BYTES_MAX (1024 * 1024)
#define GRAPH_FILE_WAIT_NS INT64_C(5000000000)

// Parses bytes (hostile) and checks every key and value by itself. path is what messages show, and
// its folder is where relative paths start from; it must outlive diags. Returns 0; -EINVAL with the
// errors in diags (*out_graph is untouched); -ENOMEM.
int graph_file_load(const char *path, const char *bytes, size_t count, struct graph **out_graph,
                    struct diags *diags);

// As graph_file_load(), but what is wrong costs only itself: with errors in diags it still returns
// 0 and what could be read, marked is_incomplete, so that graph_check() finds the rest as well.
int graph_file_load_part(const char *path, const char *bytes, size_t count,
                         struct graph **out_graph, struct diags *diags);

// Reads the file and loads it in part. Returns also -ENOENT and other errors of reading, with one
// line in diags. A pipe has GRAPH_FILE_WAIT_NS to send all of it and to end, else -ETIMEDOUT.
int graph_file_read(const char *path, struct graph **out_graph, struct diags *diags);

// The same in a loop that may not wait: all but an ordinary file is -ENOTSUP.
int graph_file_read_at_once(const char *path, struct graph **out_graph, struct diags *diags);
