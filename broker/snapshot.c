// SPDX-License-Identifier: Apache-2.0
// Copies what is known of nodes and links.
#include "broker/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/text.h"
#include "broker/links/link_leave.h"
#include "broker/links/pages.h"
#include "broker/links/queue_look.h"
#include "broker/supervision/news.h"

// --- Nodes ------------------------------------------------------------------------------------

static void copy_reason(const struct actual_node *node, struct snapshot_node *out)
{
    bool is_newer = !out->is_alive && node->reason.kind != EXIT_REASON_NONE;
    if (is_newer) {
        exit_reason_describe(&node->reason, out->last_reason, sizeof out->last_reason);
    } else {
        text_copy(out->last_reason, sizeof out->last_reason, node->last_reason);
    }
}

static enum graph_tier tier_of(const struct graph_node *wanted)
{
    return wanted->sandbox.tier == GRAPH_TIER_UNSET ? GRAPH_TIER_UNTRUSTED : wanted->sandbox.tier;
}

static void copy_worker(const struct actual_node *node, int64_t now_ns, struct snapshot_node *out)
{
    if (!out->is_alive) {
        return;
    }
    out->pid = node->pid;
    out->uptime_ns = now_ns - node->begun_ns;
    out->usage = usage_read(node->pid);
    if (node->status != NULL) {
        out->phase = atomic_load_explicit(&node->status->phase, memory_order_relaxed);
    }
}

static void copy_node(const struct actual_node *node, int64_t now_ns, struct snapshot_node *out)
{
    const struct graph_node *wanted = node->wanted;
    *out = (struct snapshot_node){.state = node->life.state,
                                  .tier = tier_of(wanted),
                                  .is_alive = node_is_alive(node->life.state),
                                  .is_optional = wanted->is_optional,
                                  .generation = node->life.generation,
                                  .restarts = node->restart.total,
                                  .restarts_used = (uint32_t)restart_used(&node->restart),
                                  .restarts_max = wanted->restart.max,
                                  .stalls = node->stalls,
                                  .in_state_ns = now_ns - node->life.since_ns,
                                  .restart_in_ns = -1,
                                  .counts = node->counts,
                                  .times = node->times,
                                  .gpu_bytes = device_pool_bytes_of(node)};
    text_copy(out->id, sizeof out->id, node->life.id);
    text_copy(out->program, sizeof out->program,
              wanted->found.program == NULL ? "" : wanted->found.program);
    if (node->restart_at_ns != INT64_MAX) {
        out->restart_in_ns = node->restart_at_ns > now_ns ? node->restart_at_ns - now_ns : 0;
    }
    counts_add_page(&out->counts, node->status);
    call_times_add_page(&out->times, node->status);
    copy_worker(node, now_ns, out);
    copy_reason(node, out);
}

static int compare_nodes(const void *a, const void *b)
{
    const struct snapshot_node *left = a;
    const struct snapshot_node *right = b;
    return strcmp(left->id, right->id);
}

// --- Links ------------------------------------------------------------------------------------

// Cells of the newest memory that there is.
static uint32_t depth_of(const struct actual_link *link)
{
    struct generation_link *pages = pages_of(generation_newest(link->output), link);
    return pages == NULL ? actual_depth(link) : pages->depth;
}

static void copy_link(struct actual_link *link, int64_t now_ns, struct snapshot_link *out)
{
    struct queue_look queue;
    queue_look_at(link, &queue);
    link_age_note(&link->age, queue.head, queue.tail, now_ns);
    *out = (struct snapshot_link){.id = link->id,
                                  .state = link->state,
                                  .delivery = actual_delivery(link),
                                  .generation = link->output->generation,
                                  .depth = depth_of(link),
                                  .newest_age_ns = link_age_newest_ns(&link->age, now_ns),
                                  .head_age_ns = link_age_head_ns(&link->age, now_ns),
                                  .account = pages_account(link)};
    uint64_t filled = out->account.queued;
    out->filled = filled < out->depth ? (uint32_t)filled : out->depth;
    out->is_late = news_is_late(link, now_ns);
    text_copy(out->why, sizeof out->why, link->why);
    text_copy(out->name, sizeof out->name, link->name);
    text_copy(out->from, sizeof out->from, link->output->address);
    text_copy(out->to, sizeof out->to, link->to_address);
    if (link->output->is_agreed) {
        sb_format_text(&link->output->format, out->format, sizeof out->format);
    }
    if (link->output->generation_count > 0) {
        out->pool = link->output->choice.is_device ? "device" : "host";
        text_copy(out->pool_why, sizeof out->pool_why, link->output->choice.why);
    }
}

// --- All --------------------------------------------------------------------------------------

static void copy_detached(const struct broker *broker, struct snapshot *snapshot)
{
    for (size_t i = 0; i < broker->left_count; i++) {
        const struct stuck_process *process = &broker->left[i];
        struct snapshot_detached *out = &snapshot->detached[i];
        *out = (struct snapshot_detached){.generation = process->generation, .pid = process->pid};
        text_copy(out->node, sizeof out->node, process->node);
    }
}

static int allocate(const struct broker *broker, struct snapshot *snapshot)
{
    snapshot->nodes = calloc(broker->actual->node_count + 1, sizeof *snapshot->nodes);
    snapshot->links = calloc(broker->actual->link_count + 1, sizeof *snapshot->links);
    snapshot->detached = calloc(broker->left_count + 1, sizeof *snapshot->detached);
    if (snapshot->nodes == NULL || snapshot->links == NULL || snapshot->detached == NULL) {
        snapshot_fini(snapshot);
        return -ENOMEM;
    }
    snapshot->detached_count = broker->left_count;
    return 0;
}

// What a change has prepared is not there yet, and what it took away is not there any more.
static bool is_shown(const struct actual_node *node)
{
    return !node->is_held && !(node->is_doomed && node_is_over(node->life.state));
}

int snapshot_take(struct broker *broker, struct snapshot *out_snapshot)
{
    int64_t now_ns = clock_now_ns();
    struct snapshot snapshot = {.time_ns = now_ns,
                                .uptime_ns = now_ns - broker->loaded_ns,
                                .phase = broker->phase,
                                .nodes_max = broker->graph->limits.nodes,
                                .dead_letters = broker->dead_letters.total,
                                .events = broker->health.last_serial,
                                .evicted_untold =
                                    health_held(&broker->health, HEALTH_FRAMES_EVICTED),
                                .memory_used_bytes = broker->budget.promised_bytes,
                                .memory_limit_bytes = broker->budget.limit_bytes};
    int failed = allocate(broker, &snapshot);
    if (failed != 0) {
        return failed;
    }
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        if (is_shown(broker->actual->nodes[i])) {
            copy_node(broker->actual->nodes[i], now_ns, &snapshot.nodes[snapshot.node_count++]);
        }
    }
    qsort(snapshot.nodes, snapshot.node_count, sizeof *snapshot.nodes, compare_nodes);
    for (size_t i = 0; i < broker->actual->link_count; i++) {
        struct actual_link *link = broker->actual->links[i];
        if (!link->is_held && !link_leave_is_over(link)) {
            struct snapshot_link *out = &snapshot.links[snapshot.link_count++];
            copy_link(link, now_ns, out);
            snapshot.late_count += out->is_late ? 1 : 0;
        }
    }
    copy_detached(broker, &snapshot);
    *out_snapshot = snapshot;
    return 0;
}

void snapshot_fini(struct snapshot *snapshot)
{
    free(snapshot->nodes);
    free(snapshot->links);
    free(snapshot->detached);
    *snapshot = (struct snapshot){.node_count = 0};
}

const char *snapshot_phase_name(enum broker_phase phase)
{
    static const char *const names[] = {[BROKER_IDLE] = "idle",
                                        [BROKER_STARTING] = "starting",
                                        [BROKER_RUNNING] = "running",
                                        [BROKER_ENDING] = "ending",
                                        [BROKER_ENDED] = "ended"};
    return (size_t)phase < ARRAY_COUNT(names) ? names[phase] : "?";
}
