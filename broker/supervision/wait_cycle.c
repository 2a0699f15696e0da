// SPDX-License-Identifier: Apache-2.0
// Takes away who can go on, until nobody more can.
#include "broker/supervision/wait_cycle.h"

struct graph_view {
    const struct wait_link *links;
    size_t link_count;
    const bool *stuck;
};

static bool is_waiting_for_space(const struct graph_view *view, size_t node)
{
    for (size_t i = 0; i < view->link_count; i++) {
        const struct wait_link *link = &view->links[i];
        if (link->from == node && link->is_full && view->stuck[link->to]) {
            return true;
        }
    }
    return false;
}

// Nobody who feeds this input can go on. port UINT32_MAX: any input.
static bool is_dry(const struct graph_view *view, size_t node, uint32_t port)
{
    bool is_any_open = false;
    for (size_t i = 0; i < view->link_count; i++) {
        const struct wait_link *link = &view->links[i];
        if (link->to != node || !link->is_open || (port != UINT32_MAX && link->port != port)) {
            continue;
        }
        is_any_open = true;
        if (!view->stuck[link->from]) {
            return false;
        }
    }
    return is_any_open;
}

static bool is_waiting_for_frames(const struct graph_view *view, const struct wait_node *nodes,
                                  size_t node)
{
    if (!nodes[node].needs_all) {
        return is_dry(view, node, UINT32_MAX);
    }
    for (size_t i = 0; i < view->link_count; i++) {
        const struct wait_link *link = &view->links[i];
        if (link->to == node && link->is_open && link->is_missing &&
            is_dry(view, node, link->port)) {
            return true;
        }
    }
    return false;
}

size_t wait_cycle_find(const struct wait_node *nodes, size_t node_count,
                       const struct wait_link *links, size_t link_count, bool *stuck)
{
    struct graph_view view = {.links = links, .link_count = link_count, .stuck = stuck};
    size_t count = 0;
    for (size_t i = 0; i < node_count; i++) {
        stuck[i] = nodes[i].is_for_space || nodes[i].is_for_frames;
        count += stuck[i];
    }
    for (bool is_changed = true; is_changed;) {
        is_changed = false;
        for (size_t i = 0; i < node_count; i++) {
            bool is_stuck = (nodes[i].is_for_space && is_waiting_for_space(&view, i)) ||
                            (nodes[i].is_for_frames && is_waiting_for_frames(&view, nodes, i));
            if (stuck[i] && !is_stuck) {
                stuck[i] = false;
                count--;
                is_changed = true;
            }
        }
    }
    return count;
}
