// SPDX-License-Identifier: Apache-2.0
// Compares two graphs by ids, addresses and the table of fields.
#include "broker/graph/graph_difference.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "broker/graph/descriptor.h"
#include "broker/graph/graph_fields.h"

static const char *const kind_names[] = {
#define X(NAME, word, text) [DIFFERENCE_##NAME] = word,
    DIFFERENCES(X)
#undef X
};

static const enum difference_effect effects[GRAPH_FIELDS_COUNT] = {
    [GRAPH_FIELD_GRAPH_VERSION] = EFFECT_FIXED,
    [GRAPH_FIELD_GRAPH_NAME] = EFFECT_FIXED,
    [GRAPH_FIELD_GRAPH_FPS] = EFFECT_RULES,
    [GRAPH_FIELD_GRAPH_PRECISE] = EFFECT_FIXED,
    [GRAPH_FIELD_GRAPH_COMMIT] = EFFECT_RULES,
    [GRAPH_FIELD_GRAPH_NODES_MAX] = EFFECT_RULES,
    [GRAPH_FIELD_GRAPH_SHARED_MEMORY] = EFFECT_RULES,
    [GRAPH_FIELD_GRAPH_POLICY] = EFFECT_FIXED,
    [GRAPH_FIELD_GRAPH_KEYS] = EFFECT_FIXED,
    [GRAPH_FIELD_GRAPH_DEAD_DIR] = EFFECT_FIXED,
    [GRAPH_FIELD_GRAPH_DEAD_MAX] = EFFECT_FIXED,
    [GRAPH_FIELD_NODE_EXEC] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_CONFIG] = EFFECT_CONFIG,
    [GRAPH_FIELD_NODE_MODE] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_INTERVAL] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_PRIORITY] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_CPUS] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_SPIN] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_ACTIVATE] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_BATCH] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_WITHIN] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_EVERY] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_RESTART_WHEN] = EFFECT_RULES,
    [GRAPH_FIELD_NODE_RESTART_MAX] = EFFECT_RULES,
    [GRAPH_FIELD_NODE_RESTART_WINDOW] = EFFECT_RULES,
    [GRAPH_FIELD_NODE_RESTART_DELAY] = EFFECT_RULES,
    [GRAPH_FIELD_NODE_RESTART_MAX_DELAY] = EFFECT_RULES,
    [GRAPH_FIELD_NODE_RESTART_THEN] = EFFECT_RULES,
    [GRAPH_FIELD_NODE_CRASH_FRAME] = EFFECT_RULES,
    [GRAPH_FIELD_NODE_POISON_AFTER] = EFFECT_RULES,
    [GRAPH_FIELD_NODE_ON_STALL] = EFFECT_RULES,
    [GRAPH_FIELD_NODE_START_TIMEOUT] = EFFECT_RULES,
    [GRAPH_FIELD_NODE_PROCESS_TIMEOUT] = EFFECT_RULES,
    [GRAPH_FIELD_NODE_STOP_TIMEOUT] = EFFECT_RULES,
    [GRAPH_FIELD_NODE_SANDBOX] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_TIER] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_READ] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_WRITE] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_NETWORK] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_DEVICES] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_DISPLAY] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_ROOTFS] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_ENV] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_DEGRADE] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_REQUIRE] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_MEMORY_LIMIT] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_CPU_LIMIT] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_PIDS_LIMIT] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_FILES_LIMIT] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_LOG_RATE] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_TMPFS_LIMIT] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_GPU_MEMORY] = EFFECT_PROCESS,
    [GRAPH_FIELD_NODE_OPTIONAL] = EFFECT_RULES,
    [GRAPH_FIELD_NODE_GPU] = EFFECT_PROCESS,
    [GRAPH_FIELD_LINK_FROM] = EFFECT_IDENTITY,
    [GRAPH_FIELD_LINK_TO] = EFFECT_IDENTITY,
    [GRAPH_FIELD_LINK_DEPTH] = EFFECT_MEMORY,
    [GRAPH_FIELD_LINK_DELIVERY] = EFFECT_MEMORY,
    [GRAPH_FIELD_LINK_AUTO_TRANSFER] = EFFECT_RULES,
    [GRAPH_FIELD_LINK_TRANSPORT] = EFFECT_MEMORY,
    [GRAPH_FIELD_LINK_MAX_PAYLOAD] = EFFECT_MEMORY,
    [GRAPH_FIELD_LINK_MEMORY] = EFFECT_MEMORY,
    [GRAPH_FIELD_LINK_MAX_LAG] = EFFECT_RULES,
};

enum difference_effect graph_difference_effect(enum graph_field field)
{
    SB_ASSERT(field < GRAPH_FIELDS_COUNT);
    return effects[field];
}

const char *graph_difference_kind_name(enum difference_kind kind)
{
    SB_ASSERT(kind < DIFFERENCE_KINDS);
    return kind_names[kind];
}

// --- Values -----------------------------------------------------------------------------------

static const char *value_of(const struct graph_pairs *pairs, const struct descriptor_param *param)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->items[i].name, param->name) == 0) {
            return pairs->items[i].value;
        }
    }
    return param->initial != NULL ? param->initial : "";
}

// Parameters that are left out have their initial values: writing one of those changes nothing.
static bool is_same_param(const struct graph_node *before, const struct graph_node *after,
                          const struct descriptor_param *param)
{
    return strcmp(value_of(&before->found.params, param), value_of(&after->found.params, param)) ==
           0;
}

const char *graph_difference_fixed_param(const struct graph_node *before,
                                         const struct graph_node *after)
{
    const struct descriptor *descriptor = after->found.descriptor;
    for (size_t i = 0; i < descriptor->param_count; i++) {
        const struct descriptor_param *param = &descriptor->params[i];
        if (param->is_fixed && !is_same_param(before, after, param)) {
            return param->name;
        }
    }
    return NULL;
}

struct node_change {
    bool is_config;
    bool is_process;
    bool is_rules;
};

static void compare_params(const struct graph_node *before, const struct graph_node *after,
                           struct node_change *change)
{
    const struct descriptor *descriptor = after->found.descriptor;
    for (size_t i = 0; i < descriptor->param_count; i++) {
        const struct descriptor_param *param = &descriptor->params[i];
        if (!is_same_param(before, after, param)) {
            change->is_process = change->is_process || param->is_fixed;
            change->is_config = true;
        }
    }
}

static struct node_change compare_nodes(const struct graph_node *before,
                                        const struct graph_node *after)
{
    struct node_change change = {.is_process =
                                     strcmp(before->found.program, after->found.program) != 0};
    for (size_t i = 0; i < GRAPH_FIELDS_COUNT; i++) {
        const struct graph_field_row *row = graph_fields_row((enum graph_field)i);
        if (row->section != GRAPH_SECTION_NODE || row->id == GRAPH_FIELD_NODE_CONFIG ||
            graph_fields_is_equal(row, before, after)) {
            continue;
        }
        change.is_process = change.is_process || effects[row->id] == EFFECT_PROCESS;
        change.is_rules = change.is_rules || effects[row->id] == EFFECT_RULES;
    }
    compare_params(before, after, &change);
    return change;
}

// What is found decides: a depth or a delivery that was a default may be written out.
static bool is_same_memory(const struct graph_link *before, const struct graph_link *after)
{
    const struct graph_link_found *a = &before->found;
    const struct graph_link_found *b = &after->found;
    return a->depth == b->depth && a->delivery == b->delivery && a->claims == b->claims &&
           before->max_payload == after->max_payload && before->memory == after->memory &&
           strcmp(before->transport, after->transport) == 0;
}

static bool is_same_link_rules(const struct graph_link *before, const struct graph_link *after)
{
    return before->max_lag_ns == after->max_lag_ns &&
           before->is_auto_transfer == after->is_auto_transfer;
}

// --- Who is in both ---------------------------------------------------------------------------

static size_t find_node(const struct graph *graph, const char *id)
{
    int found = graph_find_node(graph, id);
    return found < 0 ? DIFFERENCE_NONE : (size_t)found;
}

static bool is_same_end(const struct graph_end *a, const struct graph_end *b)
{
    return strcmp(a->node, b->node) == 0 && strcmp(a->port, b->port) == 0;
}

static size_t find_link(const struct graph *graph, const struct graph_link *link)
{
    for (size_t i = 0; i < graph->link_count; i++) {
        if (is_same_end(&graph->links[i].from, &link->from) &&
            is_same_end(&graph->links[i].to, &link->to)) {
            return i;
        }
    }
    return DIFFERENCE_NONE;
}

static struct difference_item *add(struct graph_difference *difference, enum difference_kind kind,
                                   size_t before, size_t after)
{
    struct difference_item *item = &difference->items[difference->count++];
    *item = (struct difference_item){.kind = kind, .before = before, .after = after};
    return item;
}

static void add_node(struct graph_difference *difference, enum difference_kind kind, size_t before,
                     size_t after, const struct graph_node *node)
{
    struct difference_item *item = add(difference, kind, before, after);
    text_copy(item->subject, sizeof item->subject, node->id);
}

static void add_link(struct graph_difference *difference, enum difference_kind kind, size_t before,
                     size_t after, const struct graph_link *link)
{
    struct difference_item *item = add(difference, kind, before, after);
    struct text subject = TEXT_OVER(item->subject);
    text_add_format(&subject, "%s.%s -> %s.%s", link->from.node, link->from.port, link->to.node,
                    link->to.port);
}

static void find_nodes(const struct graph *before, const struct graph *after,
                       struct graph_difference *difference)
{
    for (size_t i = 0; i < before->node_count; i++) {
        if (find_node(after, before->nodes[i].id) == DIFFERENCE_NONE) {
            add_node(difference, DIFFERENCE_STOP, i, DIFFERENCE_NONE, &before->nodes[i]);
        }
    }
    for (size_t i = 0; i < after->node_count; i++) {
        const struct graph_node *node = &after->nodes[i];
        size_t old = find_node(before, node->id);
        if (old == DIFFERENCE_NONE) {
            add_node(difference, DIFFERENCE_START, DIFFERENCE_NONE, i, node);
            continue;
        }
        struct node_change change = compare_nodes(&before->nodes[old], node);
        difference->has_rules = difference->has_rules || change.is_rules;
        if (change.is_process) {
            add_node(difference, DIFFERENCE_REPLACE, old, i, node);
        } else if (change.is_config) {
            add_node(difference, DIFFERENCE_CONFIGURE, old, i, node);
        }
    }
}

static void find_links(const struct graph *before, const struct graph *after,
                       struct graph_difference *difference)
{
    for (size_t i = 0; i < before->link_count; i++) {
        if (find_link(after, &before->links[i]) == DIFFERENCE_NONE) {
            add_link(difference, DIFFERENCE_UNWIRE, i, DIFFERENCE_NONE, &before->links[i]);
        }
    }
    for (size_t i = 0; i < after->link_count; i++) {
        const struct graph_link *link = &after->links[i];
        size_t old = find_link(before, link);
        if (old == DIFFERENCE_NONE) {
            add_link(difference, DIFFERENCE_WIRE, DIFFERENCE_NONE, i, link);
            continue;
        }
        difference->has_rules =
            difference->has_rules || !is_same_link_rules(&before->links[old], link);
        if (!is_same_memory(&before->links[old], link)) {
            add_link(difference, DIFFERENCE_UPDATE, old, i, link);
        }
    }
}

static void find_graph(const struct graph *before, const struct graph *after,
                       struct graph_difference *difference)
{
    for (size_t i = 0; i < GRAPH_FIELDS_COUNT; i++) {
        const struct graph_field_row *row = graph_fields_row((enum graph_field)i);
        if (row->section != GRAPH_SECTION_GRAPH || graph_fields_is_equal(row, before, after)) {
            continue;
        }
        difference->has_rules = true;
        if (effects[row->id] == EFFECT_FIXED && !difference->is_impossible) {
            difference->is_impossible = true;
            difference->fixed = row->id;
        }
    }
}

static int compare_items(const void *a, const void *b)
{
    const struct difference_item *first = a;
    const struct difference_item *second = b;
    int order = (int)first->kind - (int)second->kind;
    return order != 0 ? order : strcmp(first->subject, second->subject);
}

int graph_difference_find(const struct graph *before, const struct graph *after,
                          struct graph_difference *out_difference)
{
    size_t most = before->node_count + after->node_count + before->link_count + after->link_count;
    struct graph_difference difference = {.items =
                                              calloc(most + 1, sizeof(struct difference_item))};
    if (difference.items == NULL) {
        return -ENOMEM;
    }
    find_graph(before, after, &difference);
    find_nodes(before, after, &difference);
    find_links(before, after, &difference);
    qsort(difference.items, difference.count, sizeof difference.items[0], compare_items);
    *out_difference = difference;
    return 0;
}

int graph_difference_again(const struct graph *graph, const bool *is_again, const bool *is_out,
                           struct graph_difference *out_difference)
{
    size_t most = 2 * (graph->node_count + graph->link_count);
    struct graph_difference difference = {.items =
                                              calloc(most + 1, sizeof(struct difference_item))};
    if (difference.items == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < graph->node_count; i++) {
        if (is_again[i]) {
            add_node(&difference, DIFFERENCE_STOP, i, DIFFERENCE_NONE, &graph->nodes[i]);
            add_node(&difference, DIFFERENCE_START, DIFFERENCE_NONE, i, &graph->nodes[i]);
        }
    }
    for (size_t i = 0; i < graph->link_count; i++) {
        const struct graph_link *link = &graph->links[i];
        size_t from = find_node(graph, link->from.node);
        size_t to = find_node(graph, link->to.node);
        if (!is_again[from] && !is_again[to]) {
            continue;
        }
        add_link(&difference, DIFFERENCE_UNWIRE, i, DIFFERENCE_NONE, link);
        if (!is_out[from] && !is_out[to]) {
            add_link(&difference, DIFFERENCE_WIRE, DIFFERENCE_NONE, i, link);
        }
    }
    qsort(difference.items, difference.count, sizeof difference.items[0], compare_items);
    *out_difference = difference;
    return 0;
}

void graph_difference_fini(struct graph_difference *difference)
{
    free(difference->items);
    *difference = (struct graph_difference){0};
}

size_t graph_difference_count(const struct graph_difference *difference, enum difference_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < difference->count; i++) {
        count += difference->items[i].kind == kind ? 1 : 0;
    }
    return count;
}
