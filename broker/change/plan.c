// SPDX-License-Identifier: Apache-2.0
// Computes the steps of a change, its memory and what it puts at risk.
#include "broker/change/plan.h"

#include <string.h>

#include "broker/change/changed_keys.h"
#include "broker/graph/descriptor.h"
#include "broker/graph/graph_difference.h"
#include "broker/graph/graph_fields.h"
#include "broker/graph/transports.h"
#include "broker/links/pages.h"
#include "schemas/link_layout.h"

#define PAGE_BYTES UINT64_C(4096)

static bool is_same_output(const struct graph_link *a, const struct graph_link *b)
{
    return a->found.from_node == b->found.from_node && strcmp(a->from.port, b->from.port) == 0;
}

static bool is_first_of_output(const struct graph *graph, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (is_same_output(&graph->links[i], &graph->links[index])) {
            return false;
        }
    }
    return true;
}

static uint64_t rounded(uint64_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static uint64_t page_bytes(const struct graph_link *link)
{
    return rounded(layout_publish_page_bytes(link->found.depth)) +
           rounded(layout_consume_page_bytes(link->found.depth, link->found.claims));
}

// What the output carries now, when it runs: else only its bounds are known.
static const struct actual_output *running_output(const struct broker *broker,
                                                  const struct graph_link *link)
{
    const struct actual_node *node = actual_find_node(broker->actual, link->from.node);
    const struct actual_output *output =
        node == NULL ? NULL : actual_output_of(node, link->from.port);
    return output != NULL && output->is_agreed ? output : NULL;
}

// The pool of the output of a link. Returns false when a limit is passed.
static bool plan_output(const struct broker *broker, const struct graph *graph, size_t index,
                        struct pool_plan *out_plan, bool *out_is_estimate)
{
    const struct graph_link *first = &graph->links[index];
    const struct actual_output *running = running_output(broker, first);
    static const struct sb_format unknown = {.kind = SB_FORMAT_NONE};
    struct link_plan links[LIMIT_LINKS_PER_SIDE_MAX];
    struct link_plan_payload sizes = {.port = first->found.from_port->max_payload};
    size_t count = 0;
    for (size_t i = index; i < graph->link_count && count < LIMIT_LINKS_PER_SIDE_MAX; i++) {
        const struct graph_link *link = &graph->links[i];
        if (is_same_output(first, link)) {
            links[count++] =
                (struct link_plan){.depth = link->found.depth, .claims = link->found.claims};
            sizes.links = link->max_payload > sizes.links ? link->max_payload : sizes.links;
        }
    }
    sizes.said = running == NULL ? 0 : running->frame_bytes_max;
    *out_is_estimate = running == NULL;
    uint64_t payload;
    const struct sb_format *format = running == NULL ? &unknown : &running->format;
    if (link_plan_payload(&sizes, format, &payload) != 0) {
        return false;
    }
    if (!transports_is_ring(first)) {
        payload = WIRE_CARRIED_SLOT_BYTES;  // the transport has memory of its own
    }
    return link_plan_pool(links, count, first->found.from_port->claims, 0, payload, LINK_PLAN_AUTO,
                          out_plan) == 0;
}

static json_t *link_of(const struct graph_link *link)
{
    return json_pack("{s:o, s:i, s:I}", "link",
                     json_sprintf("%s.%s -> %s.%s", link->from.node, link->from.port, link->to.node,
                                  link->to.port),
                     "depth", (int)link->found.depth, "bytes", (json_int_t)page_bytes(link));
}

static json_t *memory_of(const struct broker *broker, const struct graph *graph)
{
    json_t *outputs = json_array();
    json_t *links = json_array();
    uint64_t total = 0;
    for (size_t i = 0; i < graph->link_count; i++) {
        const struct graph_link *link = &graph->links[i];
        total += page_bytes(link);
        json_array_append_new(links, link_of(link));
        struct pool_plan plan = {.slot_count = 0};
        bool is_estimate = false;
        if (!is_first_of_output(graph, i) || !plan_output(broker, graph, i, &plan, &is_estimate)) {
            continue;
        }
        total += rounded(plan.size_bytes);
        json_array_append_new(
            outputs,
            json_pack("{s:o, s:i, s:I, s:I, s:b}", "output",
                      json_sprintf("%s.%s", link->from.node, link->from.port), "slots",
                      (int)plan.slot_count, "payload_bytes", (json_int_t)plan.payload_bytes,
                      "bytes", (json_int_t)rounded(plan.size_bytes), "is_estimate", is_estimate));
    }
    return json_pack("{s:o, s:o, s:I}", "outputs", outputs, "links", links, "bytes",
                     (json_int_t)total);
}

// Of the keys that change: those that say what a node may reach.
static json_t *rights_of(const json_t *changes)
{
    json_t *list = json_array();
    size_t index;
    json_t *entry;
    json_array_foreach(changes, index, entry)
    {
        if (json_is_true(json_object_get(entry, "is_right"))) {
            json_array_append_new(list, json_pack("{s:O, s:O, s:O, s:O}", "node",
                                                  json_object_get(entry, "what"), "key",
                                                  json_object_get(entry, "key"), "now",
                                                  json_object_get(entry, "now"), "after",
                                                  json_object_get(entry, "after")));
        }
    }
    return list;
}

// Frames that wait on links which are taken away: they are read first, for as long as the stop
// timeout of the reader allows.
static json_int_t frames_at_risk(const struct broker *broker, const struct graph *before,
                                 const struct graph_difference *difference)
{
    uint64_t frames = 0;
    for (size_t i = 0; i < difference->count; i++) {
        const struct difference_item *item = &difference->items[i];
        if (item->kind != DIFFERENCE_UNWIRE) {
            continue;
        }
        const struct graph_link *wanted = &before->links[item->before];
        const struct actual_link *link =
            actual_find_link(broker->actual, &wanted->from, &wanted->to);
        if (link != NULL) {
            struct account account = pages_account(link);
            frames += account.queued + account.held;
        }
    }
    return (json_int_t)frames;
}

json_t *plan_json(struct broker *broker, const struct graph *after)
{
    struct graph_difference difference;
    if (graph_difference_find(broker->graph, after, &difference) != 0) {
        return NULL;
    }
    json_t *steps = json_array();
    for (size_t i = 0; i < difference.count; i++) {
        const struct difference_item *item = &difference.items[i];
        json_array_append_new(steps, json_pack("{s:s, s:s}", "step",
                                               graph_difference_kind_name(item->kind), "what",
                                               item->subject));
    }
    json_t *changes = changed_keys_list(broker->graph, after);
    json_t *plan = json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:I}", "graph", after->name, "steps",
                             steps, "rights", rights_of(changes), "changes", changes, "memory_now",
                             memory_of(broker, broker->graph), "memory", memory_of(broker, after),
                             "frames_at_risk", frames_at_risk(broker, broker->graph, &difference));
    if (difference.is_impossible) {
        json_object_set_new(plan, "impossible",
                            json_string(graph_fields_row(difference.fixed)->path));
    }
    graph_difference_fini(&difference);
    return plan;
}
