// SPDX-License-Identifier: Apache-2.0
// Turns every row of the table into a piece of JSON Schema, and into a line of Markdown.
#include "broker/graph/graph_schema.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "base/check.h"
#include "base/text.h"

#define ID_PATTERN "[a-z][a-z0-9_-]{0,62}"
#define NUMBER_PATTERN "[0-9]+(\\.[0-9]+)?"
#define SIZE_PATTERN "^" NUMBER_PATTERN "(TiB|GiB|MiB|KiB|TB|GB|MB|kB|KB|B)?$"
#define PERCENT_PATTERN "^" NUMBER_PATTERN "%$"
#define END_PATTERN ID_PATTERN "\\." ID_PATTERN

static json_t *pattern_of(const char *pattern)
{
    return json_pack("{s:s, s:s}", "type", "string", "pattern", pattern);
}

static json_t *words_of(const struct graph_words *words)
{
    json_t *list = json_array();
    for (size_t i = 0; i < words->count; i++) {
        json_array_append_new(list, json_string(words->items[i].text));
    }
    return json_pack("{s:o}", "enum", list);
}

// Text, and what YAML takes for something else without quotes.
static json_t *text_of(void)
{
    return json_pack("{s:[s,s,s]}", "type", "string", "number", "boolean");
}

static json_t *integer_of(int64_t low, int64_t high)
{
    json_t *schema = json_pack("{s:s, s:I}", "type", "integer", "minimum", (json_int_t)low);
    if (high != INT64_MAX) {
        json_object_set_new(schema, "maximum", json_integer((json_int_t)high));
    }
    return schema;
}

static json_t *list_of(json_t *item, bool is_required)
{
    if (is_required) {
        return json_pack("{s:s, s:i, s:o}", "type", "array", "minItems", 1, "items", item);
    }
    return json_pack("{s:[s,s], s:o}", "type", "array", "null", "items", item);
}

// Kinds that are one pattern or type; NULL for those that can be written in several ways.
static json_t *simple_kind(const struct graph_field_row *row)
{
    switch (row->kind) {
    case GRAPH_KIND_ID:
        return pattern_of("^" ID_PATTERN "$");
    case GRAPH_KIND_PATH:
        return text_of();
    case GRAPH_KIND_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case GRAPH_KIND_COUNT:
        return integer_of(row->low, row->high);
    case GRAPH_KIND_PERCENT:
        return pattern_of(PERCENT_PATTERN);
    case GRAPH_KIND_CHOICE:
        return words_of(&row->words);
    case GRAPH_KIND_END:
        return pattern_of("^" END_PATTERN "$");
    case GRAPH_KIND_STRINGS:
        return list_of(row->words.count > 0 ? words_of(&row->words) : text_of(),
                       graph_fields_is_required(row));
    case GRAPH_KIND_NUMBERS:
        return list_of(integer_of(row->low, row->high), false);
    case GRAPH_KIND_PAIRS:
        return json_pack("{s:[s,s], s:o}", "type", "object", "null", "additionalProperties",
                         text_of());
    case GRAPH_KIND_DURATION:
    case GRAPH_KIND_SIZE:
    case GRAPH_KIND_SHARE:
    case GRAPH_KIND_FRACTION:
        break;
    }
    return NULL;
}

static void add_ways(const struct graph_field_row *row, json_t *ways)
{
    json_t *simple = simple_kind(row);
    if (simple != NULL) {
        json_array_append_new(ways, simple);
    }
    if (row->kind == GRAPH_KIND_DURATION) {
        json_array_append_new(ways, pattern_of("^" NUMBER_PATTERN "(ns|us|ms|s|m|h)$"));
        if (row->low == 0) {
            json_array_append_new(ways, json_pack("{s:[i,s]}", "enum", 0, "0"));
        }
    } else if (row->kind == GRAPH_KIND_SIZE || row->kind == GRAPH_KIND_SHARE) {
        json_array_append_new(ways, integer_of(row->low, row->high));
        json_array_append_new(ways, pattern_of(SIZE_PATTERN));
    } else if (row->kind == GRAPH_KIND_FRACTION) {
        json_array_append_new(ways, integer_of(row->low, row->high));
        json_array_append_new(ways, pattern_of("^[0-9]+(/[0-9]+)?$"));
    }
    if (row->kind == GRAPH_KIND_SHARE) {
        json_array_append_new(ways, pattern_of(PERCENT_PATTERN));
    }
    bool are_words_more = row->kind != GRAPH_KIND_CHOICE && row->kind != GRAPH_KIND_STRINGS;
    if (are_words_more && row->words.count > 0) {
        json_array_append_new(ways, words_of(&row->words));
    }
}

static json_t *section_of(enum graph_section section, const char *prefix);

static void describe(json_t *schema, const struct graph_field_row *row)
{
    char text[512];
    snprintf(text, sizeof(text), "%s Default: %s.", row->meaning, row->initial);
    bool is_required = graph_fields_is_required(row);
    json_object_set_new(schema, "description", json_string(is_required ? row->meaning : text));
}

// One key: every way in which it may be written.
static json_t *key_of(enum graph_section section, const char *path)
{
    const struct graph_field_row *row = graph_fields_find(section, path);
    json_t *ways = json_array();
    if (row != NULL) {
        add_ways(row, ways);
    }
    if (graph_fields_is_group(section, path)) {
        char prefix[80];
        snprintf(prefix, sizeof(prefix), "%s.", path);
        json_array_append_new(ways, section_of(section, prefix));
    }
    json_t *schema;
    if (json_array_size(ways) == 1) {
        schema = json_incref(json_array_get(ways, 0));
        json_decref(ways);
    } else {
        schema = json_pack("{s:o}", "anyOf", ways);
    }
    if (row != NULL) {
        describe(schema, row);
    }
    return schema;
}

// The mapping of all keys below prefix, and no others.
static json_t *section_of(enum graph_section section, const char *prefix)
{
    json_t *properties = json_object();
    json_t *required = json_array();
    size_t length = strlen(prefix);
    for (size_t i = 0; i < GRAPH_FIELDS_COUNT; i++) {
        const struct graph_field_row *row = graph_fields_row((enum graph_field)i);
        if (row->section != section || strncmp(row->path, prefix, length) != 0) {
            continue;
        }
        size_t key_length = strcspn(row->path + length, ".");
        char path[64];
        snprintf(path, sizeof(path), "%.*s", (int)(length + key_length), row->path);
        const char *key = path + length;
        if (json_object_get(properties, key) == NULL) {
            json_object_set_new(properties, key, key_of(section, path));
        }
        if (graph_fields_is_required(row)) {
            json_array_append_new(required, json_string(key));
        }
    }
    // Nothing at all is an empty mapping where no key is required.
    bool is_nullable = json_array_size(required) == 0;
    json_t *type = is_nullable ? json_pack("[s,s]", "object", "null") : json_string("object");
    json_t *schema = json_pack("{s:o, s:b, s:o}", "type", type, "additionalProperties", false,
                               "properties", properties);
    if (is_nullable) {
        json_decref(required);
    } else {
        json_object_set_new(schema, "required", required);
    }
    return schema;
}

static json_t *schema_of(void)
{
    json_t *root = section_of(GRAPH_SECTION_GRAPH, "");
    json_object_set_new(root, "$schema",
                        json_string("https://json-schema.org/draft/2020-12/schema"));
    json_object_set_new(root, "title", json_string("streambroker graph, version 1"));
    json_t *properties = json_object_get(root, "properties");
    json_object_set_new(properties, "nodes",
                        json_pack("{s:[s,s], s:s, s:{s:s}, s:o}", "type", "object", "null",
                                  "description", "Processors by id.", "propertyNames", "pattern",
                                  "^" ID_PATTERN "$", "additionalProperties",
                                  section_of(GRAPH_SECTION_NODE, "")));
    json_t *arrow = pattern_of("^" END_PATTERN "\\s*->\\s*" END_PATTERN "$");
    json_object_set_new(properties, "links",
                        json_pack("{s:[s,s], s:s, s:{s:[o,o]}}", "type", "array", "null",
                                  "description", "What goes where.", "items", "anyOf", arrow,
                                  section_of(GRAPH_SECTION_LINK, "")));
    json_array_append_new(json_object_get(root, "required"), json_string("nodes"));
    return root;
}

int graph_schema_print(FILE *out)
{
    json_t *root = schema_of();
    int failed = json_dumpf(root, out, JSON_INDENT(2));
    json_decref(root);
    fputc('\n', out);
    return failed == 0 && ferror(out) == 0 ? 0 : -ENOMEM;
}

// What a value may be, for the table: words, or kind and bounds.
static void format_values(const struct graph_field_row *row, struct text *text)
{
    char words[128];
    graph_fields_list_words(&row->words, words, sizeof(words));
    if (row->kind == GRAPH_KIND_CHOICE) {
        text_add(text, words);
        return;
    }
    text_add(text, graph_fields_kind_name(row->kind));
    bool has_bounds = row->kind == GRAPH_KIND_COUNT || row->kind == GRAPH_KIND_DURATION ||
                      row->kind == GRAPH_KIND_SIZE || row->kind == GRAPH_KIND_NUMBERS;
    if (has_bounds && row->low < row->high) {
        char low[32];
        char high[32];
        graph_fields_format_bound(row->kind, row->low, low, sizeof(low));
        graph_fields_format_bound(row->kind, row->high, high, sizeof(high));
        bool is_open = row->high == INT64_MAX;
        text_add_format(text, ", %s%s%s%s", is_open ? "at least " : "", low, is_open ? "" : " to ",
                        is_open ? "" : high);
    } else if (row->kind == GRAPH_KIND_COUNT) {
        text_add_format(text, ", %lld", (long long)row->low);
    }
    if (row->words.count > 0) {
        text_add_format(text, "%s%s", row->kind == GRAPH_KIND_STRINGS ? " of " : ", or ", words);
    }
}

void graph_schema_print_table(enum graph_section section, FILE *out)
{
    fprintf(out, "| key | value | default | meaning |\n|---|---|---|---|\n");
    for (size_t i = 0; i < GRAPH_FIELDS_COUNT; i++) {
        const struct graph_field_row *row = graph_fields_row((enum graph_field)i);
        if (row->section != section) {
            continue;
        }
        char values[256];
        struct text text = TEXT_OVER(values);
        format_values(row, &text);
        size_t length = strlen(row->initial);
        bool is_told = row->initial[0] == '(';
        fprintf(out, "| `%s` | %s | %.*s | %s |\n", row->path, values,
                (int)(is_told ? length - 2 : length), row->initial + (is_told ? 1 : 0),
                row->meaning);
    }
}
