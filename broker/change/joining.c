// SPDX-License-Identifier: Apache-2.0
// Finds the link that stands in the way, and puts new nodes into it while its ends wait.
#include "broker/change/joining.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/text.h"
#include "broker/graph/conversion.h"
#include "broker/graph/descriptor.h"
#include "broker/graph/graph_check.h"
#include "broker/links/negotiation.h"
#include "broker/lives/life.h"
#include "broker/lives/life_message.h"

struct found {
    const struct joining_link *join;  // NULL = nothing was found
    struct conversion conversion;
};

static struct negotiation_input input_of(const struct joining_link *join)
{
    return negotiation_input_of(join->link->to_address, join->link->wanted->found.to_port,
                                join->settled);
}

// The check decided where its frames are: what is put in now leaves them there.
static uint32_t memories_of(const struct joining_link *join)
{
    return SB_BIT(join->link->wanted->found.memory);
}

// What the input takes, as a side: the settled format when there is one.
static struct conversion_side side_to(const struct joining_link *join, enum sb_format_kind kind)
{
    if (join->settled != NULL) {
        return conversion_side_of(join->settled, memories_of(join));
    }
    const struct descriptor_formats *formats = &join->link->wanted->found.to_port->formats;
    bool is_video = kind == SB_FORMAT_VIDEO;
    return (struct conversion_side){
        .kind = kind,
        .memories = memories_of(join),
        .pixels = is_video ? formats->pixels : 0,
        .samples = is_video ? 0 : formats->samples,
        .rate_min = is_video ? 0 : formats->rate_min,
        .rate_max = is_video ? 0 : formats->rate_max,
        .channels_min = is_video ? 0 : formats->channels_min,
        .channels_max = is_video ? 0 : formats->channels_max,
    };
}

static bool is_convertible(const struct joining_link *join)
{
    const struct actual_link *link = join->link;
    enum sb_port_type type = link->wanted->found.to_port->type;
    // A link that has memory has readers in the middle of it.
    return link->state == LINK_PENDING && (type == SB_PORT_VIDEO || type == SB_PORT_AUDIO);
}

static bool is_offered(const struct actual_link *link, const struct sb_format *format)
{
    for (size_t i = 0; i < link->output->offer_count; i++) {
        if (sb_format_is_equal(&link->output->offers[i], format)) {
            return true;
        }
    }
    return false;
}

static bool is_accepted(const struct joining_link *join, const struct sb_format *format)
{
    struct negotiation_input input = input_of(join);
    return negotiation_accepts(&input, format);
}

static bool accepts_an_offer(const struct joining_link *join)
{
    const struct actual_output *output = join->link->output;
    for (size_t i = 0; i < output->offer_count; i++) {
        if (is_accepted(join, &output->offers[i])) {
            return true;
        }
    }
    return false;
}

// The shortest chain from any of the offers; of equally long ones that from the best offer.
static bool find_chain(const struct joining_link *join, const struct sb_format *only,
                       const struct sb_format *target, struct conversion *out_conversion)
{
    const struct actual_output *output = join->link->output;
    bool is_found = false;
    size_t count = only != NULL ? 1 : output->offer_count;
    for (size_t i = 0; i < count; i++) {
        const struct sb_format *offer = only != NULL ? only : &output->offers[i];
        struct conversion_side from = conversion_side_of(offer, memories_of(join));
        struct conversion_side to = target != NULL ? conversion_side_of(target, memories_of(join))
                                                   : side_to(join, offer->kind);
        struct conversion conversion;
        if (!conversion_meets(&from, &to) && conversion_find(&from, &to, &conversion) == 0 &&
            (!is_found || conversion.step_count < out_conversion->step_count)) {
            *out_conversion = conversion;
            is_found = true;
        }
    }
    return is_found;
}

static void consider(const struct joining_link *join, const struct sb_format *only,
                     const struct sb_format *target, struct found *found)
{
    struct conversion conversion;
    bool is_first = found->join == NULL || strcmp(join->link->name, found->join->link->name) < 0;
    if (is_first && is_convertible(join) && find_chain(join, only, target, &conversion)) {
        *found = (struct found){.join = join, .conversion = conversion};
    }
}

static bool is_happy(const struct joining_link *join, const struct sb_format *format)
{
    return is_offered(join->link, format) && is_accepted(join, format);
}

// The format that most links could carry as they are, the first one of those; NULL when no link
// could carry any.
static const struct sb_format *find_best(const struct joining_link *links, size_t count)
{
    const struct sb_format *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        const struct actual_output *output = links[i].link->output;
        for (size_t j = 0; j < output->offer_count; j++) {
            size_t happy = 0;
            for (size_t k = 0; k < count; k++) {
                happy += is_happy(&links[k], &output->offers[j]) ? 1 : 0;
            }
            if (happy > most) {
                most = happy;
                best = &output->offers[j];
            }
        }
    }
    return best;
}

// Another link into the same input carries the format: then this one has to bring it too.
static bool is_bound(const struct joining_link *links, size_t count,
                     const struct joining_link *join, const struct sb_format *format)
{
    const struct graph_end *end = &join->link->wanted->to;
    for (size_t i = 0; i < count && format != NULL; i++) {
        const struct graph_end *other = &links[i].link->wanted->to;
        if (&links[i] != join && strcmp(end->node, other->node) == 0 &&
            strcmp(end->port, other->port) == 0 && is_happy(&links[i], format)) {
            return true;
        }
    }
    return false;
}

// A link that can carry none of its offers is in the way whatever the others do, one that is bound
// to what another one carries is next, and then any that cannot carry what suits most.
static struct found find(const struct joining_link *links, size_t count)
{
    const struct sb_format *best = find_best(links, count);
    struct found found = {.join = NULL};
    enum { ALONE, BOUND, ANY, RANKS };
    for (int rank = ALONE; rank < RANKS && found.join == NULL; rank++) {
        for (size_t i = 0; i < count; i++) {
            const struct joining_link *join = &links[i];
            bool is_tied = is_bound(links, count, join, best);
            if ((best != NULL && is_happy(join, best)) ||
                (rank == ALONE && accepts_an_offer(join)) || (rank == BOUND && !is_tied)) {
                continue;
            }
            bool is_given = best != NULL && is_offered(join->link, best);
            consider(join, is_given ? best : NULL, is_tied ? best : NULL, &found);
        }
    }
    return found;
}

static int link_index(const struct graph *graph, const struct graph_link *wanted)
{
    for (size_t i = 0; i < graph->link_count; i++) {
        const struct graph_link *link = &graph->links[i];
        if (strcmp(link->from.node, wanted->from.node) == 0 &&
            strcmp(link->from.port, wanted->from.port) == 0 &&
            strcmp(link->to.node, wanted->to.node) == 0 &&
            strcmp(link->to.port, wanted->to.port) == 0) {
            return (int)i;
        }
    }
    return -ENOENT;
}

// The arrays of the graph have moved: everything follows to where it is now.
static void follow_all(struct broker *broker, const struct actual_link *split)
{
    struct graph *graph = broker->graph;
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        struct actual_node *node = broker->actual->nodes[i];
        int index = node->graph == graph ? graph_find_node(graph, node->life.id) : -ENOENT;
        if (index >= 0) {
            actual_follow_node(node, graph, &graph->nodes[index]);
        }
    }
    for (size_t i = 0; i < broker->actual->link_count; i++) {
        struct actual_link *link = broker->actual->links[i];
        bool is_ours = link->graph == graph && link != split;
        int index = is_ours ? link_index(graph, link->wanted) : -ENOENT;
        if (index >= 0) {
            actual_follow_link(link, graph, &graph->links[index]);
        }
    }
}

static int add_nodes(struct broker *broker, size_t first)
{
    struct graph *graph = broker->graph;
    for (size_t i = first; i < graph->node_count; i++) {
        struct actual_node *node;
        int failed = actual_add_node(broker->actual, graph, &graph->nodes[i], &node);
        if (failed != 0) {
            return failed;
        }
        node->broker = broker;
    }
    return 0;
}

// The reader learns its new link before it loses the old one: an input without links has ended.
static int move_reader(struct broker *broker, struct actual_link *link, size_t first_link)
{
    struct graph *graph = broker->graph;
    struct actual_node *reader = link->to;
    struct actual_link *last = NULL;
    for (size_t i = first_link; i < graph->link_count; i++) {
        const struct graph_link *wanted = &graph->links[i];
        int failed = actual_add_link(broker->actual, graph, wanted,
                                     actual_find_node(broker->actual, wanted->from.node),
                                     actual_find_node(broker->actual, wanted->to.node), &last);
        if (failed != 0) {
            return failed;
        }
    }
    SB_ASSERT(last != NULL && last->to == reader);
    life_message_link(broker, reader, last, false);
    life_message_unlink(broker, reader, link->id, false);
    return 0;
}

static int insert(struct broker *broker, struct actual_link *link, int index, size_t first_node,
                  size_t first_link)
{
    struct graph *graph = broker->graph;
    follow_all(broker, link);
    int failed = add_nodes(broker, first_node);
    if (failed != 0) {
        return failed;
    }
    // The writer keeps the link that it knows; only its other end is another one.
    failed = move_reader(broker, link, first_link);
    if (failed != 0) {
        return failed;
    }
    const struct graph_link *wanted = &graph->links[index];
    failed = actual_redirect_link(link, graph, wanted,
                                  actual_find_node(broker->actual, wanted->to.node));
    return failed == 0 ? actual_sort(broker->actual) : failed;
}

static void start_nodes(struct broker *broker, size_t first)
{
    for (size_t i = first; i < broker->graph->node_count; i++) {
        struct actual_node *node = actual_find_node(broker->actual, broker->graph->nodes[i].id);
        life_start(broker, node);
    }
}

// What is new in a graph that was checked can only be one node too many.
static int put_in(struct broker *broker, struct actual_link *link,
                  const struct conversion *conversion, struct text *why)
{
    struct graph *graph = broker->graph;
    int index = link_index(graph, link->wanted);
    if (index < 0) {
        return index;
    }
    size_t first_node = graph->node_count;
    size_t first_link = graph->link_count;
    struct diags diags = {.count = 0};
    char chain[96];
    conversion_text(conversion, chain, sizeof chain);
    int failed = broker_reserve_pages(broker, conversion->step_count);
    if (failed == 0) {
        failed = graph_check_insert(graph, (size_t)index, conversion, &diags);
    }
    if (failed != 0) {
        text_add_format(why, "; %s would join %s, but %s", chain, link->name,
                        failed == -ENOENT   ? "is not installed"
                        : failed == -EINVAL ? diags.items[0].diag.text
                                            : strerrordesc_np(-failed));
        return failed;
    }
    health_say(&broker->health, HEALTH_CONVERTER_INSERTED, graph->nodes[first_node].id, 0, 0,
               "inserted %s into %s, whose ends have no format in common", chain, link->name);
    failed = insert(broker, link, index, first_node, first_link);
    if (failed == 0) {
        start_nodes(broker, first_node);
    }
    return failed;
}

int joining_try(struct broker *broker, const struct joining_link *links, size_t count, char *text,
                size_t text_bytes)
{
    struct text why = text_over(text, text_bytes);
    struct found found = find(links, count);
    if (found.join == NULL) {
        return -ENOENT;
    }
    struct actual_link *link = found.join->link;
    if (!link->wanted->is_auto_transfer) {
        char chain[96];
        conversion_text(&found.conversion, chain, sizeof chain);
        text_add_format(&why, "; auto_transfer is false for %s, else %s would be put into it",
                        link->name, chain);
        return -EPERM;
    }
    return put_in(broker, link, &found.conversion, &why);
}
