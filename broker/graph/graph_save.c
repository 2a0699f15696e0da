// SPDX-License-Identifier: Apache-2.0
// Makes one tree of the canonical form and prints it as YAML or JSON.
#include "broker/graph/graph_save.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "broker/graph/graph_fields.h"

// One value of the table as JSON: numbers and booleans as such, the rest as text.
static json_t *scalar_of(const struct graph_field_row *row, const void *base)
{
    char text[4352];
    graph_fields_format(row, base, text, sizeof(text));
    if (row->kind == GRAPH_KIND_BOOL) {
        return json_boolean(strcmp(text, "true") == 0);
    }
    char *end;
    long long number = strtoll(text, &end, 10);
    bool is_number = *end == '\0' && row->kind != GRAPH_KIND_ID && row->kind != GRAPH_KIND_PATH &&
                     row->kind != GRAPH_KIND_DURATION;
    // A duration of nothing is the one that needs no unit.
    return is_number || strcmp(text, "0") == 0 ? json_integer(number) : json_string(text);
}

static json_t *strings_of(const struct graph_strings *strings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < strings->count; i++) {
        json_array_append_new(list, json_string(strings->items[i]));
    }
    return list;
}

static json_t *numbers_of(const struct graph_numbers *numbers)
{
    json_t *list = json_array();
    for (size_t i = 0; i < numbers->count; i++) {
        json_array_append_new(list, json_integer(numbers->items[i]));
    }
    return list;
}

static json_t *pairs_of(const struct graph_pairs *pairs)
{
    json_t *map = json_object();
    for (size_t i = 0; i < pairs->count; i++) {
        json_object_set_new(map, pairs->items[i].name, json_string(pairs->items[i].value));
    }
    return map;
}

static json_t *end_of(const struct graph_end *end)
{
    return json_sprintf("%s.%s", end->node, end->port);
}

static json_t *value_of(const struct graph_field_row *row, const void *base)
{
    const void *member = (const char *)base + row->offset;
    if (row->kind == GRAPH_KIND_STRINGS) {
        return strings_of(member);
    }
    if (row->kind == GRAPH_KIND_NUMBERS) {
        return numbers_of(member);
    }
    if (row->kind == GRAPH_KIND_PAIRS) {
        return pairs_of(member);
    }
    return row->kind == GRAPH_KIND_END ? end_of(member) : scalar_of(row, base);
}

// True for the short form of a group ("sandbox: trusted") when only its own value was given.
static bool is_short(const struct graph_field_row *row, const void *base)
{
    size_t length = strlen(row->path);
    for (size_t i = 0; i < GRAPH_FIELDS_COUNT; i++) {
        const struct graph_field_row *other = graph_fields_row((enum graph_field)i);
        if (other->section == row->section && strncmp(other->path, row->path, length) == 0 &&
            other->path[length] == '.' && other->offset != row->offset &&
            !graph_fields_is_default(other, base)) {
            return false;
        }
    }
    return true;
}

// Decides whether a row is written: of a value with two forms just one is.
static bool is_written(const struct graph_field_row *row, const void *base)
{
    if (graph_fields_is_default(row, base)) {
        return false;
    }
    if (graph_fields_is_group(row->section, row->path)) {
        return is_short(row, base);
    }
    if (row->id == GRAPH_FIELD_NODE_TIER) {
        return !is_short(graph_fields_row(GRAPH_FIELD_NODE_SANDBOX), base);
    }
    return true;
}

static void add_section(json_t *map, enum graph_section section, const void *base)
{
    for (size_t i = 0; i < GRAPH_FIELDS_COUNT; i++) {
        const struct graph_field_row *row = graph_fields_row((enum graph_field)i);
        if (row->section != section || !is_written(row, base)) {
            continue;
        }
        const char *dot = strchr(row->path, '.');
        if (dot == NULL) {
            json_object_set_new(map, row->path, value_of(row, base));
            continue;
        }
        char group[64];
        snprintf(group, sizeof(group), "%.*s", (int)(dot - row->path), row->path);
        json_t *inner = json_object_get(map, group);
        if (inner == NULL) {
            inner = json_object();
            json_object_set_new(map, group, inner);
        }
        json_object_set_new(inner, dot + 1, value_of(row, base));
    }
}

static int compare_nodes(const void *a, const void *b)
{
    const struct graph_node *const *first = a;
    const struct graph_node *const *second = b;
    return strcmp((*first)->id, (*second)->id);
}

static int compare_ends(const struct graph_end *a, const struct graph_end *b)
{
    int order = strcmp(a->node, b->node);
    return order != 0 ? order : strcmp(a->port, b->port);
}

// Where a link leads as it was written.
static const struct graph_end *end_to(const struct graph_link *link)
{
    return link->written != NULL ? &link->written->to : &link->to;
}

static int compare_links(const void *a, const void *b)
{
    const struct graph_link *const *first = a;
    const struct graph_link *const *second = b;
    int order = compare_ends(&(*first)->from, &(*second)->from);
    return order != 0 ? order : compare_ends(end_to(*first), end_to(*second));
}

// Pointers to count items of size item_bytes, sorted. The caller frees them.
static const void **sort(const void *items, size_t count, size_t item_bytes,
                         int (*compare)(const void *, const void *))
{
    const void **sorted = calloc(count + 1, sizeof(*sorted));
    for (size_t i = 0; i < count && sorted != NULL; i++) {
        sorted[i] = (const char *)items + i * item_bytes;
    }
    if (sorted != NULL) {
        qsort(sorted, count, sizeof(*sorted), compare);
    }
    return sorted;
}

static json_t *links_of(const struct graph *graph)
{
    auto_free const void **sorted =
        sort(graph->links, graph->link_count, sizeof(*graph->links), compare_links);
    json_t *list = json_array();
    for (size_t i = 0; i < graph->link_count && sorted != NULL; i++) {
        const struct graph_link *link = sorted[i];
        if (link->is_inserted) {
            continue;
        }
        link = link->written != NULL ? link->written : link;
        json_t *map = json_object();
        add_section(map, GRAPH_SECTION_LINK, link);
        if (json_object_size(map) == 2) {
            // Nothing but its ends.
            json_array_append_new(list,
                                  json_sprintf("%s.%s -> %s.%s", link->from.node, link->from.port,
                                               link->to.node, link->to.port));
            json_decref(map);
        } else {
            json_array_append_new(list, map);
        }
    }
    return list;
}

static json_t *tree_of(const struct graph *graph)
{
    json_t *root = json_object();
    add_section(root, GRAPH_SECTION_GRAPH, graph);
    json_t *nodes = json_object();
    auto_free const void **sorted =
        sort(graph->nodes, graph->node_count, sizeof(*graph->nodes), compare_nodes);
    for (size_t i = 0; i < graph->node_count && sorted != NULL; i++) {
        const struct graph_node *node = sorted[i];
        if (node->is_inserted) {
            continue;
        }
        json_t *map = json_object();
        add_section(map, GRAPH_SECTION_NODE, node);
        json_object_set_new(nodes, node->id, map);
    }
    json_object_set_new(root, "nodes", nodes);
    json_object_set_new(root, "links", links_of(graph));
    return root;
}

// What needs no quotes whoever reads it: letters, digits and signs without a meaning in YAML.
static bool is_plain(const char *text)
{
    static const char *const words[] = {"null", "Null", "NULL"};
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            return false;
        }
    }
    bool is_sign = text[0] == '-' && !isdigit((unsigned char)text[1]);
    return text[0] != '\0' && text[0] != '%' && !is_sign &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./%+-") ==
               strlen(text);
}

// One character inside double quotes, as both JSON and YAML read it. YAML counts some characters
// beyond ASCII as line ends.
static void print_quoted_character(FILE *out, const char *bytes, size_t length)
{
    unsigned char byte = (unsigned char)bytes[0];
    if (byte == '"' || byte == '\\') {
        fprintf(out, "\\%c", byte);
    } else if (byte == '\n' || byte == '\t') {
        fputs(byte == '\n' ? "\\n" : "\\t", out);
    } else if (byte < 0x20 || byte == 0x7F) {
        fprintf(out, "\\u%04x", byte);
    } else if (length == 2 && byte == 0xC2 && (unsigned char)bytes[1] < 0xA0) {
        fprintf(out, "\\u%04x", (unsigned char)bytes[1]);
    } else if (length == 3 && memcmp(bytes, "\xE2\x80\xA8", 3) == 0) {
        fputs("\\u2028", out);
    } else if (length == 3 && memcmp(bytes, "\xE2\x80\xA9", 3) == 0) {
        fputs("\\u2029", out);
    } else if (length == 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
        fputs("\\ufeff", out);
    } else if (length == 3 && memcmp(bytes, "\xEF\xBF", 2) == 0 && (unsigned char)bytes[2] > 0xBD) {
        fputs((unsigned char)bytes[2] == 0xBE ? "\\ufffe" : "\\uffff", out);
    } else {
        fwrite(bytes, 1, length, out);
    }
}

enum form { FORM_YAML, FORM_JSON };

static void print_text(FILE *out, const char *text, enum form form)
{
    if (form == FORM_YAML && is_plain(text)) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    size_t count = strlen(text);
    for (size_t i = 0; i < count;) {
        size_t length = text_utf8_length(text + i, count - i);
        length = length == 0 ? 1 : length;
        print_quoted_character(out, text + i, length);
        i += length;
    }
    fputc('"', out);
}

// A value on the same line: {a: b} and [a, b] for what is not a block.
static void print_flow(FILE *out, json_t *value, enum form form)
{
    const char *comma = "";
    if (json_is_string(value)) {
        print_text(out, json_string_value(value), form);
    } else if (json_is_integer(value)) {
        fprintf(out, "%lld", (long long)json_integer_value(value));
    } else if (json_is_boolean(value)) {
        fputs(json_is_true(value) ? "true" : "false", out);
    } else if (json_is_array(value)) {
        size_t i;
        json_t *item;
        fputc('[', out);
        json_array_foreach(value, i, item)
        {
            fputs(comma, out);
            print_flow(out, item, form);
            comma = ", ";
        }
        fputc(']', out);
    } else {
        const char *key;
        json_t *item;
        fputc('{', out);
        json_object_foreach(value, key, item)
        {
            fputs(comma, out);
            print_text(out, key, form);
            fputs(": ", out);
            print_flow(out, item, form);
            comma = ", ";
        }
        fputc('}', out);
    }
}

static void print_nodes(FILE *out, json_t *nodes)
{
    const char *id;
    json_t *node;
    fputs(json_object_size(nodes) > 0 ? "nodes:\n" : "nodes: {}\n", out);
    json_object_foreach(nodes, id, node)
    {
        const char *key;
        json_t *value;
        fprintf(out, "  %s:\n", id);
        json_object_foreach(node, key, value)
        {
            fprintf(out, "    %s: ", key);
            print_flow(out, value, FORM_YAML);
            fputc('\n', out);
        }
    }
}

static void print_links(FILE *out, json_t *links)
{
    size_t i;
    json_t *link;
    fputs(json_array_size(links) > 0 ? "links:\n" : "links: []\n", out);
    json_array_foreach(links, i, link)
    {
        fputs("  - ", out);
        if (json_is_string(link)) {
            fputs(json_string_value(link), out);
        } else {
            print_flow(out, link, FORM_YAML);
        }
        fputc('\n', out);
    }
}

static void print_yaml(FILE *out, const struct graph *graph)
{
    json_t *root = tree_of(graph);
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        if (strcmp(key, "nodes") == 0) {
            print_nodes(out, value);
        } else if (strcmp(key, "links") == 0) {
            print_links(out, value);
        } else {
            fprintf(out, "%s: ", key);
            print_flow(out, value, FORM_YAML);
            fputc('\n', out);
        }
    }
    json_decref(root);
}

// One line per key, node and link.
static void print_json(FILE *out, const struct graph *graph)
{
    json_t *root = tree_of(graph);
    const char *key;
    json_t *value;
    const char *before = "{\n  ";
    json_object_foreach(root, key, value)
    {
        const char *id;
        json_t *node;
        size_t i;
        const char *inner = "\n    ";
        bool is_nodes = strcmp(key, "nodes") == 0;
        bool is_links = strcmp(key, "links") == 0;
        fprintf(out, "%s\"%s\": ", before, key);
        before = ",\n  ";
        if (!is_nodes && !is_links) {
            print_flow(out, value, FORM_JSON);
            continue;
        }
        fputs(is_nodes ? "{" : "[", out);
        json_object_foreach(value, id, node)
        {
            fprintf(out, "%s\"%s\": ", inner, id);
            print_flow(out, node, FORM_JSON);
            inner = ",\n    ";
        }
        json_array_foreach(value, i, node)
        {
            fputs(inner, out);
            print_flow(out, node, FORM_JSON);
            inner = ",\n    ";
        }
        fputs(is_nodes ? "}" : "]", out);
    }
    fputs("\n}\n", out);
    json_decref(root);
}

static int save(const struct graph *graph, void (*print)(FILE *, const struct graph *),
                char **out_text, size_t *out_count)
{
    char *text = NULL;
    size_t count = 0;
    FILE *out = open_memstream(&text, &count);
    if (out == NULL) {
        return -ENOMEM;
    }
    print(out, graph);
    bool is_bad = ferror(out) != 0;
    if (fclose(out) != 0 || is_bad) {
        free(text);
        return -ENOMEM;
    }
    *out_text = text;
    *out_count = count;
    return 0;
}

int graph_save_yaml(const struct graph *graph, char **out_text, size_t *out_count)
{
    return save(graph, print_yaml, out_text, out_count);
}

int graph_save_json(const struct graph *graph, char **out_text, size_t *out_count)
{
    return save(graph, print_json, out_text, out_count);
}

int graph_save_checksum(const struct graph *graph, uint8_t out_sum[GRAPH_CHECKSUM_BYTES])
{
    auto_free char *text = NULL;
    size_t count;
    int failed = graph_save_yaml(graph, &text, &count);
    if (failed == 0) {
        crypto_generichash(out_sum, GRAPH_CHECKSUM_BYTES, (const unsigned char *)text, count, NULL,
                           0);
    }
    return failed;
}
