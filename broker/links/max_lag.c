// SPDX-License-Identifier: Apache-2.0
// Ages of the frames that wait for one node.
#include "broker/links/max_lag.h"

#include "broker/links/queue_look.h"

int64_t max_lag_shortest_ns(const struct actual_node *node)
{
    int64_t shortest_ns = INT64_MAX;
    for (size_t i = 0; i < node->input_count; i++) {
        int64_t limit_ns = node->inputs[i]->wanted->max_lag_ns;
        bool is_shorter = limit_ns != GRAPH_NONE_NS && limit_ns < shortest_ns;
        shortest_ns = is_shorter ? limit_ns : shortest_ns;
    }
    return shortest_ns;
}

struct actual_link *max_lag_look(const struct actual_node *node, bool is_excused, int64_t now_ns,
                                 int64_t *out_due_ns)
{
    struct actual_link *overdue = NULL;
    int64_t due_ns = INT64_MAX;
    for (size_t i = 0; i < node->input_count; i++) {
        struct actual_link *link = node->inputs[i];
        int64_t limit_ns = link->wanted->max_lag_ns;
        if (limit_ns == GRAPH_NONE_NS) {
            continue;
        }
        struct queue_look queue;
        queue_look_at(link, &queue);
        link_age_note(&link->lag, queue.head, queue.tail, now_ns);
        if (is_excused) {
            link_age_rearm(&link->lag, now_ns);
        }
        int64_t left_ns = limit_ns - link_age_head_ns(&link->lag, now_ns);
        if (left_ns <= 0) {
            overdue = link;
        } else if (link->lag.mark != 0 && now_ns + left_ns < due_ns) {
            due_ns = now_ns + left_ns;
        }
    }
    *out_due_ns = due_ns;
    return overdue;
}
