// SPDX-License-Identifier: Apache-2.0
// Questions about a graph that need nothing but the graph.
#include "broker/graph/graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "broker/graph/arena.h"

struct graph_place graph_node_place(const struct graph_node *node, enum graph_field field)
{
    return node->places[field].line > 0 ? node->places[field] : node->place;
}

struct graph_place graph_link_place(const struct graph_link *link, enum graph_field field)
{
    return link->places[field].line > 0 ? link->places[field] : link->place;
}

int graph_find_node(const struct graph *graph, const char *id)
{
    for (size_t i = 0; i < graph->node_count; i++) {
        if (strcmp(graph->nodes[i].id, id) == 0) {
            return (int)i;
        }
    }
    return -ENOENT;
}

// Nodes with nothing before them go out first, and sinks (which have nothing behind them) wait
// until the others are out.
int graph_order(const struct graph *graph, size_t *out_order)
{
    auto_free size_t *before = calloc(graph->node_count + 1, sizeof(*before));
    auto_free size_t *behind = calloc(graph->node_count + 1, sizeof(*behind));
    auto_free bool *is_out = calloc(graph->node_count + 1, sizeof(*is_out));
    if (before == NULL || behind == NULL || is_out == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < graph->link_count; i++) {
        before[graph->links[i].found.to_node]++;
        behind[graph->links[i].found.from_node]++;
    }
    for (size_t done = 0; done < graph->node_count; done++) {
        size_t best = graph->node_count;
        for (size_t i = 0; i < graph->node_count; i++) {
            bool is_better = best == graph->node_count || (behind[best] == 0 && behind[i] > 0);
            if (!is_out[i] && before[i] == 0 && is_better) {
                best = i;
            }
        }
        if (best == graph->node_count) {
            return -ELOOP;
        }
        is_out[best] = true;
        out_order[done] = best;
        for (size_t i = 0; i < graph->link_count; i++) {
            if (graph->links[i].found.from_node == best) {
                before[graph->links[i].found.to_node]--;
            }
        }
    }
    return 0;
}

struct graph *graph_hold(struct graph *graph)
{
    graph->holder_count++;
    return graph;
}

void graph_destroy(struct graph *graph)
{
    if (graph == NULL) {
        return;
    }
    if (graph->holder_count > 0) {
        graph->holder_count--;
        return;
    }
    arena_destroy(graph->arena);
}
