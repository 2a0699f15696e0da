// SPDX-License-Identifier: Apache-2.0
// Takes away who can go on, until nobody more can; finds circles among those who are left.
#include "broker/supervision/wait_cycle.h"

#include <string.h>

// Marks of a node while circles are looked for, beside their numbers.
#define MARK_AFTER (UINT32_C(1) << 31)   // the one at hand waits for it, maybe by way of others
#define MARK_BEFORE (UINT32_C(1) << 30)  // it waits for the one at hand
#define MARK_ALONE (UINT32_C(1) << 29)   // in no circle
#define MARKS (MARK_AFTER | MARK_BEFORE)

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

static void note_waits(const struct wait_node *nodes, struct wait_link *links, size_t link_count,
                       const bool *stuck)
{
    for (size_t i = 0; i < link_count; i++) {
        struct wait_link *link = &links[i];
        bool is_stuck = stuck[link->from] && stuck[link->to];
        const struct wait_node *reader = &nodes[link->to];
        link->is_space_awaited = is_stuck && link->is_full && nodes[link->from].is_for_space;
        // One that takes any input waits for each of them.
        link->are_frames_awaited = is_stuck && link->is_open && reader->is_for_frames &&
                                   (link->is_missing || !reader->needs_all);
    }
}

size_t wait_cycle_find(const struct wait_node *nodes, size_t node_count, struct wait_link *links,
                       size_t link_count, bool *stuck)
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
    note_waits(nodes, links, link_count, stuck);
    return count;
}

// --- Circles ----------------------------------------------------------------------------------

static bool mark_one(uint32_t *circles, size_t from, size_t to, uint32_t mark)
{
    bool is_new = (circles[from] & mark) != 0 && (circles[to] & mark) == 0;
    circles[to] |= is_new ? mark : 0;
    return is_new;
}

// Marks all that can be reached from who has the mark: against the waits, or along them.
static void mark_all(const struct wait_link *links, size_t link_count, uint32_t *circles,
                     uint32_t mark)
{
    bool is_along = mark == MARK_AFTER;
    for (bool is_changed = true; is_changed;) {
        is_changed = false;
        for (size_t i = 0; i < link_count; i++) {
            const struct wait_link *link = &links[i];
            bool is_down = is_along ? link->is_space_awaited : link->are_frames_awaited;
            bool is_up = is_along ? link->are_frames_awaited : link->is_space_awaited;
            is_changed |= is_down && mark_one(circles, link->from, link->to, mark);
            is_changed |= is_up && mark_one(circles, link->to, link->from, mark);
        }
    }
}

void wait_cycle_number(const struct wait_link *links, size_t link_count, size_t node_count,
                       uint32_t *circles)
{
    memset(circles, 0, node_count * sizeof *circles);
    uint32_t last = 0;
    for (size_t i = 0; i < node_count; i++) {
        if (circles[i] != 0) {
            continue;
        }
        circles[i] = MARKS;
        mark_all(links, link_count, circles, MARK_AFTER);
        mark_all(links, link_count, circles, MARK_BEFORE);
        size_t count = 0;
        for (size_t j = 0; j < node_count; j++) {
            count += (circles[j] & MARKS) == MARKS;
        }
        last += count > 1;
        for (size_t j = 0; j < node_count; j++) {
            bool is_member = (circles[j] & MARKS) == MARKS;
            uint32_t number = count > 1 ? last : MARK_ALONE;
            circles[j] = is_member ? number : circles[j] & ~MARKS;
        }
    }
    for (size_t i = 0; i < node_count; i++) {
        circles[i] &= ~MARK_ALONE;
    }
}

bool wait_cycle_has(const struct wait_link *link, const uint32_t *circles)
{
    return circles[link->from] != 0 && circles[link->from] == circles[link->to];
}
