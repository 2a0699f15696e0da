// SPDX-License-Identifier: Apache-2.0
// Looks at status pages and cursors, at a rate that does not depend on that of the frames.
#include "broker/supervision/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/units.h"
#include "broker/links/max_lag.h"
#include "broker/links/pages.h"
#include "broker/links/queue_look.h"
#include "broker/links/wiring.h"
#include "broker/lives/life.h"
#include "broker/supervision/deadlock.h"
#include "broker/supervision/news.h"
#include "broker/supervision/rearm.h"
#include "broker/supervision/waiting.h"

// Between two looks: while somebody works, and while everybody sleeps.
#define BUSY_NS (50 * CLOCK_NS_PER_MS)
#define IDLE_NS (1000 * CLOCK_NS_PER_MS)

// A look that comes later than planned by this much says that the broker itself did not run.
#define LATE_NS (200 * CLOCK_NS_PER_MS)

// A worker that waited for a CPU for more than one part of this many was not idle by choice.
#define STARVED_PARTS 4

// --- One worker -------------------------------------------------------------------------------

static bool is_tick_due(const struct broker *broker, const struct actual_node *node)
{
    const struct bell_clock *clock = &broker->clock;
    if (clock->fps_numerator == 0) {
        return false;
    }
    int64_t period_ns = CLOCK_NS_PER_S * clock->fps_denominator / clock->fps_numerator;
    return period_ns < node->wanted->timeouts.process_ns / 2;
}

// What it gives away lies in memory that goes with it: with its streams ended it stays until they
// are read. The pages say so, not its word.
static bool is_lingering(const struct actual_node *node)
{
    size_t ended = 0;
    for (size_t i = 0; node->is_inside && i < node->output_count; i++) {
        for (size_t j = 0; j < node->outputs[i]->link_count; j++) {
            if (!pages_is_stream_ended(node->outputs[i]->links[j])) {
                return false;
            }
            ended++;
        }
    }
    return ended > 0;
}

static bool is_work_there(const struct broker *broker, const struct actual_node *node)
{
    if (is_lingering(node)) {
        return false;
    }
    const struct graph_activation *activation = &node->wanted->found.activation;
    int64_t deadline_ns = node->wanted->timeouts.process_ns;
    switch (node->wanted->found.mode) {
    case SB_MODE_TICK:
        return is_tick_due(broker, node);
    case SB_MODE_MANUAL:
    case SB_MODE_CONTINUOUS:
        return false;
    case SB_MODE_REACTIVE:
    case SB_MODE_DEFAULT:
        break;
    }
    // One that waits on purpose for as long as its deadline cannot be told from one that hangs.
    bool is_patient = activation->within_ns >= deadline_ns || activation->every_ns >= deadline_ns;
    return !is_patient && waiting_is_activated(node);
}

// Its word that it waits for space counts only where a link really is full, or its memory has not
// come.
static bool is_held_up(const struct actual_node *node)
{
    for (size_t i = 0; i < node->output_count; i++) {
        const struct actual_output *output = node->outputs[i];
        for (size_t j = 0; j < output->link_count; j++) {
            struct queue_look queue;
            queue_look_at(output->links[j], &queue);
            if (link_is_up(output->links[j]->state) && (queue.is_full || queue.is_memory_unmade)) {
                return true;
            }
        }
    }
    return false;
}

// Its own cursors only: the producer of a link that evicts goes on, whatever its reader does.
static uint64_t sum_taken(const struct actual_node *node)
{
    uint64_t sum = 0;
    struct queue_look queue;
    for (size_t i = 0; i < node->input_count; i++) {
        queue_look_at(node->inputs[i], &queue);
        sum += queue.taken;
    }
    return sum;
}

static struct progress_look look_at(const struct broker *broker, const struct actual_node *node,
                                    int64_t now_ns)
{
    const struct status_page *status = node->status;
    uint32_t phase = atomic_load_explicit(&status->phase, memory_order_acquire);
    struct progress_look look = {
        .step = atomic_load_explicit(&status->step, memory_order_relaxed),
        .entered_ns = atomic_load_explicit(&status->entered_ns, memory_order_relaxed),
        .moved = sum_taken(node),
        .now_ns = now_ns};
    look.is_inside = look.entered_ns != 0 && phase != WORKER_IDLE;
    look.is_work_there = is_work_there(broker, node);
    look.is_held_up = phase == WORKER_NO_SPACE && is_held_up(node);
    return look;
}

// --- Who is overdue ---------------------------------------------------------------------------

// Nanoseconds that the worker waited for a CPU in its life, 0 where the kernel does not say.
static int64_t read_cpu_wait_ns(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/schedstat", (int)pid);
    auto_free char *text = NULL;
    size_t count;
    if (fd_read_file(path, 256, &text, &count) < 0) {
        return 0;
    }
    unsigned long long ran;
    unsigned long long waited;
    return sscanf(text, "%llu %llu", &ran, &waited) == 2 ? (int64_t)waited : 0;
}

static bool was_starved(struct actual_node *node, int64_t deadline_ns)
{
    int64_t waited_ns = read_cpu_wait_ns(node->pid) - node->cpu_wait_ns;
    return waited_ns > deadline_ns / (2 * STARVED_PARTS);
}

// One that drains is on its way to its end already, and goes on to another life from there.
static void note_stall(struct actual_node *node)
{
    node->stalls++;
    if (node_is_legal(node->life.state, NODE_ON_STALL)) {
        node_transition(&node->life, NODE_ON_STALL, "it is overdue", clock_now_ns());
    }
}

static void end_stalled(struct broker *broker, struct actual_node *node, bool is_inside)
{
    char limit[32];
    units_format_duration(node->wanted->timeouts.process_ns, limit, sizeof limit);
    unsigned long long step = node->progress.step;
    note_stall(node);
    if (is_inside) {
        life_kill(broker, node, EXIT_REASON_DEADLINE,
                  "process deadline of %s passed inside step %llu", limit, step);
    } else {
        life_kill(broker, node, EXIT_REASON_DEADLINE,
                  "process deadline of %s passed: there is work, and nothing moved since step %llu",
                  limit, step);
    }
}

static void end_lagging(struct broker *broker, struct actual_node *node,
                        const struct actual_link *link)
{
    char limit[32];
    units_format_duration(link->wanted->max_lag_ns, limit, sizeof limit);
    note_stall(node);
    life_kill(broker, node, EXIT_REASON_DEADLINE, "max_lag of %s passed: seq %llu of %s waits",
              limit, (unsigned long long)link->lag.mark, link->name);
}

// As with the deadline of a call: when half of the time is left, the worker's wait for a CPU is
// noted, and one that was starved since then is given its time once more.
static int64_t judge_lag(struct broker *broker, struct actual_node *node, int64_t now_ns)
{
    int64_t half_ns = max_lag_shortest_ns(node) / 2;
    uint32_t phase = atomic_load_explicit(&node->status->phase, memory_order_acquire);
    bool is_excused = phase == WORKER_NO_SPACE && is_held_up(node);
    int64_t due_ns;
    struct actual_link *link = max_lag_look(node, is_excused, now_ns, &due_ns);
    if (link == NULL && due_ns == INT64_MAX) {
        return INT64_MAX;
    }
    if (link == NULL && due_ns - now_ns > half_ns) {
        node->lag_wait_ns = read_cpu_wait_ns(node->pid);
        return due_ns - half_ns;
    }
    if (link == NULL) {
        return due_ns;
    }
    int64_t waited_ns = read_cpu_wait_ns(node->pid) - node->lag_wait_ns;
    if (waited_ns > half_ns / STARVED_PARTS && link->lag_excused != link->lag.mark) {
        health_say(&broker->health, HEALTH_NODE_STARVED, node->life.id, node->life.generation, 0,
                   "is behind its max_lag, but it waited for a CPU: it gets its time once more");
        link->lag_excused = link->lag.mark;
        rearm_lag(node, now_ns);
        return now_ns + half_ns;
    }
    end_lagging(broker, node, link);
    return INT64_MAX;
}

// Returns when this node wants to be looked at next.
static int64_t judge(struct broker *broker, struct actual_node *node, int64_t now_ns,
                     bool *is_any_busy)
{
    int64_t deadline_ns = node->wanted->timeouts.process_ns;
    struct progress_look look = look_at(broker, node, now_ns);
    int64_t since_ns = progress_note(&node->progress, &look);
    *is_any_busy = *is_any_busy || look.is_inside || look.is_work_there;
    if (since_ns == INT64_MAX) {
        node->cpu_wait_ns = -1;
        return INT64_MAX;
    }
    if (now_ns - since_ns < deadline_ns / 2) {
        node->cpu_wait_ns = -1;
        return since_ns + deadline_ns / 2;
    }
    if (node->cpu_wait_ns < 0) {
        node->cpu_wait_ns = read_cpu_wait_ns(node->pid);
    }
    if (now_ns - since_ns < deadline_ns) {
        return since_ns + deadline_ns;
    }
    if (!node->progress.is_rearmed && was_starved(node, deadline_ns)) {
        health_say(&broker->health, HEALTH_NODE_STARVED, node->life.id, node->life.generation, 0,
                   "is overdue, but it waited for a CPU: it gets its deadline once more");
        progress_rearm(&node->progress, now_ns);
        node->cpu_wait_ns = -1;
        return now_ns + deadline_ns / 2;
    }
    end_stalled(broker, node, look.is_inside);
    return INT64_MAX;
}

int64_t watch_due_ns(const struct broker *broker)
{
    return broker->watch_due_ns;
}

// While the broker did not run, nobody knows what the workers could have done.
static void rearm_all(struct broker *broker, int64_t now_ns)
{
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        progress_rearm(&broker->actual->nodes[i]->progress, now_ns);
        broker->actual->nodes[i]->cpu_wait_ns = -1;
        rearm_lag(broker->actual->nodes[i], now_ns);
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void watch_look(struct broker *broker, int64_t now_ns)
{
    if (now_ns - broker->watch_due_ns > LATE_NS) {
        rearm_all(broker, now_ns);
    }
    int64_t shortest_ns = INT64_MAX;
    int64_t wanted_ns = INT64_MAX;
    bool is_any_busy = false;
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        struct actual_node *node = broker->actual->nodes[i];
        if (!waiting_is_at_work(broker, node)) {
            rearm_lag(node, now_ns);
            continue;
        }
        int64_t lag_ns = max_lag_shortest_ns(node);
        shortest_ns = earlier(shortest_ns, earlier(node->wanted->timeouts.process_ns, lag_ns));
        wanted_ns = earlier(wanted_ns, judge(broker, node, now_ns, &is_any_busy));
        if (lag_ns != INT64_MAX && waiting_is_at_work(broker, node)) {
            wanted_ns = earlier(wanted_ns, judge_lag(broker, node, now_ns));
        }
    }
    news_look(broker, now_ns);
    wiring_tell_held(broker, now_ns);
    deadlock_look(broker);
    if (wiring_is_awaiting(broker)) {
        // No message tells how far a reader is that holds what it has read.
        is_any_busy = true;
        shortest_ns = earlier(shortest_ns, 4 * BUSY_NS);
        wiring_advance(broker);
    }
    if (shortest_ns == INT64_MAX) {
        broker->watch_due_ns = INT64_MAX;
        return;
    }
    int64_t most_ns = is_any_busy ? BUSY_NS : IDLE_NS;
    int64_t pause_ns = shortest_ns / 4 < most_ns ? shortest_ns / 4 : most_ns;
    pause_ns = pause_ns < REARM_LOOK_NS ? REARM_LOOK_NS : pause_ns;
    int64_t regular_ns = now_ns + pause_ns;
    // Never before a moment at which something can have become overdue, never twice at once.
    wanted_ns = wanted_ns <= now_ns ? now_ns + REARM_LOOK_NS : wanted_ns;
    broker->watch_due_ns = wanted_ns < regular_ns ? wanted_ns : regular_ns;
}
