// SPDX-License-Identifier: Apache-2.0
// Builds the actual graph from the wanted one.
#include "broker/actual.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "broker/descriptor.h"

static bool is_same_output(const struct graph_link *a, const struct graph_link *b)
{
    return a->found.from_node == b->found.from_node && strcmp(a->from.port, b->from.port) == 0;
}

// True for the first link of its output in the order of the file.
static bool is_first_of_output(const struct graph *graph, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (is_same_output(&graph->links[i], &graph->links[index])) {
            return false;
        }
    }
    return true;
}

static void write_address(char *out, size_t size_bytes, const char *node, const char *port)
{
    struct text text = text_over(out, size_bytes);
    text_add_format(&text, "%s.%s", node, port);
}

static int count_ports(const struct graph *graph, struct actual *actual, size_t node_index)
{
    struct actual_node *node = actual->nodes[node_index];
    size_t inputs = 0;
    size_t outputs = 0;
    for (size_t i = 0; i < graph->link_count; i++) {
        const struct graph_link_found *found = &graph->links[i].found;
        inputs += found->to_node == node_index ? 1 : 0;
        outputs += found->from_node == node_index && is_first_of_output(graph, i) ? 1 : 0;
    }
    node->inputs = calloc(inputs + 1, sizeof node->inputs[0]);
    node->outputs = calloc(outputs + 1, sizeof node->outputs[0]);
    return node->inputs != NULL && node->outputs != NULL ? 0 : -ENOMEM;
}

static int add_output(struct actual_node *node, const struct graph *graph, size_t link_index)
{
    const struct graph_link *wanted = &graph->links[link_index];
    size_t count = 0;
    for (size_t i = 0; i < graph->link_count; i++) {
        count += is_same_output(&graph->links[i], wanted) ? 1 : 0;
    }
    struct actual_output *output = &node->outputs[node->output_count++];
    *output = (struct actual_output){
        .node = node, .name = wanted->from.port, .port = wanted->found.from_port};
    write_address(output->address, sizeof output->address, wanted->from.node, wanted->from.port);
    output->links = calloc(count, sizeof output->links[0]);
    return output->links != NULL ? 0 : -ENOMEM;
}

static int add_link(struct actual *actual, size_t index)
{
    const struct graph_link *wanted = &actual->wanted->links[index];
    struct actual_node *from = actual->nodes[wanted->found.from_node];
    struct actual_node *to = actual->nodes[wanted->found.to_node];
    if (is_first_of_output(actual->wanted, index)) {
        int failed = add_output(from, actual->wanted, index);
        if (failed != 0) {
            return failed;
        }
    }
    struct actual_output *output = actual_output_of(from, wanted->from.port);
    SB_ASSERT(output != NULL);
    struct actual_link *link = calloc(1, sizeof *link);
    if (link == NULL) {
        return -ENOMEM;
    }
    actual->links[index] = link;
    *link = (struct actual_link){.id = (uint32_t)index + 1,
                                 .wanted = wanted,
                                 .output = output,
                                 .to = to,
                                 .depth = wanted->found.depth};
    write_address(link->to_address, sizeof link->to_address, wanted->to.node, wanted->to.port);
    struct text name = TEXT_OVER(link->name);
    text_add_format(&name, "%s -> %s", output->address, link->to_address);
    output->links[output->link_count++] = link;
    to->inputs[to->input_count++] = link;
    return 0;
}

static int build(struct actual *actual)
{
    const struct graph *graph = actual->wanted;
    for (size_t i = 0; i < graph->node_count; i++) {
        struct actual_node *node = calloc(1, sizeof *node);
        if (node == NULL) {
            return -ENOMEM;
        }
        actual->nodes[i] = node;
        *node = (struct actual_node){.wanted = &graph->nodes[i],
                                     .pidfd = -1,
                                     .status_fd = -1,
                                     .bell = {.reader_fd = -1},
                                     .deadline_ns = INT64_MAX,
                                     .restart_at_ns = INT64_MAX,
                                     .first_step = 1};
        worker_peer_init(&node->peer);
        text_copy(node->life.id, sizeof node->life.id, graph->nodes[i].id);
        int failed = count_ports(graph, actual, i);
        if (failed != 0) {
            return failed;
        }
    }
    for (size_t i = 0; i < graph->link_count; i++) {
        int failed = add_link(actual, i);
        if (failed != 0) {
            return failed;
        }
    }
    return graph_order(graph, actual->order);
}

int actual_create(const struct graph *graph, struct actual **out_actual)
{
    struct actual *actual = calloc(1, sizeof *actual);
    if (actual == NULL) {
        return -ENOMEM;
    }
    actual->wanted = graph;
    actual->nodes = calloc(graph->node_count + 1, sizeof actual->nodes[0]);
    actual->links = calloc(graph->link_count + 1, sizeof actual->links[0]);
    actual->order = calloc(graph->node_count + 1, sizeof actual->order[0]);
    int failed = -ENOMEM;
    if (actual->nodes != NULL && actual->links != NULL && actual->order != NULL) {
        actual->node_count = graph->node_count;
        actual->link_count = graph->link_count;
        failed = build(actual);
    }
    if (failed != 0) {
        actual_destroy(actual);
        return failed;
    }
    *out_actual = actual;
    return 0;
}

static void destroy_node(struct actual_node *node)
{
    if (node == NULL) {
        return;
    }
    for (size_t i = 0; i < node->output_count; i++) {
        free(node->outputs[i].links);
    }
    restart_fini(&node->restart);
    free(node->outputs);
    free(node->inputs);
    free(node);
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
        if (actual->links[i] != NULL) {
            poison_fini(&actual->links[i]->poison);
        }
        free(actual->links[i]);
    }
    free(actual->nodes);
    free(actual->links);
    free(actual->order);
    free(actual);
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
        if (strcmp(node->outputs[i].name, name) == 0) {
            return &node->outputs[i];
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
