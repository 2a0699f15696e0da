// SPDX-License-Identifier: Apache-2.0
// test: uses=broker
// Any bytes as a graph file: refused with a place, or loaded, saved, and loaded again as the same.
// Whatever could be read is checked as well, also where the rest of the file is wrong.
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "broker/graph/catalog.h"
#include "broker/graph/graph_check.h"
#include "broker/graph/graph_file.h"
#include "broker/graph/graph_print.h"
#include "broker/graph/graph_save.h"

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
    failed |= graph_print_dot(graph, NULL, &dot, &dot_count);
    SB_ASSERT(failed == 0);
    check_same(yaml, yaml_count, yaml, yaml_count);
    check_same(json, json_count, yaml, yaml_count);
    free(yaml);
    free(json);
    free(dot);
}

#define DESCRIPTION                                                                                \
    "{\"streambroker\":1,\"name\":\"any\",\"version\":\"1\",\"summary\":\"\","                     \
    "\"mode\":\"reactive\",\"interval_ns\":0,"                                                     \
    "\"activation\":{\"kind\":\"any\",\"count\":0,\"within_ns\":0},\"wants\":[],\"inputs\":[],"    \
    "\"outputs\":[],\"params\":[]}"

// Nothing is executed: every program that is found has the same description.
static int describe(void *context, const struct graph_node *node,
                    const struct graph_program *program, const char *folder, char *const *argv,
                    char **out_json, size_t *out_count, struct diag *out_why)
{
    (void)node;
    (void)program;
    (void)context;
    (void)folder;
    (void)argv;
    (void)out_why;
    *out_json = strdup(DESCRIPTION);
    *out_count = sizeof DESCRIPTION - 1;
    return *out_json == NULL ? -ENOMEM : 0;
}

static void check_whole(struct graph *graph, struct diags *diags)
{
    struct catalog *catalog;
    int failed = catalog_create(NULL, "/usr/bin", describe, NULL, &catalog);
    SB_ASSERT(failed == 0);
    bool is_incomplete = graph->is_incomplete;
    failed = graph_check(graph, catalog, diags);
    SB_ASSERT(failed != 0 || !is_incomplete);
    SB_ASSERT((failed == 0) == (diags_exit_status(diags) == 0));
    catalog_destroy(catalog);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct graph *graph = NULL;
    struct diags diags = {.count = 0};
    int failed = graph_file_load_part("fuzz.yaml", (const char *)data, size_bytes, &graph, &diags);
    SB_ASSERT(failed != 0 || graph->is_incomplete == (diags.counts[DIAG_ERROR] > 0));
    if (failed == 0 && !graph->is_incomplete) {
        check_saved(graph);
    }
    if (failed == 0) {
        check_whole(graph, &diags);
    }
    for (size_t i = 0; i < diags.count; i++) {
        char line[DIAGS_LINE_BYTES_MAX];
        diags_format(&diags.items[i], line, sizeof(line));
    }
    graph_destroy(graph);  // diags borrow the file's name from it
    return 0;
}
