// SPDX-License-Identifier: Apache-2.0
// Prints a graph as text, as JSON and for Graphviz.
#include "broker/graph/graph_print.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "broker/graph/descriptor.h"
#include "broker/graph/graph_save.h"
#include "broker/graph/residency.h"

struct view {
    const struct graph *graph;
    const struct snapshot *snapshot;
    FILE *out;
};

struct port {
    const char *name;
    enum sb_port_type type;
    bool is_linked;
};

typedef void (*port_fn)(void *context, const struct port *port);

static const char *tier_name(enum graph_tier tier)
{
    static const char *const names[] = {[GRAPH_TIER_UNSET] = "untrusted",
#define X(NAME, text) [GRAPH_TIER_##NAME] = text,
                                        GRAPH_TIERS(X)
#undef X
    };
    return names[tier];
}

static const char *delivery_name(enum sb_delivery delivery)
{
    static const char *const names[] = {[SB_DELIVERY_DEFAULT] = "default",
#define X(NAME, text) [SB_DELIVERY_##NAME] = text,
                                        SB_DELIVERIES(X)
#undef X
    };
    return names[delivery];
}

static const char *processor_of(const struct graph_node *node)
{
    return node->found.descriptor != NULL ? node->found.descriptor->name : node->exec.items[0];
}

static const struct snapshot_node *state_of(const struct view *view, const char *id)
{
    for (size_t i = 0; view->snapshot != NULL && i < view->snapshot->node_count; i++) {
        if (strcmp(view->snapshot->nodes[i].id, id) == 0) {
            return &view->snapshot->nodes[i];
        }
    }
    return NULL;
}

static bool is_address(const char *address, const struct graph_end *end)
{
    size_t length = strlen(end->node);
    return strncmp(address, end->node, length) == 0 && address[length] == '.' &&
           strcmp(address + length + 1, end->port) == 0;
}

static const struct snapshot_link *link_state_of(const struct view *view,
                                                 const struct graph_link *link)
{
    for (size_t i = 0; view->snapshot != NULL && i < view->snapshot->link_count; i++) {
        const struct snapshot_link *state = &view->snapshot->links[i];
        if (is_address(state->from, &link->from) && is_address(state->to, &link->to)) {
            return state;
        }
    }
    return NULL;
}

// What a link carries: the format that was agreed, else the type of its ports.
static const char *carries(const struct graph_link *link, const struct snapshot_link *state)
{
    if (state != NULL && state->format[0] != '\0') {
        return state->format;
    }
    const struct descriptor_port *from = link->found.from_port;
    const struct descriptor_port *to = link->found.to_port;
    if (from == NULL || to == NULL) {
        return "";
    }
    return sb_port_type_name(from->type != SB_PORT_ANY ? from->type : to->type);
}

static const struct graph_end *end_of(const struct graph_link *link, bool is_input)
{
    return is_input ? &link->to : &link->from;
}

static bool is_linked(const struct graph *graph, const char *node, const char *port, bool is_input)
{
    for (size_t i = 0; i < graph->link_count; i++) {
        const struct graph_end *end = end_of(&graph->links[i], is_input);
        if (strcmp(end->node, node) == 0 && strcmp(end->port, port) == 0) {
            return true;
        }
    }
    return false;
}

// Members of an array of ports are many: only those with links are shown.
static void each_member(const struct graph *graph, const struct graph_node *node, bool is_input,
                        const struct descriptor_port *port, port_fn visit, void *context)
{
    for (uint32_t i = 0; i < port->count; i++) {
        char name[SB_NAME_BYTES_MAX + 12];
        snprintf(name, sizeof name, "%s_%u", port->name, i);
        if (is_linked(graph, node->id, name, is_input)) {
            visit(context, &(struct port){.name = name, .type = port->type, .is_linked = true});
        }
    }
}

static void each_port(const struct graph *graph, const struct graph_node *node, bool is_input,
                      port_fn visit, void *context)
{
    const struct descriptor *descriptor = node->found.descriptor;
    size_t count = descriptor == NULL ? 0
                   : is_input         ? descriptor->input_count
                                      : descriptor->output_count;
    for (size_t i = 0; i < count; i++) {
        const struct descriptor_port *port =
            is_input ? &descriptor->inputs[i] : &descriptor->outputs[i];
        if (port->count > 0) {
            each_member(graph, node, is_input, port, visit, context);
            continue;
        }
        struct port shown = {.name = port->name,
                             .type = port->type,
                             .is_linked = is_linked(graph, node->id, port->name, is_input)};
        visit(context, &shown);
    }
}

// --- Text -------------------------------------------------------------------------------------

// Programs are named by users and formats by workers: nothing of a name may reach a terminal as a
// command to it.
static void print_plain(FILE *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        fputc(iscntrl((unsigned char)*c) ? '?' : *c, out);
    }
}

static void print_link_text(const struct view *view, const struct graph_link *link)
{
    const struct snapshot_link *state = link_state_of(view, link);
    char target[2 * SB_NAME_BYTES_MAX + 2];
    snprintf(target, sizeof target, "%s.%s", link->to.node, link->to.port);
    fprintf(view->out, "    %-10s -> %-24s %-9s", link->from.port, target,
            delivery_name(link->found.delivery));
    if (state != NULL) {
        fprintf(view->out, " %u/%u %s", state->filled, state->depth, link_state_name(state->state));
    } else {
        fprintf(view->out, " %u", link->found.depth);
    }
    const char *format = carries(link, state);
    fputs(format[0] != '\0' ? "  " : "", view->out);
    print_plain(view->out, format);
    fputc('\n', view->out);
}

static void print_node_text(const struct view *view, const struct graph_node *node)
{
    const struct snapshot_node *state = state_of(view, node->id);
    fprintf(view->out, "%s: ", node->id);
    print_plain(view->out, processor_of(node));
    fprintf(view->out, ", %s%s", tier_name(node->sandbox.tier),
            node->is_inserted ? ", inserted" : "");
    if (state != NULL) {
        fprintf(view->out, ", %s, generation %u", node_state_name(state->state), state->generation);
    }
    fputc('\n', view->out);
    for (size_t i = 0; i < view->graph->link_count; i++) {
        if (strcmp(view->graph->links[i].from.node, node->id) == 0) {
            print_link_text(view, &view->graph->links[i]);
        }
    }
}

static int print_text(const struct view *view)
{
    const struct graph *graph = view->graph;
    fprintf(view->out, "graph %s: %zu node%s, %zu link%s\n", graph->name, graph->node_count,
            graph->node_count == 1 ? "" : "s", graph->link_count,
            graph->link_count == 1 ? "" : "s");
    for (size_t i = 0; i < graph->node_count; i++) {
        print_node_text(view, &graph->nodes[i]);
    }
    return 0;
}

// --- JSON -------------------------------------------------------------------------------------

static void add_port_json(void *context, const struct port *port)
{
    json_array_append_new(context,
                          json_pack("{s:s, s:s, s:b}", "name", port->name, "type",
                                    sb_port_type_name(port->type), "linked", port->is_linked));
}

static json_t *ports_json(const struct graph *graph, const struct graph_node *node, bool is_input)
{
    json_t *list = json_array();
    each_port(graph, node, is_input, add_port_json, list);
    return list;
}

static json_t *node_json(const struct view *view, const struct graph_node *node)
{
    const struct snapshot_node *state = state_of(view, node->id);
    json_t *map = json_pack("{s:s, s:s, s:s, s:b, s:b}", "id", node->id, "processor",
                            processor_of(node), "tier", tier_name(node->sandbox.tier), "inserted",
                            node->is_inserted, "optional", node->is_optional);
    json_object_set_new(map, "inputs", ports_json(view->graph, node, true));
    json_object_set_new(map, "outputs", ports_json(view->graph, node, false));
    json_t *config = json_object();
    for (size_t i = 0; i < node->config.count; i++) {
        json_object_set_new(config, node->config.items[i].name,
                            json_string(node->config.items[i].value));
    }
    json_object_set_new(map, "config", config);
    if (state != NULL) {
        json_object_set_new(map, "state", json_string(node_state_name(state->state)));
        json_object_set_new(map, "generation", json_integer(state->generation));
        json_object_set_new(map, "pid", json_integer(state->pid));
    }
    return map;
}

// Where its frames are worked on, and why. Null for a link that was not checked.
static json_t *residency_json(const struct graph *graph, const struct graph_link *link,
                              const struct snapshot_link *state)
{
    char reason[256];
    if (link->found.from_port == NULL || link->found.to_port == NULL) {
        return json_null();
    }
    residency_reason(graph, link, reason, sizeof reason);
    // Whose memory it is was decided when both ends had opened their devices.
    bool is_decided = state != NULL && state->pool != NULL && link->found.memory == SB_MEMORY_GPU;
    return json_pack("{s:s, s:s?, s:s}", "memory", sb_memory_name(link->found.memory), "pool",
                     is_decided ? state->pool : NULL, "reason",
                     is_decided ? state->pool_why : reason);
}

static json_t *link_json(const struct view *view, const struct graph_link *link)
{
    const struct snapshot_link *state = link_state_of(view, link);
    json_t *map = json_object();
    json_object_set_new(map, "from", json_sprintf("%s.%s", link->from.node, link->from.port));
    json_object_set_new(map, "to", json_sprintf("%s.%s", link->to.node, link->to.port));
    json_object_set_new(map, "carries", json_string(carries(link, state)));
    json_object_set_new(map, "delivery", json_string(delivery_name(link->found.delivery)));
    json_object_set_new(map, "depth",
                        json_integer(state != NULL ? state->depth : link->found.depth));
    json_object_set_new(map, "inserted", json_boolean(link->is_inserted || link->written != NULL));
    json_object_set_new(map, "residency", residency_json(view->graph, link, state));
    if (state != NULL) {
        json_object_set_new(map, "state", json_string(link_state_name(state->state)));
        json_object_set_new(map, "filled", json_integer(state->filled));
        json_object_set_new(map, "generation", json_integer(state->generation));
    }
    return map;
}

static int print_json(const struct view *view)
{
    auto_free char *canonical = NULL;
    size_t count;
    int failed = graph_save_json(view->graph, &canonical, &count);
    if (failed != 0) {
        return failed;
    }
    json_t *root = json_pack("{s:s}", "name", view->graph->name);
    json_t *nodes = json_array();
    for (size_t i = 0; i < view->graph->node_count; i++) {
        json_array_append_new(nodes, node_json(view, &view->graph->nodes[i]));
    }
    json_t *links = json_array();
    for (size_t i = 0; i < view->graph->link_count; i++) {
        json_array_append_new(links, link_json(view, &view->graph->links[i]));
    }
    json_object_set_new(root, "nodes", nodes);
    json_object_set_new(root, "links", links);
    json_object_set_new(root, "file", json_loadb(canonical, count, 0, NULL));
    failed = json_dumpf(root, view->out, JSON_INDENT(2)) == 0 ? 0 : -ENOMEM;
    json_decref(root);
    fputc('\n', view->out);
    return failed;
}

// --- Graphviz ---------------------------------------------------------------------------------

static void print_html(FILE *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '&' || *c == '<' || *c == '>' || *c == '"') {
            fprintf(out, "&#%d;", *c);
        } else {
            fputc(iscntrl((unsigned char)*c) ? '?' : *c, out);
        }
    }
}

struct row {
    FILE *out;
    char side;  // of the names of the cells: i or o
    size_t count;
};

static void print_port_dot(void *context, const struct port *port)
{
    struct row *row = context;
    fprintf(row->out,
            "%s<tr><td port=\"%c_%s\" align=\"%s\"><font color=\"%s\" point-size=\"10\">%s</font>"
            "</td></tr>",
            row->count++ == 0 ? "<table border=\"0\" cellborder=\"0\" cellspacing=\"0\">" : "",
            row->side, port->name, row->side == 'i' ? "left" : "right",
            port->is_linked ? "#202020" : "#a0a0a0", port->name);
}

static void print_ports_dot(const struct view *view, const struct graph_node *node, bool is_input)
{
    struct row row = {.out = view->out, .side = is_input ? 'i' : 'o'};
    fputs("<td>", view->out);
    each_port(view->graph, node, is_input, print_port_dot, &row);
    fputs(row.count > 0 ? "</table></td>" : "</td>", view->out);
}

// Grey for what the broker put in, blue for what is trusted, sand for what is not.
static const char *fill_of(const struct graph_node *node)
{
    static const char *const fills[] = {[GRAPH_TIER_UNSET] = "#fbf3e4",
                                        [GRAPH_TIER_TRUSTED] = "#e8f0fb",
                                        [GRAPH_TIER_UNTRUSTED] = "#fbf3e4"};
    return node->is_inserted ? "#f0f0f0" : fills[node->sandbox.tier];
}

static const char *border_of(const struct snapshot_node *state)
{
    if (state == NULL || state->state == NODE_RUNNING) {
        return "#405060";
    }
    return state->state == NODE_FAILED || state->state == NODE_STALLED ? "#c02020" : "#a08020";
}

static void print_node_dot(const struct view *view, const struct graph_node *node)
{
    const struct snapshot_node *state = state_of(view, node->id);
    fprintf(view->out,
            "    \"%s\" [style=\"filled,rounded%s\", fillcolor=\"%s\", color=\"%s\", "
            "label=<<table border=\"0\" cellspacing=\"4\"><tr>",
            node->id, node->is_inserted ? ",dashed" : "", fill_of(node), border_of(state));
    print_ports_dot(view, node, true);
    fprintf(view->out, "<td><b>%s</b><br/>", node->id);
    print_html(view->out, processor_of(node));
    fprintf(view->out, "<br/><font point-size=\"9\">%s",
            node->is_inserted ? "inserted" : tier_name(node->sandbox.tier));
    if (state != NULL) {
        fprintf(view->out, ", %s", node_state_name(state->state));
    }
    fputs("</font></td>", view->out);
    print_ports_dot(view, node, false);
    fputs("</tr></table>>];\n", view->out);
}

static void print_link_dot(const struct view *view, const struct graph_link *link)
{
    static const char *const styles[] = {[SB_DELIVERY_DEFAULT] = "solid",
                                         [SB_DELIVERY_LOSSLESS] = "solid",
                                         [SB_DELIVERY_ORDERED] = "dashed",
                                         [SB_DELIVERY_LATEST] = "dotted"};
    const struct snapshot_link *state = link_state_of(view, link);
    fprintf(view->out, "    \"%s\":\"o_%s\":e -> \"%s\":\"i_%s\":w [style=%s, label=<",
            link->from.node, link->from.port, link->to.node, link->to.port,
            styles[link->found.delivery]);
    print_html(view->out, carries(link, state));
    fprintf(view->out, "<br/>%s %u>];\n", delivery_name(link->found.delivery),
            state != NULL ? state->depth : link->found.depth);
}

static int print_dot(const struct view *view)
{
    // Ids and ports have no character that needs to be escaped; programs have.
    fprintf(view->out,
            "digraph \"%s\" {\n    rankdir=LR;\n    nodesep=0.4;\n    ranksep=0.9;\n"
            "    node [shape=box, fontname=\"sans-serif\", fontsize=12];\n"
            "    edge [fontname=\"sans-serif\", fontsize=9, color=\"#405060\"];\n",
            view->graph->name);
    for (size_t i = 0; i < view->graph->node_count; i++) {
        print_node_dot(view, &view->graph->nodes[i]);
    }
    for (size_t i = 0; i < view->graph->link_count; i++) {
        print_link_dot(view, &view->graph->links[i]);
    }
    fputs("}\n", view->out);
    return 0;
}

// --- All --------------------------------------------------------------------------------------

static int print(const struct graph *graph, const struct snapshot *snapshot,
                 int (*form)(const struct view *view), char **out_text, size_t *out_count)
{
    char *text = NULL;
    size_t count = 0;
    struct view view = {.graph = graph, .snapshot = snapshot, .out = open_memstream(&text, &count)};
    if (view.out == NULL) {
        return -ENOMEM;
    }
    int failed = form(&view);
    bool is_bad = ferror(view.out) != 0;
    if (fclose(view.out) != 0 || is_bad || failed != 0) {
        free(text);
        return -ENOMEM;
    }
    *out_text = text;
    *out_count = count;
    return 0;
}

int graph_print_text(const struct graph *graph, const struct snapshot *snapshot, char **out_text,
                     size_t *out_count)
{
    return print(graph, snapshot, print_text, out_text, out_count);
}

int graph_print_json(const struct graph *graph, const struct snapshot *snapshot, char **out_text,
                     size_t *out_count)
{
    return print(graph, snapshot, print_json, out_text, out_count);
}

int graph_print_dot(const struct graph *graph, const struct snapshot *snapshot, char **out_text,
                    size_t *out_count)
{
    return print(graph, snapshot, print_dot, out_text, out_count);
}
