// SPDX-License-Identifier: Apache-2.0
// What can be said about a link before anyone runs: ports, types, static formats, depth.
#include "broker/graph/check_link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/nearest.h"
#include "base/text.h"
#include "broker/graph/arena.h"
#include "broker/graph/conversion.h"
#include "broker/graph/descriptor.h"
#include "broker/graph/residency.h"
#include "schemas/limits.h"

struct ends {
    const struct graph *graph;
    struct graph_link *link;
    struct diags *diags;
};

static bool find_node(const struct ends *ends, const struct graph_end *end, size_t *out_index)
{
    int index = graph_find_node(ends->graph, end->node);
    if (index >= 0) {
        *out_index = (size_t)index;
        return true;
    }
    struct nearest nearest = nearest_to(end->node);
    for (size_t i = 0; i < ends->graph->node_count; i++) {
        nearest_offer(&nearest, ends->graph->nodes[i].id);
    }
    if (nearest.best[0] != '\0') {
        diags_add(ends->diags, DIAG_ERROR, ends->graph->file, end->place,
                  "no node '%s'; did you mean '%s'?", end->node, nearest.best);
    } else {
        diags_add(ends->diags, DIAG_ERROR, ends->graph->file, end->place,
                  "no node '%s'; add it under nodes", end->node);
    }
    return false;
}

static void add_port_name(struct text *text, const struct descriptor_port *port)
{
    text_add(text, text->length > 0 ? ", " : "");
    text_add(text, port->name);
    if (port->count > 0) {
        text_add_format(text, "_0 to %s_%u", port->name, port->count - 1);
    }
    text_add_format(text, " (%s)", sb_port_type_name(port->type));
}

// A port that is not there, with the ones that are, and the near one or the one of the other
// direction.
static void no_port(const struct ends *ends, const struct graph_end *end, bool is_input,
                    const struct descriptor *descriptor)
{
    const struct descriptor_port *ports = is_input ? descriptor->inputs : descriptor->outputs;
    size_t count = is_input ? descriptor->input_count : descriptor->output_count;
    struct nearest nearest = nearest_to(end->port);
    char list[256] = "";
    struct text text = TEXT_OVER(list);
    for (size_t i = 0; i < count; i++) {
        nearest_offer(&nearest, ports[i].name);
        add_port_name(&text, &ports[i]);
    }
    uint32_t index;
    bool is_other = is_input ? descriptor_find_output(descriptor, end->port, &index) != NULL
                             : descriptor_find_input(descriptor, end->port, &index) != NULL;
    const char *direction = is_input ? "input" : "output";
    char hint[96] = "";
    if (is_other) {
        snprintf(hint, sizeof(hint), "; '%s' is an %s", end->port, is_input ? "output" : "input");
    } else if (nearest.best[0] != '\0') {
        snprintf(hint, sizeof(hint), "; did you mean '%s'?", nearest.best);
    }
    if (count == 0) {
        snprintf(list, sizeof(list), "it has none");
    }
    diags_add(ends->diags, DIAG_ERROR, ends->graph->file, end->place,
              "'%s' has no %s '%s'%s; %ss of '%s': %s", end->node, direction, end->port, hint,
              direction, descriptor->name, list);
}

// The set of format kinds that a port may carry.
static uint32_t kinds_of(const struct descriptor_port *port)
{
    if (port->formats.kinds != 0) {
        return port->formats.kinds;
    }
    uint32_t set = 0;
#define X(NAME, text, carrier)                                                                     \
    if (port->type == SB_PORT_ANY || port->type == (carrier)) {                                    \
        set |= SB_BIT(SB_FORMAT_##NAME);                                                           \
    }
    SB_FORMAT_KINDS(X)
#undef X
    return set;
}

typedef const char *(*name_fn)(int value);

static const char *kind_name(int value)
{
    return sb_format_kind_name((enum sb_format_kind)value);
}

static const char *pixel_name(int value)
{
    return sb_pixel_name((enum sb_pixel)value);
}

static const char *memory_name(int value)
{
    return value == SB_MEMORY_GPU ? "frames on a GPU" : "frames on the CPU";
}

static const char *sample_name(int value)
{
    return sb_sample_name((enum sb_sample)value);
}

struct set_text {
    char bytes[128];
};

static struct set_text set_names(uint32_t set, name_fn name)
{
    struct set_text result;
    struct text text = TEXT_OVER(result.bytes);
    for (int value = 1; value < 32; value++) {
        if ((set & SB_BIT(value)) != 0) {
            text_add_format(&text, "%s%s", text.length > 0 ? ", " : "", name(value));
        }
    }
    return result;
}

__attribute__((format(printf, 4, 5))) static void clash(const struct ends *ends, const char *gives,
                                                        const char *takes, const char *advice, ...)
{
    char said[192];
    struct text text = TEXT_OVER(said);
    va_list list;
    va_start(list, advice);
    text_add_format_list(&text, advice, list);
    va_end(list);
    const struct graph_link *link = ends->link;
    diags_add(ends->diags, DIAG_ERROR, ends->graph->file, link->from.place,
              "%s.%s gives %s, %s.%s takes %s; %s", link->from.node, link->from.port, gives,
              link->to.node, link->to.port, takes, said);
}

// Sets that have nothing in common; 0 is "all".
static void compare_sets(const struct ends *ends, uint32_t from, uint32_t to, name_fn name,
                         const char *advice)
{
    if (from != 0 && to != 0 && (from & to) == 0) {
        clash(ends, set_names(from, name).bytes, set_names(to, name).bytes, "%s", advice);
    }
}

struct range {
    uint32_t low;
    uint32_t high;
};

static void compare_ranges(const struct ends *ends, struct range from, struct range to,
                           const char *what, const char *advice)
{
    bool is_below = from.high != 0 && from.high < to.low;
    bool is_above = to.high != 0 && to.high < from.low;
    if (is_below || is_above) {
        char gives[64];
        char takes[64];
        snprintf(gives, sizeof(gives), "%u to %u %s", from.low, from.high, what);
        snprintf(takes, sizeof(takes), "%u to %u %s", to.low, to.high, what);
        clash(ends, gives, takes, "%s", advice);
    }
}

static struct conversion_side side_of(const struct ends *ends, bool is_from,
                                      enum sb_format_kind kind)
{
    const struct graph_link_found *found = &ends->link->found;
    const struct graph_node *node =
        &ends->graph->nodes[is_from ? found->from_node : found->to_node];
    const struct descriptor_port *port = is_from ? found->from_port : found->to_port;
    const struct descriptor_formats *formats = &port->formats;
    bool is_video = kind == SB_FORMAT_VIDEO;
    return (struct conversion_side){
        .kind = kind,
        .memories = residency_memories(node, port),
        .pixels = is_video ? formats->pixels : 0,
        .samples = is_video ? 0 : formats->samples,
        .rate_min = is_video ? 0 : formats->rate_min,
        .rate_max = is_video ? 0 : formats->rate_max,
        .channels_min = is_video ? 0 : formats->channels_min,
        .channels_max = is_video ? 0 : formats->channels_max,
    };
}

static void say_sides(const struct ends *ends, const struct conversion_side *a,
                      const struct conversion_side *b, const char *advice)
{
    compare_sets(ends, a->memories, b->memories, memory_name, advice);
    compare_sets(ends, a->pixels, b->pixels, pixel_name, advice);
    compare_sets(ends, a->samples, b->samples, sample_name, advice);
    compare_ranges(ends, (struct range){a->rate_min, a->rate_max},
                   (struct range){b->rate_min, b->rate_max}, "Hz", advice);
    compare_ranges(ends, (struct range){a->channels_min, a->channels_max},
                   (struct range){b->channels_min, b->channels_max}, "channels", advice);
}

// Sides that do not meet get converters, unless the link forbids them.
static int join_sides(const struct ends *ends, const struct conversion_side *from,
                      const struct conversion_side *to)
{
    struct conversion conversion;
    if (conversion_find(from, to, &conversion) != 0) {
        say_sides(ends, from, to, "put a node between them that converts");
        return 0;
    }
    if (!ends->link->is_auto_transfer) {
        char chain[96];
        char advice[192];
        conversion_text(&conversion, chain, sizeof(chain));
        snprintf(advice, sizeof(advice),
                 "auto_transfer is false: leave it out and %s is inserted, or put a node between "
                 "them",
                 chain);
        say_sides(ends, from, to, advice);
        return 0;
    }
    struct conversion *kept = arena_alloc(ends->graph->arena, 1, sizeof(*kept));
    if (kept == NULL) {
        return -ENOMEM;
    }
    *kept = conversion;
    ends->link->found.conversion = kept;
    return 0;
}

static int compare_formats(const struct ends *ends, const struct descriptor_port *from,
                           const struct descriptor_port *to)
{
    uint32_t kinds = kinds_of(from) & kinds_of(to);
    const struct descriptor_formats *a = &from->formats;
    const struct descriptor_formats *b = &to->formats;
    if (kinds == 0) {
        clash(ends, set_names(kinds_of(from), kind_name).bytes,
              set_names(kinds_of(to), kind_name).bytes, "link ports of one kind");
    }
    // A restriction counts where nothing else could be agreed on.
    if (kinds == SB_BIT(SB_FORMAT_VIDEO) || kinds == SB_BIT(SB_FORMAT_AUDIO)) {
        bool is_video = kinds == SB_BIT(SB_FORMAT_VIDEO);
        enum sb_format_kind kind = is_video ? SB_FORMAT_VIDEO : SB_FORMAT_AUDIO;
        struct conversion_side gives = side_of(ends, true, kind);
        struct conversion_side takes = side_of(ends, false, kind);
        ends->link->found.memory = residency_choose(gives.memories, takes.memories);
        if (!conversion_meets(&gives, &takes)) {
            return join_sides(ends, &gives, &takes);
        }
    }
    if (kinds == SB_BIT(SB_FORMAT_MESSAGE) && a->message != NULL && b->message != NULL &&
        strcmp(a->message, b->message) != 0) {
        clash(ends, diags_quote(a->message).bytes, diags_quote(b->message).bytes,
              "link ports of one message type");
    }
    return 0;
}

static int compare_ports(const struct ends *ends, const struct descriptor_port *from,
                         const struct descriptor_port *to)
{
    if (from->type != to->type && from->type != SB_PORT_ANY && to->type != SB_PORT_ANY) {
        clash(ends, sb_port_type_name(from->type), sb_port_type_name(to->type),
              "link ports of one type");
        return 0;
    }
    return compare_formats(ends, from, to);
}

static uint32_t greatest(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

// Depth, claims and payload as they will be, and whether they go together.
static void settle_sizes(const struct ends *ends, struct graph_link_found *found)
{
    const struct graph_link *link = ends->link;
    const struct graph_activation *activation =
        &ends->graph->nodes[found->to_node].found.activation;
    uint32_t batch = activation->kind == SB_ACTIVATE_BATCH ? activation->batch : 0;
    found->delivery =
        link->delivery != SB_DELIVERY_DEFAULT ? link->delivery : found->to_port->delivery;
    // Beside all that it keeps a reader can take what its next step needs: a port that holds as
    // many as it may would otherwise never see the frame that makes it let one go.
    uint32_t holds = greatest(1, found->to_port->holds);
    uint32_t claims = holds + greatest(1, batch);
    found->claims = claims < LIMIT_CLAIMS_MAX ? claims : LIMIT_CLAIMS_MAX;
    found->depth =
        found->delivery == SB_DELIVERY_LATEST ? GRAPH_DEPTH_LATEST_DEFAULT : GRAPH_DEPTH_DEFAULT;
    found->depth = link->depth != 0 ? link->depth : greatest(found->depth, found->claims);
    found->max_payload = link->max_payload != 0               ? link->max_payload
                         : found->from_port->max_payload != 0 ? found->from_port->max_payload
                                                              : GRAPH_MAX_PAYLOAD_DEFAULT;
    struct graph_place place = graph_link_place(link, GRAPH_FIELD_LINK_DEPTH);
    if (found->depth < batch) {
        diags_add(ends->diags, DIAG_ERROR, ends->graph->file, place,
                  "depth %u, but '%s' waits for a batch of %u; make the depth %u or more",
                  found->depth, link->to.node, batch, batch);
    } else if (holds > 1 && found->depth <= holds) {
        diags_add(ends->diags, DIAG_ERROR, ends->graph->file, place,
                  "depth %u, but %s.%s may hold back %u frames; make the depth %u or more",
                  found->depth, link->to.node, link->to.port, holds, holds + 1);
    }
}

int check_link(const struct graph *graph, struct graph_link *link, struct diags *diags)
{
    struct ends ends = {graph, link, diags};
    struct graph_link_found *found = &link->found;
    // Both ends are looked at, so that one run tells about both.
    bool has_from = find_node(&ends, &link->from, &found->from_node);
    bool has_to = find_node(&ends, &link->to, &found->to_node);
    const struct descriptor *from =
        has_from ? graph->nodes[found->from_node].found.descriptor : NULL;
    const struct descriptor *to = has_to ? graph->nodes[found->to_node].found.descriptor : NULL;
    if (from != NULL) {
        found->from_port = descriptor_find_output(from, link->from.port, &found->from_index);
        if (found->from_port == NULL) {
            no_port(&ends, &link->from, false, from);
        }
    }
    if (to != NULL) {
        found->to_port = descriptor_find_input(to, link->to.port, &found->to_index);
        if (found->to_port == NULL) {
            no_port(&ends, &link->to, true, to);
        }
    }
    if (found->from_port == NULL || found->to_port == NULL) {
        return 0;
    }
    settle_sizes(&ends, found);
    found->memory = SB_MEMORY_CPU;
    return compare_ports(&ends, found->from_port, found->to_port);
}
