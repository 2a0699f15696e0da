// SPDX-License-Identifier: Apache-2.0
// Splits links, and makes the nodes between their parts.
#include "broker/graph/insertion.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "broker/graph/arena.h"
#include "broker/graph/conversion.h"
#include "broker/graph/graph_fields.h"

#define ID_BYTES_MAX LIMIT_NODE_ID_BYTES_MAX
#define NUMBER_BYTES 12  // "-" and a number

static int compare_ends(const struct graph_end *a, const struct graph_end *b)
{
    int order = strcmp(a->node, b->node);
    return order != 0 ? order : strcmp(a->port, b->port);
}

static int compare_links(const void *a, const void *b)
{
    const struct graph_link *const *first = a;
    const struct graph_link *const *second = b;
    int order = compare_ends(&(*first)->to, &(*second)->to);
    return order != 0 ? order : compare_ends(&(*first)->from, &(*second)->from);
}

// "blur-convert", "blur-convert-2": short enough for an id, whatever the id of the reader.
static const char *free_id(const struct graph *graph, const char *reader, const char *processor)
{
    char id[ID_BYTES_MAX + NUMBER_BYTES];
    int room = ID_BYTES_MAX - 1 - NUMBER_BYTES - (int)strlen(processor) - 1;
    int count = snprintf(id, sizeof(id), "%.*s-%s", room, reader, processor);
    for (unsigned number = 2; graph_find_node(graph, id) >= 0; number++) {
        snprintf(id + count, sizeof(id) - (size_t)count, "-%u", number);
    }
    return arena_copy_string(graph->arena, id);
}

static const char *port_of(enum converter converter)
{
    return conversion_kind(converter) == SB_FORMAT_VIDEO ? "video" : "audio";
}

static int compare_pairs(const void *a, const void *b)
{
    return strcmp(((const struct graph_pair *)a)->name, ((const struct graph_pair *)b)->name);
}

static int fill_config(struct graph *graph, const struct conversion_step *step,
                       struct graph_pairs *out_config)
{
    struct graph_pair *pairs = arena_alloc(graph->arena, step->param_count + 1, sizeof(*pairs));
    if (pairs == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < step->param_count; i++) {
        pairs[i].name = arena_copy_string(graph->arena, step->params[i].name);
        pairs[i].value = arena_copy_string(graph->arena, step->params[i].value);
        if (pairs[i].name == NULL || pairs[i].value == NULL) {
            return -ENOMEM;
        }
    }
    qsort(pairs, step->param_count, sizeof(*pairs), compare_pairs);
    *out_config = (struct graph_pairs){.count = step->param_count, .items = pairs};
    return 0;
}

// A converter sees what both ends see, so it is trusted as little as the less trusted of them.
static enum graph_tier tier_between(const struct graph_node *from, const struct graph_node *to)
{
    bool is_trusted =
        from->sandbox.tier == GRAPH_TIER_TRUSTED && to->sandbox.tier == GRAPH_TIER_TRUSTED;
    bool is_untrusted =
        from->sandbox.tier == GRAPH_TIER_UNTRUSTED || to->sandbox.tier == GRAPH_TIER_UNTRUSTED;
    return is_trusted ? GRAPH_TIER_TRUSTED : is_untrusted ? GRAPH_TIER_UNTRUSTED : GRAPH_TIER_UNSET;
}

static struct graph_link *link_into(const struct graph *graph, const char *node)
{
    for (size_t i = 0; i < graph->link_count; i++) {
        if (strcmp(graph->links[i].to.node, node) == 0) {
            return &graph->links[i];
        }
    }
    return NULL;
}

// The first part of the converted link that this is a part of, with how many converters come before
// this part. A link that was never split is its own first part.
static struct graph_link *first_part(const struct graph *graph, struct graph_link *link,
                                     size_t *out_before)
{
    size_t before = 0;
    while (link->is_inserted) {
        link = link_into(graph, link->from.node);
        SB_ASSERT(link != NULL);
        before++;
    }
    *out_before = before;
    return link;
}

// The node at the end of the link as it was written.
static const char *reader_of(const struct graph *graph, struct graph_link *link)
{
    size_t before;
    const struct graph_link *first = first_part(graph, link, &before);
    return first->written != NULL ? first->written->to.node : first->to.node;
}

// One of the ends works on a GPU, or nothing would be transferred: the node between gets one too.
static int grant_gpu(struct graph *graph, struct graph_node *node, const struct graph_node *from,
                     const struct graph_node *to)
{
    const char **device = arena_alloc(graph->arena, 1, sizeof(*device));
    if (device == NULL) {
        return -ENOMEM;
    }
    device[0] = "gpu";
    node->sandbox.devices =
        (struct graph_strings){.count = 1, .items = device, .places = node->exec.places};
    bool is_required = from->gpu == GRAPH_GPU_REQUIRE || to->gpu == GRAPH_GPU_REQUIRE;
    node->gpu = is_required ? GRAPH_GPU_REQUIRE : GRAPH_GPU_PREFER;
    return 0;
}

// Appends the node of one step of the conversion of a link.
static int add_node(struct graph *graph, const struct graph_link *link, const char *reader,
                    const struct conversion_step *step)
{
    struct graph_node *node = &graph->nodes[graph->node_count];
    memset(node, 0, sizeof(*node));
    graph_fields_init(GRAPH_SECTION_NODE, node);
    const struct graph_node *from = &graph->nodes[link->found.from_node];
    const struct graph_node *to = &graph->nodes[link->found.to_node];
    const char *processor = conversion_processor(step->converter);
    const char **exec = arena_alloc(graph->arena, 1, sizeof(*exec));
    struct graph_place *place = arena_alloc(graph->arena, 1, sizeof(*place));
    node->id = free_id(graph, reader, processor);
    if (exec == NULL || place == NULL || node->id == NULL) {
        return -ENOMEM;
    }
    exec[0] = processor;
    *place = link->place;
    node->exec = (struct graph_strings){.count = 1, .items = exec, .places = place};
    node->place = link->place;
    node->is_optional = to->is_optional;
    node->is_inserted = true;
    node->sandbox.tier = tier_between(from, to);
    int failed = conversion_is_on_gpu(step->converter) ? grant_gpu(graph, node, from, to) : 0;
    failed = failed == 0 ? fill_config(graph, step, &node->config) : failed;
    graph->node_count += failed == 0 ? 1 : 0;
    return failed;
}

// Link `index` becomes the part to the first converter; the parts behind it are appended.
static int split(struct graph *graph, size_t index)
{
    const struct conversion *conversion = graph->links[index].found.conversion;
    struct graph_link *written = arena_alloc(graph->arena, 1, sizeof(*written));
    if (written == NULL) {
        return -ENOMEM;
    }
    *written = graph->links[index];
    struct graph_link *part = &graph->links[index];
    const char *reader = reader_of(graph, part);
    part->written = written->written != NULL ? written->written : written;
    part->decided = NULL;
    part->delivery = written->found.delivery;
    for (size_t i = 0; i < conversion->step_count; i++) {
        int failed = add_node(graph, written, reader, &conversion->steps[i]);
        if (failed != 0) {
            return failed;
        }
        const struct graph_node *node = &graph->nodes[graph->node_count - 1];
        const char *port = port_of(conversion->steps[i].converter);
        struct graph_end end = {.node = node->id, .port = port, .place = written->place};
        struct graph_link *next = &graph->links[graph->link_count++];
        *next = *part;
        part->to = end;
        next->from = end;
        next->to = written->to;
        next->written = NULL;
        next->is_inserted = true;
        next->max_payload = 0;  // what is written bounds the frames that go in
        part = next;
    }
    return 0;
}

size_t insertion_count(const struct graph *graph)
{
    size_t count = 0;
    for (size_t i = 0; i < graph->link_count; i++) {
        const struct conversion *conversion = graph->links[i].found.conversion;
        count += conversion != NULL ? conversion->step_count : 0;
    }
    return count;
}

// Room for nodes and links behind those that there are. The old arrays stay in the arena.
static int grow(struct graph *graph, size_t count)
{
    struct graph_node *nodes = arena_alloc(graph->arena, graph->node_count + count, sizeof(*nodes));
    struct graph_link *links = arena_alloc(graph->arena, graph->link_count + count, sizeof(*links));
    if (nodes == NULL || links == NULL) {
        return -ENOMEM;
    }
    memcpy(nodes, graph->nodes, graph->node_count * sizeof(*nodes));
    memcpy(links, graph->links, graph->link_count * sizeof(*links));
    graph->nodes = nodes;
    graph->links = links;
    return 0;
}

int insertion_apply(struct graph *graph)
{
    size_t count = insertion_count(graph);
    if (count == 0) {
        return 0;
    }
    if (grow(graph, count) != 0) {
        return -ENOMEM;
    }
    size_t link_count = graph->link_count;
    auto_free const struct graph_link **sorted = calloc(link_count, sizeof(*sorted));
    if (sorted == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < link_count; i++) {
        sorted[i] = &graph->links[i];
    }
    // Ends of links that are split change, and none of those is compared again.
    qsort(sorted, link_count, sizeof(const struct graph_link *), compare_links);
    int failed = 0;
    for (size_t i = 0; i < link_count && failed == 0; i++) {
        if (sorted[i]->found.conversion != NULL) {
            failed = split(graph, (size_t)(sorted[i] - graph->links));
        }
    }
    if (failed != 0) {
        insertion_undo(graph);
    }
    return failed;
}

int insertion_remember(struct graph *graph, size_t link_index, const struct conversion *conversion)
{
    size_t before;
    struct graph_link *first = first_part(graph, &graph->links[link_index], &before);
    struct graph_link *written = first->written != NULL ? first->written : first;
    const struct conversion *known = written->decided;
    size_t known_count = known != NULL ? known->step_count : 0;
    size_t count = known_count + conversion->step_count;
    if (count > CONVERSION_STEPS_MAX || before > known_count) {
        return 0;  // more than a chain can be: negotiation finds it again
    }
    struct conversion *kept = arena_alloc(graph->arena, 1, sizeof(*kept));
    if (kept == NULL) {
        return -ENOMEM;
    }
    kept->step_count = count;
    for (size_t i = 0; i < count; i++) {
        size_t behind = i - conversion->step_count;
        kept->steps[i] = i < before                            ? known->steps[i]
                         : i < before + conversion->step_count ? conversion->steps[i - before]
                                                               : known->steps[behind];
    }
    written->decided = kept;
    return 0;
}

int insertion_carry(const struct graph *from, struct graph *to)
{
    for (size_t i = 0; i < from->link_count; i++) {
        const struct graph_link *known = from->links[i].written;
        if (known == NULL || from->links[i].is_inserted || known->decided == NULL) {
            continue;
        }
        for (size_t j = 0; j < to->link_count; j++) {
            struct graph_link *link = &to->links[j];
            if (compare_ends(&known->from, &link->from) != 0 ||
                compare_ends(&known->to, &link->to) != 0) {
                continue;
            }
            struct conversion *kept = arena_alloc(to->arena, 1, sizeof(*kept));
            if (kept == NULL) {
                return -ENOMEM;
            }
            *kept = *known->decided;
            link->decided = kept;
        }
    }
    return 0;
}

void insertion_undo(struct graph *graph)
{
    size_t nodes = 0;
    for (size_t i = 0; i < graph->node_count; i++) {
        if (!graph->nodes[i].is_inserted) {
            graph->nodes[nodes++] = graph->nodes[i];
        }
    }
    graph->node_count = nodes;
    size_t links = 0;
    for (size_t i = 0; i < graph->link_count; i++) {
        const struct graph_link *link = &graph->links[i];
        if (!link->is_inserted) {
            graph->links[links++] = link->written != NULL ? *link->written : *link;
        }
    }
    graph->link_count = links;
}
