// SPDX-License-Identifier: Apache-2.0
// Loads graph files without asking any processor: exit status 0, or 78 and what is wrong.
#include <stdio.h>

#include "broker/graph/graph_file.h"

int main(int argc, char **argv)
{
    int status = 0;
    for (int i = 1; i < argc; i++) {
        struct diags diags = {.count = 0};
        struct graph *graph = NULL;
        if (graph_file_read(argv[i], &graph, &diags) != 0 || graph->is_incomplete) {
            diags_print(&diags, stderr);
            status = 78;
        }
        graph_destroy(graph);
    }
    return status;
}
