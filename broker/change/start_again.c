// SPDX-License-Identifier: Apache-2.0
// Finds which nodes begin again, and which of their links.
#include "broker/change/start_again.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "broker/change/change.h"
#include "broker/change/live.h"

static bool is_over(const struct broker *broker, const struct graph_node *wanted)
{
    const struct actual_node *node = actual_find_node(broker->actual, wanted->id);
    return node == NULL || node_is_over(node->life.state);
}

// Converters that were put into links of such a node ended with it, and begin with it.
static bool spread(const struct graph *graph, const bool *is_out, bool *is_again)
{
    bool is_any = false;
    for (size_t i = 0; i < graph->link_count; i++) {
        int from = graph_find_node(graph, graph->links[i].from.node);
        int to = graph_find_node(graph, graph->links[i].to.node);
        SB_ASSERT(from >= 0 && to >= 0);
        if (is_again[from] && !is_again[to] && is_out[to] && graph->nodes[to].is_inserted) {
            is_any = is_again[to] = true;
        }
        if (is_again[to] && !is_again[from] && is_out[from] && graph->nodes[from].is_inserted) {
            is_any = is_again[from] = true;
        }
    }
    return is_any;
}

static void tell_waiting(const struct graph *graph, const bool *is_again, const bool *is_out)
{
    for (size_t i = 0; i < graph->link_count; i++) {
        const struct graph_link *link = &graph->links[i];
        int from = graph_find_node(graph, link->from.node);
        int to = graph_find_node(graph, link->to.node);
        if ((is_again[from] && is_out[to]) || (is_again[to] && is_out[from])) {
            log_line(LOG_INFO, "link %s.%s -> %s.%s waits until %s is started", link->from.node,
                     link->from.port, link->to.node, link->to.port,
                     is_again[from] ? link->to.node : link->from.node);
        }
    }
}

int start_again(struct broker *broker, const char *id, uint64_t *out_ticket)
{
    struct graph *graph = broker->graph;
    auto_free bool *is_again = calloc(graph->node_count + 1, sizeof *is_again);
    auto_free bool *is_out = calloc(graph->node_count + 1, sizeof *is_out);
    if (is_again == NULL || is_out == NULL) {
        return -ENOMEM;
    }
    bool is_any = false;
    for (size_t i = 0; i < graph->node_count; i++) {
        is_out[i] = is_over(broker, &graph->nodes[i]);
        is_again[i] = is_out[i] && (id == NULL || strcmp(graph->nodes[i].id, id) == 0);
        is_any = is_any || is_again[i];
    }
    *out_ticket = 0;
    if (!is_any) {
        return 0;
    }
    while (spread(graph, is_out, is_again)) {
    }
    for (size_t i = 0; i < graph->node_count; i++) {
        is_out[i] = is_out[i] && !is_again[i];
    }
    struct change *change;
    int failed = change_create_again(graph, is_again, is_out, &change);
    if (failed != 0) {
        return failed;
    }
    tell_waiting(graph, is_again, is_out);
    live_begin(broker, change, broker->live.committed, out_ticket);
    return 0;
}
