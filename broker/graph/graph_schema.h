// SPDX-License-Identifier: Apache-2.0
// What the table of keys says, for editors and for readers.
#pragma once

#include <stdio.h>

#include "broker/graph/graph_fields.h"

// The JSON Schema (draft 2020-12) of graph files. Returns 0 or -ENOMEM.
int graph_schema_print(FILE *out);

// The keys of a section as a table in Markdown.
void graph_schema_print_table(enum graph_section section, FILE *out);
