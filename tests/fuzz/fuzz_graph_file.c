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

// The text is a graph file that is loaded without a word and saved as these bytes.
static void check_same(const char *text, size_t count, const char *yaml, size_t yaml_count)
{
    struct graph *graph = NULL;
    struct diags diags = {.count = 0};
    char *saved = NULL;
    size_t saved_count;
    // Escapes can make it larger than a file may be.
    if (count > GRAPH_FILE_BYTES_MAX) {
        return;
    }
    int failed = graph_file_load("again.yaml", text, count, &graph, &diags);
    SB_ASSERT(failed == 0);
    failed = graph_save_yaml(graph, &saved, &saved_count);
    SB_ASSERT(failed == 0);
    SB_ASSERT(saved_count == yaml_count && memcmp(saved, yaml, saved_count) == 0);
    free(saved);
    graph_destroy(graph);
}

// What was loaded can be printed in every form, and all but one of them are the same graph.
static void check_saved(const struct graph *graph)
{
    char *yaml = NULL;
    char *json = NULL;
    char *dot = NULL;
    size_t yaml_count;
    size_t json_count;
    size_t dot_count;
    int failed = graph_save_yaml(graph, &yaml, &yaml_count);
    failed |= graph_save_json(graph, &json, &json_count);
    failed |= graph_save_dot(graph, &dot, &dot_count);
    SB_ASSERT(failed == 0);
    check_same(yaml, yaml_count, yaml, yaml_count);
    check_same(json, json_count, yaml, yaml_count);
    free(yaml);
    free(json);
    free(dot);
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
