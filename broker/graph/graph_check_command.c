// SPDX-License-Identifier: Apache-2.0
// `streambroker --check`: what is wrong goes to stderr, what was asked for to stdout.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "broker/graph/graph_check.h"
#include "broker/graph/graph_file.h"
#include "broker/graph/graph_print.h"
#include "broker/graph/graph_save.h"
#include "broker/lives/grant_list.h"

enum { EXIT_NO_INPUT = 66, EXIT_INTERNAL = 70 };

static int print_graph(const struct graph *graph, enum graph_check_print print)
{
    auto_free char *text = NULL;
    size_t count = 0;
    int failed = 0;
    switch (print) {
    case GRAPH_CHECK_QUIET:
        return 0;
    case GRAPH_CHECK_YAML:
        failed = graph_save_yaml(graph, &text, &count);
        break;
    case GRAPH_CHECK_JSON:
        failed = graph_print_json(graph, NULL, &text, &count);
        break;
    case GRAPH_CHECK_DOT:
        failed = graph_print_dot(graph, NULL, &text, &count);
        break;
    case GRAPH_CHECK_TEXT:
        failed = graph_print_text(graph, NULL, &text, &count);
        break;
    case GRAPH_CHECK_GRANTS:
    case GRAPH_CHECK_GRANTS_JSON:
        return grant_list_print(graph, print == GRAPH_CHECK_GRANTS_JSON, stdout);
    }
    if (failed == 0 && (fwrite(text, 1, count, stdout) != count || fflush(stdout) != 0)) {
        failed = -errno;
    }
    return failed;
}

static int check(const char *path, struct catalog *catalog, enum graph_check_print print,
                 struct graph **graph, struct diags *diags)
{
    int failed = graph_file_read(path, graph, diags);
    if (failed != 0) {
        return failed == -ENOMEM ? EXIT_INTERNAL : failed == -EINVAL ? 78 : EXIT_NO_INPUT;
    }
    failed = graph_check(*graph, catalog, diags);
    if (failed == -ENOMEM) {
        return EXIT_INTERNAL;
    }
    if (failed != 0) {
        return diags_exit_status(diags);
    }
    return print_graph(*graph, print) == 0 ? 0 : EXIT_INTERNAL;
}

int graph_check_command(const char *path, struct catalog *catalog, enum graph_check_print print)
{
    struct graph *graph = NULL;
    struct diags diags = {.count = 0};
    int status = check(path, catalog, print, &graph, &diags);
    diags_print(&diags, stderr);
    if (status == EXIT_INTERNAL) {
        fprintf(stderr, "%s: out of memory, or stdout cannot be written\n", path);
    }
    graph_destroy(graph);
    return status;
}
