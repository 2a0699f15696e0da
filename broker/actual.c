// SPDX-License-Identifier: Apache-2.0
// Builds the actual graph from the wanted one, and changes it.
#include "broker/actual.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "broker/graph/descriptor.h"
#include "broker/graph/transports.h"

static void write_address(char *out, size_t size_bytes, const char *node, const char *port)
{
    struct text text = text_over(out, size_bytes);
    text_add_format(&text, "%s.%s", node, port);
}

// The arrays of this file are arrays of pointers, each behind a pointer of its own type.
static void **load_array(const void *array_pointer)
{
    void **array;
    memcpy(&array, array_pointer, sizeof array);
    return array;
}

// Makes room for one more pointer; an empty array is an array as well.
static int grow(void *array_pointer, size_t count)
{
    void **grown = realloc(load_array(array_pointer), (count + 2) * sizeof *grown);
    if (grown == NULL) {
        return -ENOMEM;
    }
    memcpy(array_pointer, &grown, sizeof grown);
    return 0;
}

// Takes one pointer out and closes the gap. Returns how many are left.
static size_t take_out(const void *array_pointer, size_t count, const void *item)
{
    void **array = load_array(array_pointer);
    size_t place = 0;
    while (place < count && array[place] != item) {
        place++;
    }
    if (place == count) {
        return count;
    }
    memmove(&array[place], &array[place + 1], (count - place - 1) * sizeof *array);
    return count - 1;
}

static void destroy_node(struct actual_node *node)
{
    if (node == NULL) {
        return;
    }
    for (size_t i = 0; i < node->output_count; i++) {
        free(node->outputs[i]->links);
        free(node->outputs[i]->generations);
        free(node->outputs[i]);
    }
    restart_fini(&node->restart);
    free(node->outputs);
    free(node->inputs);
    graph_destroy(node->graph);
    free(node);
}

static void destroy_link(struct actual_link *link)
{
    poison_fini(&link->poison);
    graph_destroy(link->graph);
    free(link);
}

int actual_add_node(struct actual *actual, struct graph *graph, const struct graph_node *wanted,
                    struct actual_node **out_node)
{
    struct actual_node *node = calloc(1, sizeof *node);
    if (node == NULL || grow(&actual->nodes, actual->node_count) != 0) {
        free(node);
        return -ENOMEM;
    }
    *node = (struct actual_node){.wanted = wanted,
                                 .graph = graph_hold(graph),
                                 .index = actual->node_count,
                                 .pidfd = -1,
                                 .status_fd = -1,
                                 .bell = {.reader_fd = -1},
                                 .deadline_ns = INT64_MAX,
                                 .restart_at_ns = INT64_MAX,
                                 .first_step = 1};
    worker_peer_init(&node->peer);
    text_copy(node->life.id, sizeof node->life.id, wanted->id);
    actual->nodes[actual->node_count++] = node;
    *out_node = node;
    return 0;
}

struct actual_output *actual_get_output(struct actual_node *node, const char *name,
                                        const struct descriptor_port *port)
{
    struct actual_output *output = actual_output_of(node, name);
    if (output != NULL) {
        return output;
    }
    output = calloc(1, sizeof *output);
    if (output == NULL || grow(&node->outputs, node->output_count) != 0) {
        free(output);
        return NULL;
    }
    *output = (struct actual_output){.node = node, .port = port};
    text_copy(output->name, sizeof output->name, name);
    write_address(output->address, sizeof output->address, node->life.id, name);
    node->outputs[node->output_count++] = output;
    return output;
}

static void write_names(struct actual_link *link)
{
    const struct graph_end *to = &link->wanted->to;
    write_address(link->to_address, sizeof link->to_address, to->node, to->port);
    struct text name = TEXT_OVER(link->name);
    text_add_format(&name, "%s -> %s", link->output->address, link->to_address);
}

int actual_add_link(struct actual *actual, struct graph *graph, const struct graph_link *wanted,
                    struct actual_node *from, struct actual_node *to, struct actual_link **out_link)
{
    struct actual_output *output =
        actual_get_output(from, wanted->from.port, wanted->found.from_port);
    if (output == NULL || grow(&output->links, output->link_count) != 0 ||
        grow(&to->inputs, to->input_count) != 0 || grow(&actual->links, actual->link_count) != 0) {
        return -ENOMEM;
    }
    struct actual_link *link = calloc(1, sizeof *link);
    if (link == NULL) {
        return -ENOMEM;
    }
    *link = (struct actual_link){.id = ++actual->last_link_id,
                                 .wanted = wanted,
                                 .graph = graph_hold(graph),
                                 .output = output,
                                 .to = to,
                                 .depth = wanted->found.depth,
                                 .why = "its format is not agreed yet"};
    write_names(link);
    output->links[output->link_count++] = link;
    to->inputs[to->input_count++] = link;
    actual->links[actual->link_count++] = link;
    *out_link = link;
    return 0;
}

int actual_redirect_link(struct actual_link *link, struct graph *graph,
                         const struct graph_link *wanted, struct actual_node *to)
{
    if (grow(&to->inputs, to->input_count) != 0) {
        return -ENOMEM;
    }
    actual_follow_link(link, graph, wanted);
    link->to->input_count = take_out(&link->to->inputs, link->to->input_count, link);
    to->inputs[to->input_count++] = link;
    link->to = to;
    link->depth = wanted->found.depth;
    write_names(link);
    return 0;
}

void actual_remove_link(struct actual *actual, struct actual_link *link)
{
    struct actual_output *output = link->output;
    output->link_count = take_out(&output->links, output->link_count, link);
    link->to->input_count = take_out(&link->to->inputs, link->to->input_count, link);
    actual->link_count = take_out(&actual->links, actual->link_count, link);
    destroy_link(link);
}

void actual_remove_node(struct actual *actual, struct actual_node *node)
{
    SB_ASSERT(node->input_count == 0 && !node_is_alive(node->life.state));
    for (size_t i = 0; i < node->output_count; i++) {
        const struct actual_output *output = node->outputs[i];
        SB_ASSERT(output->link_count == 0 && output->generation_count == 0);
    }
    actual->node_count = take_out(&actual->nodes, actual->node_count, node);
    for (size_t i = 0; i < actual->node_count; i++) {
        actual->nodes[i]->index = i;
    }
    destroy_node(node);
}

// How many links lead into each node, and out of it.
static void count_before(const struct actual *actual, size_t *before, size_t *behind)
{
    for (size_t i = 0; i < actual->link_count; i++) {
        before[actual->links[i]->to->index]++;
        behind[actual->links[i]->output->node->index]++;
    }
}

// The next node with nothing before it. Sinks wait until the others are out.
static size_t next_of(const struct actual *actual, const size_t *before, const size_t *behind,
                      const bool *is_out)
{
    size_t best = actual->node_count;
    for (size_t i = 0; i < actual->node_count; i++) {
        bool is_better = best == actual->node_count || (behind[best] == 0 && behind[i] > 0);
        if (!is_out[i] && before[i] == 0 && is_better) {
            best = i;
        }
    }
    return best;
}

// While links are changed, those that leave and those that come may make a circle together: then
// the first node that is left goes next.
static size_t first_left(const struct actual *actual, const bool *is_out)
{
    size_t first = 0;
    while (first < actual->node_count && is_out[first]) {
        first++;
    }
    return first;
}

int actual_sort(struct actual *actual)
{
    size_t room = actual->node_count + 1;
    auto_free size_t *order = calloc(room, sizeof *order);
    auto_free size_t *before = calloc(room, sizeof *before);
    auto_free size_t *behind = calloc(room, sizeof *behind);
    auto_free bool *is_out = calloc(room, sizeof *is_out);
    if (order == NULL || before == NULL || behind == NULL || is_out == NULL) {
        return -ENOMEM;
    }
    count_before(actual, before, behind);
    for (size_t done = 0; done < actual->node_count; done++) {
        size_t next = next_of(actual, before, behind, is_out);
        next = next == actual->node_count ? first_left(actual, is_out) : next;
        is_out[next] = true;
        order[done] = next;
        for (size_t i = 0; i < actual->link_count; i++) {
            const struct actual_link *link = actual->links[i];
            if (link->output->node->index == next && before[link->to->index] > 0) {
                before[link->to->index]--;
            }
        }
    }
    free(actual->order);
    actual->order = steal_pointer(&order);
    return 0;
}

static int build(struct actual *actual, struct graph *graph)
{
    struct actual_node *node;
    struct actual_link *link;
    int failed = 0;
    for (size_t i = 0; i < graph->node_count && failed == 0; i++) {
        failed = actual_add_node(actual, graph, &graph->nodes[i], &node);
    }
    for (size_t i = 0; i < graph->link_count && failed == 0; i++) {
        const struct graph_link *wanted = &graph->links[i];
        failed = actual_add_link(actual, graph, wanted, actual->nodes[wanted->found.from_node],
                                 actual->nodes[wanted->found.to_node], &link);
    }
    return failed == 0 ? actual_sort(actual) : failed;
}

int actual_create(struct graph *graph, struct actual **out_actual)
{
    struct actual *actual = calloc(1, sizeof *actual);
    if (actual == NULL) {
        return -ENOMEM;
    }
    int failed = build(actual, graph);
    if (failed != 0) {
        actual_destroy(actual);
        return failed;
    }
    *out_actual = actual;
    return 0;
}

void actual_destroy(struct actual *actual)
{
    if (actual == NULL) {
        return;
    }
    for (size_t i = 0; i < actual->node_count; i++) {
        destroy_node(actual->nodes[i]);
    }
    for (size_t i = 0; i < actual->link_count; i++) {
        destroy_link(actual->links[i]);
    }
    free(actual->nodes);
    free(actual->links);
    free(actual->order);
    free(actual);
}

void actual_follow_node(struct actual_node *node, struct graph *graph,
                        const struct graph_node *wanted)
{
    struct graph *before = node->graph;
    node->graph = graph_hold(graph);
    node->wanted = wanted;
    graph_destroy(before);
}

void actual_follow_link(struct actual_link *link, struct graph *graph,
                        const struct graph_link *wanted)
{
    struct graph *before = link->graph;
    link->graph = graph_hold(graph);
    link->wanted = wanted;
    graph_destroy(before);
}

struct actual_node *actual_find_node(const struct actual *actual, const char *id)
{
    for (size_t i = actual->node_count; i > 0; i--) {
        struct actual_node *node = actual->nodes[i - 1];
        if (node->stands_for == NULL && strcmp(node->life.id, id) == 0) {
            return node;
        }
    }
    return NULL;
}

static bool is_end(const struct graph_end *a, const struct graph_end *b)
{
    return strcmp(a->node, b->node) == 0 && strcmp(a->port, b->port) == 0;
}

struct actual_link *actual_find_link(const struct actual *actual, const struct graph_end *from,
                                     const struct graph_end *to)
{
    for (size_t i = actual->link_count; i > 0; i--) {
        struct actual_link *link = actual->links[i - 1];
        if (is_end(&link->wanted->from, from) && is_end(&link->wanted->to, to)) {
            return link;
        }
    }
    return NULL;
}

void actual_expect_format(struct actual_link *link, uint32_t serial)
{
    link->to->stale_formats += link->format_serial != 0 ? 1 : 0;
    link->format_serial = serial;
}

bool actual_take_format(struct actual_node *node, uint32_t serial)
{
    for (size_t i = 0; i < node->input_count; i++) {
        if (serial != 0 && node->inputs[i]->format_serial == serial) {
            node->inputs[i]->format_serial = 0;
            return true;
        }
    }
    bool is_stale = node->stale_formats > 0;
    node->stale_formats -= is_stale ? 1 : 0;
    return is_stale;
}

struct actual_link *actual_input_of(const struct actual_node *node, uint32_t link_id)
{
    for (size_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i]->id == link_id) {
            return node->inputs[i];
        }
    }
    return NULL;
}

struct actual_output *actual_output_of(const struct actual_node *node, const char *name)
{
    for (size_t i = 0; i < node->output_count; i++) {
        if (strcmp(node->outputs[i]->name, name) == 0) {
            return node->outputs[i];
        }
    }
    return NULL;
}

const char *actual_transport(const struct actual_output *output)
{
    for (size_t i = 0; i < output->link_count; i++) {
        const struct actual_link *link = output->links[i];
        if (!link->is_held && link->state != LINK_DISCONNECTED && link->state != LINK_ERROR &&
            !transports_is_ring(link->wanted)) {
            return link->wanted->transport;
        }
    }
    return NULL;
}

enum sb_delivery actual_delivery(const struct actual_link *link)
{
    return link->wanted->found.delivery;
}

uint32_t actual_depth(const struct actual_link *link)
{
    return link->depth;
}

uint32_t actual_claims(const struct actual_link *link)
{
    return link->wanted->found.claims;
}
