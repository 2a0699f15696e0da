// SPDX-License-Identifier: Apache-2.0
// The schema and the tables have every key of the table.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "broker/graph/graph_schema.h"

static json_t *load_schema(void)
{
    char *text = NULL;
    size_t count = 0;
    FILE *out = open_memstream(&text, &count);
    assert_int_equal(graph_schema_print(out), 0);
    fclose(out);
    json_t *schema = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    assert_non_null(schema);
    return schema;
}

// The mapping that the keys of a section are in.
static const json_t *section_of(const json_t *schema, enum graph_section section)
{
    const json_t *properties = json_object_get(schema, "properties");
    if (section == GRAPH_SECTION_NODE) {
        return json_object_get(json_object_get(properties, "nodes"), "additionalProperties");
    }
    if (section == GRAPH_SECTION_LINK) {
        const json_t *items = json_object_get(json_object_get(properties, "links"), "items");
        return json_array_get(json_object_get(items, "anyOf"), 1);
    }
    return schema;
}

// The mapping among the ways in which a group may be written.
static const json_t *mapping_of(const json_t *schema)
{
    const json_t *ways = json_object_get(schema, "anyOf");
    size_t count = json_array_size(ways);
    return count > 0 ? json_array_get(ways, count - 1) : schema;
}

// R-GRAPH-025
static void every_key_is_in_the_schema_and_no_other_is_allowed(void **state)
{
    (void)state;
    json_t *schema = load_schema();
    for (int i = 0; i < GRAPH_FIELDS_COUNT; i++) {
        const struct graph_field_row *row = graph_fields_row((enum graph_field)i);
        const json_t *map = section_of(schema, row->section);
        const char *dot = strchr(row->path, '.');
        assert_true(json_is_false(json_object_get(map, "additionalProperties")));
        if (dot != NULL) {
            char group[64];
            snprintf(group, sizeof(group), "%.*s", (int)(dot - row->path), row->path);
            map = mapping_of(json_object_get(json_object_get(map, "properties"), group));
            assert_true(json_is_false(json_object_get(map, "additionalProperties")));
        }
        const json_t *key =
            json_object_get(json_object_get(map, "properties"), dot != NULL ? dot + 1 : row->path);
        const char *description = json_string_value(json_object_get(key, "description"));
        assert_non_null(description);
        assert_int_equal(strncmp(description, row->meaning, strlen(row->meaning)), 0);
    }
    json_decref(schema);
}

static void every_key_is_a_line_of_its_table(void **state)
{
    (void)state;
    for (int section = GRAPH_SECTION_GRAPH; section <= GRAPH_SECTION_LINK; section++) {
        static char text[32 * 1024];
        FILE *out = fmemopen(text, sizeof(text), "w");
        graph_schema_print_table((enum graph_section)section, out);
        fclose(out);
        for (int i = 0; i < GRAPH_FIELDS_COUNT; i++) {
            const struct graph_field_row *row = graph_fields_row((enum graph_field)i);
            char start[128];
            snprintf(start, sizeof(start), "\n| `%s` | ", row->path);
            if ((int)row->section == section) {
                assert_non_null(strstr(text, start));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_is_in_the_schema_and_no_other_is_allowed),
        cmocka_unit_test(every_key_is_a_line_of_its_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
