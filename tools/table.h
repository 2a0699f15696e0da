// SPDX-License-Identifier: Apache-2.0
// Tables for people, from JSON documents and the columns of columns.def.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum table_id {
#define TABLE(NAME) TABLE_##NAME,
#define COLUMN(NAME, title, key, kind)
#include "tools/columns.def"
    TABLES_COUNT
};

// An array: a line per element below the titles; is_ids: the first column only, without a title. An
// object: a line per column, behind its title. width is that of the terminal, 0 = endless.
void table_print(enum table_id id, const json_t *document, bool is_ids, size_t width, FILE *out);

// The value at a key such as "counts.in"; NULL when there is none.
const json_t *table_value(const json_t *object, const char *key);
