// SPDX-License-Identifier: Apache-2.0
// Graphs that are written in a test.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "broker/graph/graph_file.h"

// The text is a graph; what is wrong with it is printed.
static inline struct graph *graph_text_load(const char *text)
{
    struct diags diags = {.count = 0};
    struct graph *graph = NULL;
    int failed = graph_file_load("g.yaml", text, strlen(text), &graph, &diags);
    diags_print(&diags, stderr);
    assert_int_equal(failed, 0);
    return graph;
}
