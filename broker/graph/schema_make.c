// SPDX-License-Identifier: Apache-2.0
// Build tool: prints the JSON Schema of graph files, or a table of docs/graph.md.
#include <stdio.h>
#include <string.h>

#include "broker/graph/graph_schema.h"

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "schema") == 0) {
        return graph_schema_print(stdout) == 0 ? 0 : 1;
    }
    for (int i = GRAPH_SECTION_GRAPH; argc == 2 && i <= GRAPH_SECTION_LINK; i++) {
        if (strcmp(argv[1], graph_fields_section_name((enum graph_section)i)) == 0) {
            graph_schema_print_table((enum graph_section)i, stdout);
            return 0;
        }
    }
    fprintf(stderr, "usage: schema_make schema|graph|node|link\n");
    return 2;
}
