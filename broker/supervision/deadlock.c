// SPDX-License-Identifier: Apache-2.0
// Finds circles of waits and opens them.
#include "broker/supervision/deadlock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "broker/ending.h"
#include "broker/links/generation_order.h"
#include "broker/links/queue_look.h"
#include "broker/links/room.h"
#include "broker/links/wiring.h"
#include "broker/supervision/wait_cycle.h"
#include "broker/supervision/waiting.h"

#define STATUS_FAILED 1
#define TEXT_BYTES 1024

// One look at the whole graph.
struct view {
    struct wait_node *nodes;  // owned
    struct wait_link *links;  // owned
    bool *stuck;              // owned
    uint32_t *circles;        // owned, a number per node
    uint64_t *cursors;        // owned, a sum per link
};

static bool is_reactive(const struct actual_node *node)
{
    enum sb_mode mode = node->wanted->found.mode;
    return mode == SB_MODE_REACTIVE || mode == SB_MODE_DEFAULT;
}

static struct wait_node look_at_node(const struct broker *broker, const struct actual_node *node)
{
    struct wait_node look = {.is_for_space = false};
    if (!waiting_is_at_work(broker, node)) {
        return look;
    }
    uint32_t phase = atomic_load_explicit(&node->status->phase, memory_order_acquire);
    look.is_for_space = phase == WORKER_NO_SPACE;
    look.is_for_frames = phase == WORKER_IDLE && is_reactive(node) && !waiting_is_activated(node);
    look.needs_all = waiting_needs_all(node);
    return look;
}

// Links into the same input have the number of the first of them.
static uint32_t port_of(const struct actual *actual, size_t index)
{
    const struct actual_link *link = actual->links[index];
    for (size_t i = 0; i < index; i++) {
        const struct actual_link *other = actual->links[i];
        if (other->to == link->to && strcmp(other->wanted->to.port, link->wanted->to.port) == 0) {
            return (uint32_t)i;
        }
    }
    return (uint32_t)index;
}

static struct wait_link look_at_link(const struct actual *actual, size_t index,
                                     uint64_t *out_cursors)
{
    const struct actual_link *link = actual->links[index];
    struct queue_look queue;
    queue_look_at(link, &queue);
    // Its writer waits for memory that this reader keeps.
    bool is_withheld = room_is_withheld(link);
    *out_cursors = queue.cursors;
    return (struct wait_link){
        .from = link->output->node->index,
        .to = link->to->index,
        .port = port_of(actual, index),
        .is_open = !queue.is_over,
        .is_full =
            is_withheld || (queue.is_full && !queue.is_memory_awaited && link_is_up(link->state)),
        .is_missing = waiting_is_missing(link->to, link->wanted->to.port)};
}

static int look(const struct broker *broker, struct view *view)
{
    const struct actual *actual = broker->actual;
    view->nodes = calloc(actual->node_count + 1, sizeof *view->nodes);
    view->links = calloc(actual->link_count + 1, sizeof *view->links);
    view->stuck = calloc(actual->node_count + 1, sizeof *view->stuck);
    view->circles = calloc(actual->node_count + 1, sizeof *view->circles);
    view->cursors = calloc(actual->link_count + 1, sizeof *view->cursors);
    if (view->nodes == NULL || view->links == NULL || view->stuck == NULL ||
        view->circles == NULL || view->cursors == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < actual->node_count; i++) {
        view->nodes[i] = look_at_node(broker, actual->nodes[i]);
    }
    for (size_t i = 0; i < actual->link_count; i++) {
        view->links[i] = look_at_link(actual, i, &view->cursors[i]);
    }
    return 0;
}

static void view_fini(struct view *view)
{
    free(view->nodes);
    free(view->links);
    free(view->stuck);
    free(view->circles);
    free(view->cursors);
}

// Of links between nodes that are stuck: what comes from others moves nothing there.
static uint64_t sum_cursors(const struct view *view, size_t link_count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < link_count; i++) {
        const struct wait_link *link = &view->links[i];
        sum += view->stuck[link->from] && view->stuck[link->to] ? view->cursors[i] : 0;
    }
    return sum;
}

// Who only waits behind a circle is not helped by space of its own.
static bool is_blocking(const struct view *view, size_t index)
{
    const struct wait_link *link = &view->links[index];
    return link->is_space_awaited && wait_cycle_has(link, view->circles);
}

// "a waits for space on a.data -> d.in_0, d waits for b.out -> d.in_1, ..."; circle 0: all of them.
static void describe(const struct actual *actual, const struct view *view, uint32_t circle,
                     struct text *text)
{
    for (size_t i = 0; i < actual->link_count; i++) {
        const struct wait_link *link = &view->links[i];
        if (!wait_cycle_has(link, view->circles) ||
            (circle != 0 && view->circles[link->from] != circle)) {
            continue;
        }
        if (link->is_space_awaited) {
            const char *what = room_is_withheld(actual->links[i]) ? "memory" : "space";
            text_add_format(text, "%s%s waits for %s on %s", text->length > 0 ? ", " : "",
                            actual->nodes[link->from]->life.id, what, actual->links[i]->name);
        } else if (link->are_frames_awaited) {
            text_add_format(text, "%s%s waits for frames on %s", text->length > 0 ? ", " : "",
                            actual->nodes[link->to]->life.id, actual->links[i]->name);
        }
    }
}

// At most one switch can be under way while the old ring is full, so the first step is a large one
// where there is memory for it.
static int grow(struct broker *broker, struct actual_link *link, char *why, size_t why_bytes)
{
    static const uint32_t factors[] = {8, 4, 2};
    uint32_t before = link->depth;
    int failed = -ERANGE;
    for (size_t i = 0; i < sizeof factors / sizeof factors[0] && failed != 0; i++) {
        if (before > LIMIT_DEPTH_MAX / factors[i]) {
            continue;
        }
        link->depth = before * factors[i];
        failed = generation_order(broker, link->output, why, why_bytes);
    }
    if (failed != 0) {
        link->depth = before;
    }
    return failed;
}

// Gives space to one link of a circle. False: there is none to give.
static bool open_at(struct broker *broker, const struct view *view, size_t index, char *why,
                    size_t why_bytes)
{
    struct actual_link *link = broker->actual->links[index];
    char circle[TEXT_BYTES];
    struct text text = TEXT_OVER(circle);
    describe(broker->actual, view, view->circles[view->links[index].from], &text);
    if (room_is_withheld(link)) {
        if (wiring_force(broker, link->output, why, why_bytes) != 0) {
            return false;
        }
        health_say(&broker->health, HEALTH_LINK_GROWN, "", 0, 0,
                   "link %s: its producer gets memory beside that of %zu generations, because "
                   "nodes wait for each other: %s",
                   link->name, link->output->generation_count, circle);
        return true;
    }
    uint32_t before = link->depth;
    if (grow(broker, link, why, why_bytes) != 0) {
        return false;
    }
    health_say(&broker->health, HEALTH_LINK_GROWN, "", 0, 0,
               "link %s: its depth grows from %u to %u, because nodes wait for each other: %s",
               link->name, before, link->depth, circle);
    return true;
}

static void open_circle(struct broker *broker, struct view *view)
{
    const struct actual *actual = broker->actual;
    char why[TEXT_BYTES] = "the ring that grew before is not in use yet";
    wait_cycle_number(view->links, actual->link_count, actual->node_count, view->circles);
    for (size_t i = 0; i < actual->link_count; i++) {
        if (is_blocking(view, i) && open_at(broker, view, i, why, sizeof why)) {
            return;
        }
    }
    char circles[TEXT_BYTES];
    struct text text = TEXT_OVER(circles);
    describe(actual, view, 0, &text);
    health_say(&broker->health, HEALTH_GRAPH_STUCK, "", 0, 0,
               "nodes wait for each other: %s; no link can grow: %s; the graph stops", circles,
               why);
    broker_set_status(broker, STATUS_FAILED);
    ending_stop_undrained(broker);
}

static bool is_any_without_space(const struct broker *broker)
{
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        if (look_at_node(broker, broker->actual->nodes[i]).is_for_space) {
            return true;
        }
    }
    return false;
}

void deadlock_look(struct broker *broker)
{
    if (!is_any_without_space(broker)) {
        broker->circle_count = 0;
        return;
    }
    const struct actual *actual = broker->actual;
    struct view view = {.nodes = NULL};
    size_t count = 0;
    uint64_t cursors = 0;
    if (look(broker, &view) == 0) {
        count = wait_cycle_find(view.nodes, actual->node_count, view.links, actual->link_count,
                                view.stuck);
        cursors = sum_cursors(&view, actual->link_count);
    }
    bool is_same = count > 0 && count == broker->circle_count && cursors == broker->circle_cursors;
    broker->circle_count = count;
    broker->circle_cursors = cursors;
    if (is_same) {
        broker->circle_count = 0;
        open_circle(broker, &view);
    }
    view_fini(&view);
}
