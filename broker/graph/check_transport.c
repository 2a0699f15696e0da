// SPDX-License-Identifier: Apache-2.0
// Checks transports of links: that they are there, who may use them, and what they can carry.
#include "broker/graph/check_transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "broker/graph/domain_plan.h"
#include "broker/graph/transports.h"
#include "shm/budget.h"

static bool is_trusted(const struct graph_node *node)
{
    return node->sandbox.tier == GRAPH_TIER_TRUSTED && !node->found.judged.is_untrusted_only;
}

static void check_end(const struct graph *graph, const struct graph_link *link, size_t index,
                      struct diags *diags)
{
    const struct graph_node *node = &graph->nodes[index];
    if (is_trusted(node)) {
        return;
    }
    diags_add(diags, DIAG_ERROR, graph->file, graph_link_place(link, GRAPH_FIELD_LINK_TRANSPORT),
              "transport '%s' is for trusted nodes, and '%s' is untrusted: only a ring keeps what "
              "others write out of its reach; write transport: ring, or sandbox: trusted",
              link->transport, node->id);
}

static bool is_of_output(const struct graph_link *a, const struct graph_link *b)
{
    return strcmp(a->from.node, b->from.node) == 0 && strcmp(a->from.port, b->from.port) == 0;
}

// Links of one output are next to each other, in their order.
static int compare_outputs(const void *a, const void *b)
{
    const struct graph_link *x = *(const struct graph_link *const *)a;
    const struct graph_link *y = *(const struct graph_link *const *)b;
    int order = strcmp(x->from.node, y->from.node);
    order = order == 0 ? strcmp(x->from.port, y->from.port) : order;
    return order != 0 ? order : (x > y) - (x < y);
}

static void say_siblings(const struct graph *graph, const struct graph_link *link,
                         const struct graph_link *other, struct diags *diags)
{
    diags_add(diags, DIAG_ERROR, graph->file, graph_link_place(link, GRAPH_FIELD_LINK_TRANSPORT),
              "transport '%s', but '%s' on the link %s.%s -> %s.%s of the same output; "
              "write the same for both, or put a node 'pass' between",
              link->transport, other->transport, other->from.node, other->from.port, other->to.node,
              other->to.port);
}

// One buffer goes out on every link of an output, so all of them are carried, or none.
static int check_siblings(const struct graph *graph, struct diags *diags)
{
    auto_free const struct graph_link **links = calloc(graph->link_count + 1, sizeof(void *));
    if (links == NULL) {
        return -ENOMEM;
    }
    size_t count = 0;
    for (size_t i = 0; i < graph->link_count; i++) {
        if (graph->links[i].from.node != NULL) {
            links[count++] = &graph->links[i];
        }
    }
    qsort(links, count, sizeof(void *), compare_outputs);
    const struct graph_link *first = NULL;
    const struct graph_link *unlike = NULL;  // the first that is carried otherwise than the first
    for (size_t i = 0; i < count; i++) {
        if (first == NULL || !is_of_output(first, links[i])) {
            first = links[i];
            unlike = NULL;
        } else if (strcmp(links[i]->transport, first->transport) != 0) {
            unlike = unlike == NULL ? links[i] : unlike;
            say_siblings(graph, links[i], first, diags);
        } else if (unlike != NULL) {
            say_siblings(graph, links[i], unlike, diags);
        }
    }
    return 0;
}

static void check_one(const struct graph *graph, const struct graph_link *link, const char *path,
                      struct diags *diags)
{
    struct diag why;
    if (transports_find(path, link->transport, &why) != 0) {
        diags_add(diags, DIAG_ERROR, graph->file,
                  graph_link_place(link, GRAPH_FIELD_LINK_TRANSPORT),
                  "transport '%s' cannot be used: %s", link->transport, why.text);
    }
    if (link->found.from_port == NULL || link->found.to_port == NULL) {
        return;
    }
    check_end(graph, link, link->found.from_node, diags);
    if (link->found.to_node != link->found.from_node) {
        check_end(graph, link, link->found.to_node, diags);
    }
}

int check_transport(const struct graph *graph, const char *path, struct diags *diags)
{
    if (check_siblings(graph, diags) != 0) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < graph->link_count; i++) {
        if (!transports_is_ring(&graph->links[i])) {
            check_one(graph, &graph->links[i], path, diags);
        }
    }
    struct budget_machine machine;
    bool is_known = budget_read_machine(&machine) == 0 && machine.available_bytes != 0;
    domain_plan_check(graph, is_known ? machine.available_bytes : 0, diags);
    return 0;
}
