// SPDX-License-Identifier: Apache-2.0
// Adds up chunks by size, and compares links with what iceoryx is compiled with.
#include "broker/graph/domain_plan.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/units.h"
#include "broker/graph/descriptor.h"

// Beside the payload: user header, and what its alignment may cost.
#define CHUNK_EXTRA_BYTES 320
#define CHUNK_ROUND_BYTES 512
#define CHUNK_HEADER_BYTES 40

// Each output: the first one, which carries nothing, and what a worker had loaned that was killed.
#define CHUNKS_SPARE 8

// iceoryx has a record for each chunk, and crashes who finds a chunk and no record: one that was
// killed leaves them apart for a while. Chunks that nothing fits into bring spare records.
#define SPARE_RECORDS_BYTES 8
#define SPARE_RECORDS 256

// RouDi's own segment, which does not depend on anything.
#define MANAGEMENT_BYTES (UINT64_C(80) << 20)

// For links that come while the graph runs: at most as many chunks again, and so much of each size.
#define ROOM_BYTES (UINT64_C(4) << 20)

#define LOANS_MAX 8
#define QUEUE_MAX 250
#define KEPT_MAX 16  // chunks that it keeps for a reader in place of one that died
#define READERS_MAX 250
#define OUTPUTS_MAX 500
#define PAYLOAD_BYTES_MAX (UINT64_C(1) << 31)

bool domain_plan_has(const struct graph_link *link)
{
    return link->transport != NULL && strcmp(link->transport, DOMAIN_PLAN_TRANSPORT) == 0;
}

static bool is_usable(const struct graph_link *link)
{
    return domain_plan_has(link) && link->found.from_port != NULL && link->found.to_port != NULL;
}

static bool is_same_output(const struct graph_link *a, const struct graph_link *b)
{
    return a->found.from_node == b->found.from_node && strcmp(a->from.port, b->from.port) == 0;
}

static bool is_first_of_output(const struct graph *graph, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (is_usable(&graph->links[i]) && is_same_output(&graph->links[i], &graph->links[index])) {
            return false;
        }
    }
    return true;
}

static bool is_lossless(const struct graph_link_found *found)
{
    return found->delivery == SB_DELIVERY_LOSSLESS;
}

static struct domain_pool pool_of(const struct graph *graph, size_t index)
{
    const struct graph_link *first = &graph->links[index];
    uint32_t own = first->found.from_port->claims > 0 ? first->found.from_port->claims : 1;
    uint64_t payload = 0;
    uint32_t depth = 0;
    uint32_t kept = 0;
    uint32_t count = own + CHUNKS_SPARE;
    for (size_t i = index; i < graph->link_count; i++) {
        const struct graph_link_found *found = &graph->links[i].found;
        if (!is_usable(&graph->links[i]) || !is_same_output(first, &graph->links[i])) {
            continue;
        }
        payload = found->max_payload > payload ? found->max_payload : payload;
        depth = found->depth > depth ? found->depth : depth;
        // What a writer that is over kept comes back after two seconds: others stand in for it.
        kept = is_lossless(found) && found->depth > kept ? found->depth : kept;
        count += found->claims + 3;  // and what waits in its queue before it is looked at
    }
    uint64_t bytes = payload + CHUNK_EXTRA_BYTES;
    bytes = (bytes + CHUNK_ROUND_BYTES - 1) / CHUNK_ROUND_BYTES * CHUNK_ROUND_BYTES;
    return (struct domain_pool){.size_bytes = bytes, .count = count + depth + kept};
}

// Sorted by size. Too many sizes: the two smallest become one.
static void add(struct domain_plan *plan, struct domain_pool pool)
{
    size_t place = 0;
    while (place < plan->pool_count && plan->pools[place].size_bytes < pool.size_bytes) {
        place++;
    }
    if (place < plan->pool_count && plan->pools[place].size_bytes == pool.size_bytes) {
        plan->pools[place].count += pool.count;
        return;
    }
    if (plan->pool_count == DOMAIN_PLAN_POOLS_MAX) {
        if (place == 0) {
            plan->pools[0].count += pool.count;
            return;
        }
        plan->pools[1].count += plan->pools[0].count;
        plan->pool_count--;
        place--;
        memmove(&plan->pools[0], &plan->pools[1], plan->pool_count * sizeof plan->pools[0]);
        add(plan, pool);
        return;
    }
    memmove(&plan->pools[place + 1], &plan->pools[place],
            (plan->pool_count - place) * sizeof plan->pools[0]);
    plan->pools[place] = pool;
    plan->pool_count++;
}

static uint64_t bytes_of(const struct domain_pool *pool)
{
    return (pool->size_bytes + CHUNK_HEADER_BYTES) * pool->count;
}

struct domain_plan domain_plan_make(const struct graph *graph)
{
    struct domain_plan plan = {.size_bytes = MANAGEMENT_BYTES};
    for (size_t i = 0; i < graph->link_count; i++) {
        if (is_usable(&graph->links[i]) && is_first_of_output(graph, i)) {
            add(&plan, pool_of(graph, i));
        }
    }
    for (size_t i = 0; i < plan.pool_count; i++) {
        plan.size_bytes += bytes_of(&plan.pools[i]);
    }
    return plan;
}

void domain_plan_widen(struct domain_plan *plan)
{
    for (size_t i = 0; i < plan->pool_count; i++) {
        struct domain_pool *pool = &plan->pools[i];
        uint64_t more = ROOM_BYTES / pool->size_bytes;
        plan->size_bytes -= bytes_of(pool);
        pool->count += more < pool->count ? (uint32_t)more : pool->count;
        plan->size_bytes += bytes_of(pool);
    }
}

// The pool that iceoryx takes chunks of this size from: if it has none left, no larger one helps.
static size_t pool_for(const struct domain_plan *plan, uint64_t size_bytes)
{
    size_t place = 0;
    while (place < plan->pool_count && plan->pools[place].size_bytes < size_bytes) {
        place++;
    }
    return place;
}

bool domain_plan_covers(const struct domain_plan *plan, const struct domain_plan *needed)
{
    uint32_t taken[DOMAIN_PLAN_POOLS_MAX] = {0};
    for (size_t i = 0; i < needed->pool_count; i++) {
        size_t place = pool_for(plan, needed->pools[i].size_bytes);
        if (place == plan->pool_count ||
            plan->pools[place].count - taken[place] < needed->pools[i].count) {
            return false;
        }
        taken[place] += needed->pools[i].count;
    }
    return true;
}

void domain_plan_write(const struct domain_plan *plan, struct text *out)
{
    text_add(out, "[general]\nversion = 1\n\n[[segment]]\n");
    text_add_format(out, "\n[[segment.mempool]]\nsize = %d\ncount = %d\n", SPARE_RECORDS_BYTES,
                    SPARE_RECORDS);
    for (size_t i = 0; i < plan->pool_count; i++) {
        text_add_format(out, "\n[[segment.mempool]]\nsize = %llu\ncount = %u\n",
                        (unsigned long long)plan->pools[i].size_bytes, plan->pools[i].count);
    }
}

__attribute__((format(printf, 5, 6))) static void limit(const struct graph *graph,
                                                        const struct graph_link *link,
                                                        bool is_passed, struct diags *diags,
                                                        const char *format, ...)
{
    if (is_passed) {
        char text[DIAG_TEXT_BYTES_MAX];
        struct text said = text_over(text, sizeof text);
        va_list list;
        va_start(list, format);
        text_add_format_list(&said, format, list);
        va_end(list);
        diags_add(diags, DIAG_ERROR, graph->file,
                  graph_link_place(link, GRAPH_FIELD_LINK_TRANSPORT),
                  "link %s.%s -> %s.%s: transport iceoryx %s", link->from.node, link->from.port,
                  link->to.node, link->to.port, text);
    }
}

static void check_link(const struct graph *graph, size_t index, struct diags *diags)
{
    const struct graph_link *link = &graph->links[index];
    const struct graph_link_found *found = &link->found;
    size_t readers = 0;
    for (size_t i = 0; i < graph->link_count; i++) {
        readers += is_usable(&graph->links[i]) && is_same_output(link, &graph->links[i]) ? 1 : 0;
    }
    limit(graph, link, found->max_payload > PAYLOAD_BYTES_MAX, diags,
          "carries up to 2GiB per frame; make max_payload smaller");
    limit(graph, link, found->depth + found->claims > QUEUE_MAX, diags,
          "queues %d frames, the depth %u and %u held ones are more; make depth smaller", QUEUE_MAX,
          found->depth, found->claims);
    const struct graph_node *to = &graph->nodes[found->to_node];
    bool is_loss_accepted = to->on_crash.frame == GRAPH_CRASH_FRAME_SKIP;
    limit(graph, link, is_lossless(found) && found->depth > KEPT_MAX && !is_loss_accepted, diags,
          "keeps %d frames for a reader that dies, and a lossless link of depth %u promises them "
          "all; make depth smaller, or accept their loss: on_crash: {frame: skip} for '%s'",
          KEPT_MAX, found->depth, to->id);
    limit(graph, link, found->from_port->claims > LOANS_MAX, diags,
          "loans %d buffers at once, output '%s' claims up to %u; write transport: ring", LOANS_MAX,
          link->from.port, found->from_port->claims);
    limit(graph, link, readers > READERS_MAX, diags,
          "has %d readers per output, here are %zu; put a node 'pass' between", READERS_MAX,
          readers);
}

// The link whose output needs most.
static const struct graph_link *largest(const struct graph *graph, size_t *out_outputs)
{
    const struct graph_link *link = NULL;
    uint64_t most = 0;
    *out_outputs = 0;
    for (size_t i = 0; i < graph->link_count; i++) {
        if (!is_usable(&graph->links[i]) || !is_first_of_output(graph, i)) {
            continue;
        }
        struct domain_pool pool = pool_of(graph, i);
        (*out_outputs)++;
        if (pool.size_bytes * pool.count > most) {
            most = pool.size_bytes * pool.count;
            link = &graph->links[i];
        }
    }
    return link;
}

void domain_plan_check(const struct graph *graph, uint64_t available_bytes, struct diags *diags)
{
    for (size_t i = 0; i < graph->link_count; i++) {
        if (is_usable(&graph->links[i])) {
            check_link(graph, i, diags);
        }
    }
    size_t outputs;
    const struct graph_link *link = largest(graph, &outputs);
    if (link == NULL) {
        return;
    }
    struct domain_plan plan = domain_plan_make(graph);
    char needed[32];
    char available[32];
    units_format_size(plan.size_bytes, needed, sizeof needed);
    units_format_size(available_bytes, available, sizeof available);
    limit(graph, link, outputs > OUTPUTS_MAX, diags, "has %d publishers, the graph needs %zu",
          OUTPUTS_MAX, outputs);
    limit(
        graph, link, available_bytes != 0 && plan.size_bytes > available_bytes, diags,
        "needs %s for the chunks of all its links, most of it for this one, and %s are free; make "
        "depth or max_payload smaller",
        needed, available);
}

int domain_plan_check_room(const struct graph *graph, const struct domain_plan *plan,
                           struct diags *diags)
{
    struct graph part = *graph;
    for (size_t i = 0; i < graph->link_count; i++) {
        part.link_count = i + 1;
        struct domain_plan needed = domain_plan_make(&part);
        if (!domain_plan_covers(plan, &needed)) {
            limit(graph, &graph->links[i], true, diags,
                  "has no chunks left for this one: the running domain was made for fewer or "
                  "smaller ones; write transport: ring, or start the graph anew");
            return -ENOSPC;
        }
    }
    return 0;
}
