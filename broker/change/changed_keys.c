// SPDX-License-Identifier: Apache-2.0
// Compares two graphs key by key.
#include "broker/change/changed_keys.h"

#include <string.h>

#include "base/text.h"
#include "broker/graph/descriptor.h"
#include "broker/graph/graph_fields.h"

#define VALUE_BYTES 1024
#define RIGHTS "sandbox."

// What is written on both sides of one key. before NULL: there was nothing.
struct place {
    const char *what;
    const void *before;
    const void *after;
};

static void add(json_t *list, const char *what, const char *key, const char *now, const char *after)
{
    json_t *entry = json_pack("{s:s, s:s, s:o, s:s, s:b}", "what", what, "key", key, "now",
                              now == NULL ? json_null() : json_string(now), "after", after,
                              "is_right", strncmp(key, RIGHTS, strlen(RIGHTS)) == 0);
    json_array_append_new(list, entry);
}

static void add_strings(struct text *text, const struct graph_strings *strings)
{
    for (size_t i = 0; i < strings->count; i++) {
        text_add_format(text, "%s%s", i > 0 ? ", " : "", strings->items[i]);
    }
}

static void add_pairs(struct text *text, const struct graph_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        text_add_format(text, "%s%s=%s", i > 0 ? ", " : "", pairs->items[i].name,
                        pairs->items[i].value);
    }
}

static void add_numbers(struct text *text, const struct graph_numbers *numbers)
{
    for (size_t i = 0; i < numbers->count; i++) {
        text_add_format(text, "%s%u", i > 0 ? ", " : "", numbers->items[i]);
    }
}

static void add_end(struct text *text, const struct graph_end *end)
{
    text_add_format(text, "%s.%s", end->node, end->port);
}

// A value as people would write it; what is the default, as the table of keys has it.
static void format(const struct graph_field_row *row, const void *base, char out[VALUE_BYTES])
{
    struct text text = text_over(out, VALUE_BYTES);
    const char *member = (const char *)base + row->offset;
    if (graph_fields_is_default(row, base)) {
        text_add(&text, row->initial);
    } else if (row->kind == GRAPH_KIND_STRINGS) {
        add_strings(&text, (const struct graph_strings *)(const void *)member);
    } else if (row->kind == GRAPH_KIND_PAIRS) {
        add_pairs(&text, (const struct graph_pairs *)(const void *)member);
    } else if (row->kind == GRAPH_KIND_NUMBERS) {
        add_numbers(&text, (const struct graph_numbers *)(const void *)member);
    } else if (row->kind == GRAPH_KIND_END) {
        add_end(&text, (const struct graph_end *)(const void *)member);
    } else {
        graph_fields_format(row, base, out, VALUE_BYTES);
    }
}

static void compare_key(const struct graph_field_row *row, const struct place *place, json_t *list)
{
    char now[VALUE_BYTES];
    char after[VALUE_BYTES];
    format(row, place->after, after);
    if (place->before != NULL) {
        format(row, place->before, now);
    }
    add(list, place->what, row->path, place->before != NULL ? now : NULL, after);
}

static bool is_right(const struct graph_field_row *row)
{
    return strncmp(row->path, RIGHTS, strlen(RIGHTS)) == 0;
}

static void compare_section(enum graph_section section, const struct place *place, json_t *list)
{
    for (size_t i = 0; i < GRAPH_FIELDS_COUNT; i++) {
        const struct graph_field_row *row = graph_fields_row((enum graph_field)i);
        // The short form of the tier is the same member; parameters are compared one by one.
        bool is_other = row->section != section || row->id == GRAPH_FIELD_NODE_SANDBOX ||
                        row->id == GRAPH_FIELD_NODE_CONFIG;
        if (is_other) {
            continue;
        }
        bool is_changed = place->before != NULL
                              ? !graph_fields_is_equal(row, place->before, place->after)
                              : is_right(row) && !graph_fields_is_default(row, place->after);
        if (is_changed) {
            compare_key(row, place, list);
        }
    }
}

// As it was written, else the initial value of the processor.
static const char *param_of(const struct graph_node *node, const struct descriptor_param *param)
{
    for (size_t i = 0; i < node->config.count; i++) {
        if (strcmp(node->config.items[i].name, param->name) == 0) {
            return node->config.items[i].value;
        }
    }
    return param->initial != NULL ? param->initial : "";
}

static void compare_params(const struct graph_node *before, const struct graph_node *after,
                           json_t *list)
{
    const struct descriptor *descriptor = after->found.descriptor;
    for (size_t i = 0; i < descriptor->param_count; i++) {
        const struct descriptor_param *param = &descriptor->params[i];
        const char *now = param_of(before, param);
        const char *then = param_of(after, param);
        if (strcmp(now, then) != 0) {
            char key[VALUE_BYTES];
            struct text text = TEXT_OVER(key);
            text_add_format(&text, "config.%s", param->name);
            add(list, after->id, key, now, then);
        }
    }
}

static bool is_same_link(const struct graph_link *a, const struct graph_link *b)
{
    return strcmp(a->from.node, b->from.node) == 0 && strcmp(a->from.port, b->from.port) == 0 &&
           strcmp(a->to.node, b->to.node) == 0 && strcmp(a->to.port, b->to.port) == 0;
}

static void compare_link(const struct graph *before, const struct graph_link *after, json_t *list)
{
    for (size_t i = 0; i < before->link_count; i++) {
        if (is_same_link(&before->links[i], after)) {
            char what[2 * LIMIT_ADDRESS_BYTES_MAX];
            struct text text = TEXT_OVER(what);
            text_add_format(&text, "%s.%s -> %s.%s", after->from.node, after->from.port,
                            after->to.node, after->to.port);
            struct place place = {.what = what, .before = &before->links[i], .after = after};
            compare_section(GRAPH_SECTION_LINK, &place, list);
        }
    }
}

json_t *changed_keys_list(const struct graph *before, const struct graph *after)
{
    json_t *list = json_array();
    struct place whole = {.what = "", .before = before, .after = after};
    compare_section(GRAPH_SECTION_GRAPH, &whole, list);
    for (size_t i = 0; i < after->node_count; i++) {
        const struct graph_node *node = &after->nodes[i];
        int old = graph_find_node(before, node->id);
        struct place place = {
            .what = node->id, .before = old < 0 ? NULL : &before->nodes[old], .after = node};
        compare_section(GRAPH_SECTION_NODE, &place, list);
        if (old >= 0) {
            compare_params(&before->nodes[old], node, list);
        }
    }
    for (size_t i = 0; i < after->link_count; i++) {
        compare_link(before, &after->links[i], list);
    }
    return list;
}
