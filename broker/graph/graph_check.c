// SPDX-License-Identifier: Apache-2.0
// Checks a graph as a whole: every node, then every link, then what they make together.
#include "broker/graph/graph_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/redact.h"
#include "base/text.h"
#include "broker/graph/arena.h"
#include "broker/graph/check_config.h"
#include "broker/graph/check_link.h"
#include "broker/graph/check_transport.h"
#include "broker/graph/check_url.h"
#include "broker/graph/conversion.h"
#include "broker/graph/graph_fields.h"
#include "broker/graph/insertion.h"
#include "broker/graph/residency.h"
#include "broker/graph/transports.h"
#include "broker/lives/granting.h"
#include "broker/lives/vouch.h"

#define NO_NODE ((size_t)-1)

static void say_not_found(const struct graph *graph, const struct graph_node *node,
                          struct catalog *catalog, int failed, const char *why, struct diags *diags)
{
    struct graph_place place = node->exec.places[0];
    struct diags_quoted name = diags_quote(node->exec.items[0]);
    char near[SB_NAME_BYTES_MAX];
    if (failed == -EOPNOTSUPP) {
        enum graph_field field = node->places[GRAPH_FIELD_NODE_TIER].line > 0
                                     ? GRAPH_FIELD_NODE_TIER
                                     : GRAPH_FIELD_NODE_SANDBOX;
        diags_add(diags, DIAG_REFUSED, graph->file, graph_node_place(node, field),
                  "node '%s' cannot run untrusted: %s; streamctl doctor says what is missing; "
                  "write degrade: true in its sandbox to run it without that",
                  node->id, why);
    } else if (failed != -ENOENT) {
        diags_add(diags, DIAG_ERROR, graph->file, place,
                  "processor %s cannot be used: %s; try streamctl describe %s", name.bytes, why,
                  node->exec.items[0]);
    } else if (node->exec.items[0][0] != '/' &&
               catalog_nearest(catalog, node->exec.items[0], near, sizeof(near)) &&
               strcmp(near, node->exec.items[0]) != 0) {
        diags_add(diags, DIAG_ERROR, graph->file, place, "no processor %s (%s); did you mean '%s'?",
                  name.bytes, why, near);
    } else if (strchr(node->exec.items[0], ' ') != NULL) {
        diags_add(diags, DIAG_ERROR, graph->file, place,
                  "no processor %s (%s); write each argument as an item, as [program, argument]",
                  name.bytes, why);
    } else {
        diags_add(diags, DIAG_ERROR, graph->file, place,
                  "no processor %s (%s); streamctl processors lists what there is", name.bytes,
                  why);
    }
}

static void check_mode(const struct graph *graph, const struct graph_node *node,
                       struct diags *diags)
{
    static const char *const names[] = {
#define X(name, text) [SB_MODE_##name] = text,
        SB_MODES(X)
#undef X
    };
    uint32_t modes = node->found.descriptor->modes;
    if (modes == 0 || (modes & SB_BIT(node->found.mode)) != 0) {
        return;
    }
    char bytes[64];
    struct text can = TEXT_OVER(bytes);
    for (size_t mode = 0; mode < ARRAY_COUNT(names); mode++) {
        if ((modes & SB_BIT(mode)) != 0) {
            text_add(&can, can.length > 0 ? ", " : "");
            text_add(&can, names[mode]);
        }
    }
    diags_add(diags, DIAG_ERROR, graph->file, graph_node_place(node, GRAPH_FIELD_NODE_MODE),
              "'%s' has no mode %s; it has %s", node->found.descriptor->name,
              names[node->found.mode], can.bytes);
}

static void settle_mode(const struct graph *graph, struct graph_node *node, struct diags *diags)
{
    const struct descriptor *descriptor = node->found.descriptor;
    struct graph_node_found *found = &node->found;
    found->mode = node->run.mode != SB_MODE_DEFAULT ? node->run.mode : descriptor->mode;
    found->interval_ns = node->places[GRAPH_FIELD_NODE_INTERVAL].line > 0 ? node->run.interval_ns
                                                                          : descriptor->interval_ns;
    found->activation = node->activate;
    if (node->activate.kind == SB_ACTIVATE_DEFAULT) {
        found->activation.kind = descriptor->activation;
        found->activation.batch = descriptor->batch_count;
        found->activation.within_ns = descriptor->batch_within_ns;
        found->activation.every_ns = found->interval_ns;
    } else if (found->mode != SB_MODE_REACTIVE) {
        enum graph_field field =
            node->places[GRAPH_FIELD_NODE_BATCH].line > 0   ? GRAPH_FIELD_NODE_BATCH
            : node->places[GRAPH_FIELD_NODE_EVERY].line > 0 ? GRAPH_FIELD_NODE_EVERY
                                                            : GRAPH_FIELD_NODE_ACTIVATE;
        diags_add(diags, DIAG_ERROR, graph->file, graph_node_place(node, field),
                  "node '%s' is not reactive, so activate means nothing; leave it out", node->id);
    }
}

static int check_program(struct graph *graph, struct graph_node *node,
                         const struct graph_stock *program, struct diags *diags)
{
    node->found.program = program->program.path;
    node->found.judged = program->program;
    node->found.descriptor = program->descriptor;
    settle_mode(graph, node, diags);
    check_mode(graph, node, diags);
    residency_check_node(graph, node, diags);
    int failed = check_config(graph, node, program->descriptor, diags);
    if (failed == 0) {
        granting_check_params(graph, node, program->descriptor, diags);
    }
    return failed;
}

// Command lines can be read by everybody on the machine. True when there was one.
static bool refuse_passwords(const struct graph *graph, const struct graph_node *node,
                             struct diags *diags)
{
    bool is_any = false;
    for (size_t i = 1; i < node->exec.count; i++) {
        if (redact_is_needed(node->exec.items[i])) {
            is_any = true;
            diags_add(diags, DIAG_ERROR, graph->file, node->exec.places[i],
                      "an argument of node '%s' has a URL with a password, and everybody on this "
                      "machine can read command lines; give it by config",
                      node->id);
        }
    }
    return is_any;
}

static int check_node(struct graph *graph, struct graph_node *node, struct catalog *catalog,
                      struct diags *diags)
{
    memset(&node->found, 0, sizeof(node->found));
    if (node->exec.count == 0 || node->exec.items[0][0] == '\0') {
        return 0;  // of a file with errors, where this was one
    }
    if (node->sandbox.rootfs != NULL) {
        node->found.rootfs = check_config_absolute(graph, node->sandbox.rootfs);
        if (node->found.rootfs == NULL) {
            return -ENOMEM;
        }
    }
    if (refuse_passwords(graph, node, diags)) {
        return 0;  // asking it would be such a command line
    }
    check_url_node(graph, node, diags);
    granting_check(graph, node, diags);
    const char **exec = arena_alloc(graph->arena, node->exec.count + 1, sizeof(*exec));
    if (exec == NULL) {
        return -ENOMEM;
    }
    memcpy(exec, node->exec.items, node->exec.count * sizeof(*exec));
    struct catalog_entry entry;
    struct diag why = {.text = "no reason is known"};
    int failed = node->is_inserted ? catalog_find_stock(catalog, exec[0], &entry, &why)
                                   : catalog_find(catalog, graph->folder, exec, node, &entry, &why);
    if (failed == -ENOMEM || failed == -EINPROGRESS) {
        return failed;
    }
    if (failed == -EKEYREJECTED) {
        vouch_refuse(graph, node, why.text, diags);
        return 0;
    }
    if (failed != 0) {
        say_not_found(graph, node, catalog, failed, why.text, diags);
        return 0;
    }
    const struct graph_stock found = {entry.program, entry.descriptor};
    failed = check_program(graph, node, &found, diags);
    vouch_check_node(graph, node, why.text, diags);
    return failed;
}

static int compare_ends(const struct graph_end *a, const struct graph_end *b)
{
    int nodes = strcmp(a->node, b->node);
    return nodes != 0 ? nodes : strcmp(a->port, b->port);
}

// Links to one input are next to each other, among them those from one output, in their order.
static int compare_links(const void *a, const void *b)
{
    const struct graph_link *x = *(const struct graph_link *const *)a;
    const struct graph_link *y = *(const struct graph_link *const *)b;
    int order = compare_ends(&x->to, &y->to);
    order = order == 0 ? compare_ends(&x->from, &y->from) : order;
    return order != 0 ? order : (x > y) - (x < y);
}

// The links that have both ends, sorted; the caller frees them. Returns 0 or -ENOMEM.
static int sort_links(const struct graph *graph, const struct graph_link ***out_links,
                      size_t *out_count)
{
    const struct graph_link **links = calloc(graph->link_count + 1, sizeof(const void *));
    if (links == NULL) {
        return -ENOMEM;
    }
    size_t count = 0;
    for (size_t i = 0; i < graph->link_count; i++) {
        const struct graph_link *link = &graph->links[i];
        if (link->from.node != NULL && link->to.node != NULL) {
            links[count++] = link;
        }
    }
    qsort(links, count, sizeof(const void *), compare_links);
    *out_links = links;
    *out_count = count;
    return 0;
}

static int check_duplicates(const struct graph *graph, struct diags *diags)
{
    auto_free const struct graph_link **links = NULL;
    size_t count;
    if (sort_links(graph, &links, &count) != 0) {
        return -ENOMEM;
    }
    size_t first = 0;
    for (size_t i = 1; i < count; i++) {
        const struct graph_link *link = links[i];
        if (compare_ends(&link->to, &links[first]->to) != 0 ||
            compare_ends(&link->from, &links[first]->from) != 0) {
            first = i;
            continue;
        }
        diags_add(diags, DIAG_ERROR, graph->file, link->place,
                  "a second link %s.%s -> %s.%s, first in line %u; remove one of the two",
                  link->from.node, link->from.port, link->to.node, link->to.port,
                  links[first]->place.line);
    }
    return 0;
}

static int check_links(struct graph *graph, struct diags *diags)
{
    for (size_t i = 0; i < graph->link_count; i++) {
        struct graph_link *link = &graph->links[i];
        link->found = (struct graph_link_found){0};
        link->found.from_node = NO_NODE;
        link->found.to_node = NO_NODE;
        // Without both addresses the file has an error here, and there is nothing to look at.
        if (link->from.node != NULL && link->to.node != NULL) {
            if (check_link(graph, link, diags) != 0) {
                return -ENOMEM;
            }
            if (link->found.conversion == NULL && link->is_auto_transfer) {
                link->found.conversion = link->decided;
            }
        }
    }
    return check_duplicates(graph, diags);
}

static int check_fans(const struct graph *graph, struct diags *diags)
{
    struct fan {
        size_t in;
        size_t out;
    };
    auto_free struct fan *fans = calloc(graph->node_count + 1, sizeof(*fans));
    if (fans == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < graph->link_count; i++) {
        const struct graph_link_found *found = &graph->links[i].found;
        if (found->to_node != NO_NODE) {
            fans[found->to_node].in++;
        }
        if (found->from_node != NO_NODE) {
            fans[found->from_node].out++;
        }
    }
    for (size_t i = 0; i < graph->node_count; i++) {
        bool is_in = fans[i].in > LIMIT_LINKS_PER_SIDE_MAX;
        if (is_in || fans[i].out > LIMIT_LINKS_PER_SIDE_MAX) {
            diags_add(diags, DIAG_ERROR, graph->file, graph->nodes[i].place,
                      "node '%s' has %zu links %s, at most %d are possible; put a node between",
                      graph->nodes[i].id, is_in ? fans[i].in : fans[i].out, is_in ? "in" : "out",
                      LIMIT_LINKS_PER_SIDE_MAX);
        }
    }
    return 0;
}

static void warn_unlinked(const struct graph *graph, size_t index, struct diags *diags)
{
    const struct graph_node *node = &graph->nodes[index];
    const struct descriptor *descriptor = node->found.descriptor;
    for (size_t i = 0; descriptor != NULL && i < descriptor->input_count; i++) {
        const struct descriptor_port *port = &descriptor->inputs[i];
        bool is_linked = port->is_optional;
        for (size_t j = 0; j < graph->link_count && !is_linked; j++) {
            is_linked =
                graph->links[j].found.to_port == port && graph->links[j].found.to_node == index;
        }
        if (!is_linked) {
            diags_add(diags, DIAG_WARNING, graph->file, node->place,
                      "input '%s' of node '%s' is not linked and gets no frame; link it",
                      port->name, node->id);
        }
    }
}

// Depth-first search over the links; a link to a node that is on the way closes a cycle.
struct walk {
    const struct graph *graph;
    struct diags *diags;
    size_t *way;  // nodes from the start to here
    size_t way_count;
    unsigned char *states;  // per node
};

enum { NOT_SEEN, ON_THE_WAY, DONE };

static void say_cycle(const struct walk *walk, const struct graph_link *link)
{
    char path[384];
    struct text text = TEXT_OVER(path);
    size_t start = walk->way_count;
    while (start > 0 && walk->way[start - 1] != link->found.to_node) {
        start--;
    }
    SB_ASSERT(start > 0);
    for (size_t i = start - 1; i < walk->way_count; i++) {
        text_add_format(&text, "%s -> ", walk->graph->nodes[walk->way[i]].id);
    }
    text_add(&text, link->to.node);
    if (text.is_cut) {
        memcpy(path + sizeof(path) - 4, "...", 4);
    }
    diags_add(walk->diags, DIAG_ERROR, walk->graph->file, link->place,
              "the links go in a circle: %s; remove one of them", path);
}

static void walk_from(struct walk *walk, size_t node)
{
    walk->states[node] = ON_THE_WAY;
    walk->way[walk->way_count++] = node;
    for (size_t i = 0; i < walk->graph->link_count; i++) {
        const struct graph_link *link = &walk->graph->links[i];
        size_t to = link->found.to_node;
        if (link->found.from_node != node || to == NO_NODE) {
            continue;
        }
        if (walk->states[to] == ON_THE_WAY) {
            say_cycle(walk, link);
        } else if (walk->states[to] == NOT_SEEN) {
            walk_from(walk, to);
        }
    }
    walk->way_count--;
    walk->states[node] = DONE;
}

static int check_cycles(const struct graph *graph, struct diags *diags)
{
    auto_free size_t *way = calloc(graph->node_count + 1, sizeof(*way));
    auto_free unsigned char *states = calloc(graph->node_count + 1, 1);
    if (way == NULL || states == NULL) {
        return -ENOMEM;
    }
    struct walk walk = {graph, diags, way, 0, states};
    for (size_t i = 0; i < graph->node_count; i++) {
        if (states[i] == NOT_SEEN) {
            walk_from(&walk, i);
        }
    }
    return 0;
}

static int refuse_count(const struct graph *graph, size_t inserted, struct diags *diags)
{
    size_t count = graph->node_count + inserted;
    if (count > graph->limits.nodes) {
        size_t first = graph->limits.nodes;
        struct graph_place place = {0};
        diags_add(diags, DIAG_ERROR, graph->file,
                  first < graph->node_count ? graph->nodes[first].place : place,
                  "%zu nodes%s, at most %u are allowed; raise limits.nodes or split the graph",
                  count, inserted > 0 ? " with inserted converters" : "", graph->limits.nodes);
        return -EINVAL;
    }
    return 0;
}

static int refuse_links(const struct graph *graph, struct diags *diags)
{
    if (graph->link_count > LIMIT_LINKS_MAX) {
        diags_add(diags, DIAG_ERROR, graph->file, graph->links[LIMIT_LINKS_MAX].place,
                  "%zu links, at most %d are possible; split the graph", graph->link_count,
                  LIMIT_LINKS_MAX);
        return -EINVAL;
    }
    return 0;
}

static int check_nodes(struct graph *graph, struct catalog *catalog, struct diags *diags)
{
    int failed = 0;
    bool is_waiting = false;
    for (size_t i = 0; i < graph->node_count && failed == 0; i++) {
        failed = check_node(graph, &graph->nodes[i], catalog, diags);
        if (failed == -EINPROGRESS) {
            // The others are asked as well, so that all describe themselves at the same time.
            is_waiting = true;
            failed = 0;
        }
    }
    return failed == 0 && is_waiting ? -EINPROGRESS : failed;
}

// Inserts converters, and looks at what came of it: nothing that is new can be in the way of
// anything but a limit.
static int convert(struct graph *graph, struct catalog *catalog, struct diags *diags)
{
    size_t written = graph->node_count;
    if (refuse_count(graph, insertion_count(graph), diags) != 0) {
        return -EINVAL;
    }
    int failed = insertion_apply(graph);
    if (failed != 0 || graph->node_count == written) {
        return failed;
    }
    for (size_t i = written; i < graph->node_count && failed == 0; i++) {
        failed = check_node(graph, &graph->nodes[i], catalog, diags);
    }
    return failed == 0 ? check_links(graph, diags) : failed;
}

// True when a link may turn out to need a converter of this kind once its formats are known: its
// input does not take everything, or shares one format with others.
static bool may_need(const struct graph_link *link, bool is_shared, enum converter converter)
{
    const struct descriptor_port *to = link->found.to_port;
    bool is_video = conversion_kind(converter) == SB_FORMAT_VIDEO;
    if (!link->is_auto_transfer || to->type != (is_video ? SB_PORT_VIDEO : SB_PORT_AUDIO)) {
        return false;
    }
    const struct descriptor_formats *formats = &to->formats;
    return is_shared || formats->pixels != 0 || formats->samples != 0 || formats->rate_min != 0 ||
           formats->rate_max != 0 || formats->channels_min != 0 || formats->channels_max != 0;
}

static bool is_any_in_need(const struct graph_link *const *links, size_t count,
                           enum converter converter)
{
    for (size_t i = 0; i < count; i++) {
        bool is_shared = (i > 0 && compare_ends(&links[i - 1]->to, &links[i]->to) == 0) ||
                         (i + 1 < count && compare_ends(&links[i + 1]->to, &links[i]->to) == 0);
        if (may_need(links[i], is_shared, converter)) {
            return true;
        }
    }
    return false;
}

// Asks the converters that may be needed while nothing runs yet. One that is not installed is
// missed only when it is needed.
static int find_stock(struct graph *graph, struct catalog *catalog)
{
    struct graph_stock *stock = arena_alloc(graph->arena, CONVERTER_COUNT, sizeof(*stock));
    auto_free const struct graph_link **links = NULL;
    size_t count;
    bool is_waiting = false;
    if (stock == NULL || sort_links(graph, &links, &count) != 0) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < CONVERTER_COUNT; i++) {
        bool is_needed = is_any_in_need(links, count, (enum converter)i);
        struct catalog_entry entry;
        struct diag why;
        const char *name = conversion_processor((enum converter)i);
        int failed = is_needed ? catalog_find_stock(catalog, name, &entry, &why) : -ENOENT;
        if (failed == 0) {
            stock[i] = (struct graph_stock){entry.program, entry.descriptor};
        }
        is_waiting = is_waiting || failed == -EINPROGRESS;
    }
    graph->stock = stock;
    return is_waiting ? -EINPROGRESS : 0;
}

// The stock that the steps of a conversion need is there.
static bool is_in_stock(const struct graph *graph, const struct conversion *conversion)
{
    for (size_t i = 0; i < conversion->step_count; i++) {
        enum converter converter = conversion->steps[i].converter;
        if (graph->stock == NULL || graph->stock[converter].descriptor == NULL) {
            return false;
        }
    }
    return true;
}

static int check_inserted(struct graph *graph, const struct conversion *conversion, size_t link,
                          size_t first_node, size_t first_link, struct diags *diags)
{
    int failed = 0;
    for (size_t i = 0; i < conversion->step_count && failed == 0; i++) {
        const struct graph_stock *stock = &graph->stock[conversion->steps[i].converter];
        failed = check_program(graph, &graph->nodes[first_node + i], stock, diags);
    }
    graph->links[link].found = (struct graph_link_found){0};
    failed = failed == 0 ? check_link(graph, &graph->links[link], diags) : failed;
    for (size_t i = first_link; i < graph->link_count && failed == 0; i++) {
        graph->links[i].found = (struct graph_link_found){0};
        failed = check_link(graph, &graph->links[i], diags);
    }
    return failed;
}

int graph_check_insert(struct graph *graph, size_t link_index, const struct conversion *conversion,
                       struct diags *diags)
{
    if (!is_in_stock(graph, conversion)) {
        return -ENOENT;
    }
    if (refuse_count(graph, conversion->step_count, diags) != 0) {
        return -EINVAL;
    }
    struct conversion *kept = arena_alloc(graph->arena, 1, sizeof(*kept));
    if (kept == NULL) {
        return -ENOMEM;
    }
    *kept = *conversion;
    size_t first_node = graph->node_count;
    size_t first_link = graph->link_count;
    int failed = insertion_remember(graph, link_index, kept);
    graph->links[link_index].found.conversion = kept;
    failed = failed == 0 ? insertion_apply(graph) : failed;
    if (failed == 0) {
        failed = check_inserted(graph, kept, link_index, first_node, first_link, diags);
    }
    return failed;
}

static int check_whole(struct graph *graph, struct diags *diags)
{
    if (check_fans(graph, diags) != 0) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < graph->node_count && !graph->is_incomplete; i++) {
        warn_unlinked(graph, i, diags);
    }
    char path[WIRE_TRANSPORT_PATH_BYTES_MAX];
    transports_path(path);
    int failed = check_transport(graph, path, diags);
    return failed == 0 ? check_cycles(graph, diags) : failed;
}

// One that is not there yet is made when it is needed.
static int check_letters(const struct graph *graph, struct diags *diags)
{
    const char *dir = graph->dead_letters.dir;
    if (dir == NULL) {
        return 0;
    }
    auto_free char *path = NULL;
    if (asprintf(&path, "%s%s%s", dir[0] == '/' ? "" : graph->folder, dir[0] == '/' ? "" : "/",
                 dir) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    struct stat status;
    bool is_wrong = stat(path, &status) == 0 ? !S_ISDIR(status.st_mode) : errno == ENOTDIR;
    if (is_wrong) {
        diags_add(diags, DIAG_ERROR, graph->file, graph->places[GRAPH_FIELD_GRAPH_DEAD_DIR],
                  "%s is no folder; name one, or leave the key out", diags_quote(dir).bytes);
    }
    return 0;
}

static int check_all(struct graph *graph, struct catalog *catalog, struct diags *diags)
{
    if (graph->is_incomplete && graph->node_count == 0) {
        return -EINVAL;  // every link would be one to a node that is not there
    }
    int failed = refuse_count(graph, 0, diags);
    failed = failed == 0 ? refuse_links(graph, diags) : failed;
    if (failed == 0) {
        failed = check_nodes(graph, catalog, diags);
    }
    if (failed == 0) {
        failed = check_links(graph, diags);
    }
    if (failed == 0) {
        failed = check_whole(graph, diags);
    }
    if (failed == 0) {
        failed = check_letters(graph, diags);
    }
    if (failed == 0 && diags_exit_status(diags) == 0) {
        failed = find_stock(graph, catalog);
    }
    if (failed == 0 && diags_exit_status(diags) == 0) {
        failed = convert(graph, catalog, diags);
    }
    return failed;
}

int graph_check(struct graph *graph, struct catalog *catalog, struct diags *diags)
{
    insertion_undo(graph);
    struct trust *trust = NULL;
    int failed = vouch_begin(graph, catalog, diags, &trust);
    if (failed == 0) {
        failed = check_all(graph, catalog, diags);
    }
    vouch_end(catalog, trust);
    if (failed != 0) {
        return failed;
    }
    return diags_exit_status(diags) == 0 ? 0 : -EINVAL;
}
