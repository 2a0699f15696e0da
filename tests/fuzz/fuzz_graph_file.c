// SPDX-License-Identifier: Apache-2.0
// test: uses=broker
// Any bytes as a graph file: refused with a place, or loaded, saved, and loaded again as the same.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "broker/graph_file.h"
#include "broker/graph_save.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

// What was loaded can be printed in every form, and its canonical form is a graph file that is
// loaded without a word and saved as the same bytes.
static void check_saved(const struct graph *graph)
{
    char *first = NULL;
    char *second = NULL;
    size_t first_count;
    size_t second_count;
    struct graph *again = NULL;
    struct diags diags = {.count = 0};
    SB_ASSERT(graph_save_yaml(graph, &first, &first_count) == 0);
    // Escapes can make it larger than a file may be.
    if (first_count <= GRAPH_FILE_BYTES_MAX / 2) {
        int failed = graph_file_load("again.yaml", first, first_count, &again, &diags);
        SB_ASSERT(failed == 0);
        SB_ASSERT(graph_save_yaml(again, &second, &second_count) == 0);
        SB_ASSERT(first_count == second_count && memcmp(first, second, first_count) == 0);
    }
    free(first);
    free(second);
    SB_ASSERT(graph_save_dot(graph, &first, &first_count) == 0);
    free(first);
    graph_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct graph *graph = NULL;
    struct diags diags = {.count = 0};
    int failed = graph_file_load("fuzz.yaml", (const char *)data, size_bytes, &graph, &diags);
    SB_ASSERT((failed == 0) == (diags.counts[DIAG_ERROR] == 0));
    if (failed == 0) {
        check_saved(graph);
        graph_destroy(graph);
    }
    for (size_t i = 0; i < diags.count; i++) {
        char line[DIAGS_LINE_BYTES_MAX];
        diags_format(&diags.items[i], line, sizeof(line));
    }
    return 0;
}
