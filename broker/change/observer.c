// SPDX-License-Identifier: Apache-2.0
// Makes the node and the link of a tap, and takes them away.
#include "broker/change/observer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/ending.h"
#include "broker/graph/arena.h"
#include "broker/graph/descriptor.h"
#include "broker/graph/graph_fields.h"
#include "broker/links/link_leave.h"
#include "broker/links/pages.h"
#include "broker/links/wiring.h"
#include "broker/lives/life.h"
#include "broker/lives/life_begin.h"
#include "broker/lives/life_message.h"

#define ARENA_BYTES (64 * 1024)
#define DEPTH 2
#define PROCESS_NS (3600 * CLOCK_NS_PER_S)  // it waits for its listener, who may be stopped
#define PORT "in"

// A graph of one node and one link, which lives as long as they do.
struct observer_graph {
    struct graph graph;
    struct graph_node node;
    struct graph_link link;
    const char *exec[2];
    struct graph_place place;
    struct graph_pair pairs[4];
    char id[LIMIT_NODE_ID_BYTES_MAX];
    char bytes[32];
    char interval[32];
};

static void find_id(const struct broker *broker, char out_id[LIMIT_NODE_ID_BYTES_MAX])
{
    unsigned number = 0;
    do {
        number++;
        snprintf(out_id, LIMIT_NODE_ID_BYTES_MAX, "tap-%u", number);
    } while (actual_find_node(broker->actual, out_id) != NULL ||
             graph_find_node(broker->graph, out_id) >= 0);
}

static void fill_node(struct observer_graph *tap, const struct catalog_entry *program,
                      const struct observer_settings *settings, const char *socket)
{
    struct graph_node *node = &tap->node;
    graph_fields_init(GRAPH_SECTION_NODE, node);
    tap->exec[0] = "tap";
    snprintf(tap->bytes, sizeof tap->bytes, "%llu", (unsigned long long)settings->bytes);
    tap->pairs[0] = (struct graph_pair){.name = "bytes", .value = tap->bytes};
    units_format_duration(settings->interval_ns, tap->interval, sizeof tap->interval);
    tap->pairs[1] = (struct graph_pair){.name = "interval", .value = tap->interval};
    tap->pairs[2] =
        (struct graph_pair){.name = "rgb", .value = settings->is_rgb ? "true" : "false"};
    tap->pairs[3] = (struct graph_pair){.name = "socket", .value = socket};
    node->id = tap->id;
    node->exec = (struct graph_strings){.count = 1, .items = tap->exec, .places = &tap->place};
    node->config = (struct graph_pairs){.count = ARRAY_COUNT(tap->pairs), .items = tap->pairs};
    node->restart.when = GRAPH_RESTART_NEVER;
    node->timeouts.process_ns = PROCESS_NS;
    node->sandbox.tier = GRAPH_TIER_TRUSTED;
    node->is_optional = true;
    node->is_inserted = true;
    bool is_paced = settings->interval_ns > 0;
    node->found = (struct graph_node_found){
        .descriptor = program->descriptor,
        .program = program->program.path,
        .judged = program->program,
        .mode = SB_MODE_REACTIVE,
        .interval_ns = settings->interval_ns,
        .activation = {.kind = is_paced ? SB_ACTIVATE_EVERY : SB_ACTIVATE_ANY,
                       .every_ns = settings->interval_ns},
        .params = node->config};
}

static void fill_link(struct observer_graph *tap, const char *node, const char *port,
                      const struct descriptor_port *from, uint32_t index)
{
    struct graph_link *link = &tap->link;
    graph_fields_init(GRAPH_SECTION_LINK, link);
    link->from = (struct graph_end){.node = node, .port = port};
    link->to = (struct graph_end){.node = tap->id, .port = PORT};
    link->delivery = SB_DELIVERY_LATEST;
    link->is_inserted = true;
    link->found = (struct graph_link_found){.from_port = from,
                                            .to_port = &tap->node.found.descriptor->inputs[0],
                                            .from_index = index,
                                            .delivery = SB_DELIVERY_LATEST,
                                            .depth = DEPTH,
                                            .claims = 1};
}

static struct graph *make_graph(const struct broker *broker, const struct actual_node *from,
                                const char *port, const struct catalog_entry *program,
                                const struct observer_settings *settings)
{
    uint32_t index = 0;
    const struct descriptor_port *output =
        descriptor_find_output(from->wanted->found.descriptor, port, &index);
    struct arena *arena = arena_create(ARENA_BYTES);
    struct observer_graph *tap = arena == NULL ? NULL : arena_alloc(arena, 1, sizeof *tap);
    const char *socket = tap == NULL ? NULL : arena_copy_string(arena, settings->socket);
    const char *node = tap == NULL ? NULL : arena_copy_string(arena, from->life.id);
    const char *name = tap == NULL ? NULL : arena_copy_string(arena, port);
    if (socket == NULL || node == NULL || name == NULL) {
        arena_destroy(arena);
        return NULL;
    }
    find_id(broker, tap->id);
    fill_node(tap, program, settings, socket);
    fill_link(tap, node, name, output, index);
    const struct actual_output *watched = actual_output_of(from, port);
    if (watched != NULL && actual_transport(watched) != NULL) {
        tap->link.transport = actual_transport(watched);
    }
    tap->graph = (struct graph){.file = broker->graph->file,
                                .folder = broker->graph->folder,
                                .name = broker->graph->name,
                                .node_count = 1,
                                .nodes = &tap->node,
                                .link_count = 1,
                                .links = &tap->link,
                                .arena = arena};
    return &tap->graph;
}

static bool has_room(const struct actual_node *from)
{
    size_t count = 0;
    for (size_t i = 0; i < from->output_count; i++) {
        count += from->outputs[i]->link_count;
    }
    return count < LIMIT_LINKS_PER_SIDE_MAX;
}

int observer_open(struct broker *broker, struct actual_node *from, const char *port,
                  const struct catalog_entry *program, const struct observer_settings *settings,
                  char out_id[LIMIT_NODE_ID_BYTES_MAX])
{
    if (!has_room(from)) {
        return -EBUSY;
    }
    char text[512];
    struct graph *graph = make_graph(broker, from, port, program, settings);
    int failed = graph == NULL ? -ENOMEM : broker_reserve_node(broker, text, sizeof text);
    struct actual_node *node = NULL;
    struct actual_link *link = NULL;
    if (failed == 0) {
        failed = actual_add_node(broker->actual, graph, &graph->nodes[0], &node);
    }
    if (failed == 0) {
        node->broker = broker;
        node->is_observer = true;
        failed = actual_add_link(broker->actual, graph, &graph->links[0], from, node, &link);
    }
    failed = failed == 0 ? actual_sort(broker->actual) : failed;
    if (failed != 0) {
        if (node != NULL) {
            observer_close(broker, node->life.id);
        }
        graph_destroy(graph);
        return failed;
    }
    text_copy(out_id, LIMIT_NODE_ID_BYTES_MAX, node->life.id);
    graph_destroy(graph);  // its node and link hold it now
    life_begin(broker, node);
    // Memory with room for it comes as for any change of format. An output that had no link before
    // offers now.
    life_message_link(broker, from, link, true);
    wiring_offer_again(link->output);
    wiring_advance(broker);
    return 0;
}

bool observer_is_in_the_way(const struct broker *broker, const char *id)
{
    const struct actual_node *node = actual_find_node(broker->actual, id);
    for (size_t i = 0; node != NULL && i < node->input_count; i++) {
        const struct actual_link *link = node->inputs[i];
        const struct actual_output *output = link->output;
        for (size_t j = 0; j + 1 < output->generation_count; j++) {
            const struct generation_link *pages = pages_of(output->generations[j], link);
            if (pages != NULL && !pages->is_drained) {
                return true;
            }
        }
    }
    return false;
}

void observer_close(struct broker *broker, const char *id)
{
    struct actual_node *node = actual_find_node(broker->actual, id);
    if (node == NULL || node->is_doomed) {
        return;
    }
    node->is_doomed = true;
    for (size_t i = 0; i < node->input_count; i++) {
        link_leave_end(broker, node->inputs[i]);
    }
    life_kill(broker, node, EXIT_REASON_STOPPED, "its tap was closed");
}
