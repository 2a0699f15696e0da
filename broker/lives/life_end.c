// SPDX-License-Identifier: Apache-2.0
// Ends lives and takes their links apart.
#include "broker/lives/life_end.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/change/succession.h"
#include "broker/ending.h"
#include "broker/links/generation.h"
#include "broker/links/pages.h"
#include "broker/links/wiring.h"
#include "broker/lives/domain.h"
#include "broker/lives/life.h"
#include "broker/lives/life_log.h"
#include "broker/lives/life_release.h"
#include "broker/lives/metering.h"
#include "broker/supervision/device_restart.h"
#include "broker/supervision/handover.h"
#include "broker/supervision/news.h"
#include "broker/supervision/restart.h"
#include "sandbox/filter.h"
#include "shm/segment.h"

// Every link that still has a reader has an end in shared memory, which nobody but the worker can
// have written. Without such a link nothing shows what it did last: one that is taken away ends
// although its producer goes on.
static bool has_ended_outputs(const struct actual_node *node)
{
    size_t ended = 0;
    for (size_t i = 0; i < node->output_count; i++) {
        const struct actual_output *output = node->outputs[i];
        for (size_t j = 0; j < output->link_count; j++) {
            const struct actual_link *link = output->links[j];
            if (link->state == LINK_DISCONNECTED || link->is_leaving) {
                continue;
            }
            if (!pages_is_stream_ended(link)) {
                return false;
            }
            ended++;
        }
    }
    return ended > 0;
}

// Only a sink whose inputs go on has something left that a life after its end could do.
static bool has_ended_all(const struct actual_node *node)
{
    bool is_any_open = false;
    for (size_t i = 0; i < node->input_count; i++) {
        const struct actual_link *link = node->inputs[i];
        is_any_open = is_any_open || (link_is_up(link->state) && !pages_is_stream_ended(link));
    }
    return node->output_count > 0 || !is_any_open;
}

// It takes frames to their end, and there is somebody who would give it more.
static bool is_early(const struct actual_node *node)
{
    for (size_t i = 0; node->output_count == 0 && i < node->input_count; i++) {
        const struct actual_link *link = node->inputs[i];
        if (link_is_up(link->state) && !node_is_over(link->output->node->life.state) &&
            !pages_is_stream_ended(link)) {
            return true;
        }
    }
    return false;
}

static enum node_event event_of(const struct actual_node *node, enum exit_verdict verdict)
{
    bool is_finished = verdict == EXIT_VERDICT_FINISHED;
    return is_finished && node_is_legal(node->life.state, NODE_ON_FINISH) ? NODE_ON_FINISH
                                                                          : NODE_ON_FAIL;
}

static bool has_stalled(const struct actual_node *node)
{
    bool is_overdue = node->reason.kind == EXIT_REASON_DEADLINE && !node->is_stop_late;
    return node->life.state == NODE_STALLED || (node->life.state == NODE_STOPPING && is_overdue);
}

// Whether the node gets another life, and after which wait.
static enum restart_answer decide(const struct broker *broker, struct actual_node *node,
                                  enum exit_verdict verdict, int64_t *out_delay_ns)
{
    bool is_again = ending_needs_again(broker, node);
    bool is_under_way =
        broker->phase == BROKER_STARTING || broker->phase == BROKER_RUNNING || is_again;
    bool is_left = has_stalled(node) && node->wanted->on_stall == GRAPH_STALL_DETACH;
    bool has_never_run = !node->was_ready && (node->is_open_failed || node->pid == 0);
    bool is_unwanted = node->is_held || node->is_doomed || node->is_stop_wanted;
    if (!is_under_way || has_never_run || is_left || is_unwanted ||
        !node_is_legal(node->life.state, NODE_ON_RETRY)) {
        return RESTART_NEVER;
    }
    if (node->is_restart_wanted) {
        *out_delay_ns = 0;
        return RESTART_AGAIN;
    }
    const struct graph_node *wanted = node->wanted;
    struct restart_rules rules = {.when = wanted->restart.when,
                                  .max = wanted->restart.max,
                                  .window_ns = wanted->restart.window_ns,
                                  .delay_ns = wanted->restart.delay_ns,
                                  .max_delay_ns = wanted->restart.max_delay_ns};
    int64_t now_ns = clock_now_ns();
    struct restart_death death = {
        .verdict = verdict, .lived_ns = now_ns - node->begun_ns, .now_ns = now_ns};
    enum restart_answer answer = restart_decide(&node->restart, &rules, &death, out_delay_ns);
    *out_delay_ns = is_again ? 0 : *out_delay_ns;
    return answer;
}

static void tell_next_life(struct broker *broker, struct actual_node *node, int64_t delay_ns)
{
    char reason[EXIT_REASON_TEXT_BYTES + 64];
    char delay[32];
    exit_reason_describe(&node->reason, reason, sizeof reason);
    // Jitter makes odd nanoseconds, which tell nobody anything.
    units_format_duration(delay_ns / CLOCK_NS_PER_MS * CLOCK_NS_PER_MS, delay, sizeof delay);
    text_copy(node->last_reason, sizeof node->last_reason, reason);
    if (node->is_restart_wanted) {
        health_say(&broker->health, HEALTH_NODE_RESTARTED, node->life.id, node->life.generation, 0,
                   "left, and starts again: %s", reason);
    } else {
        health_say(&broker->health, HEALTH_NODE_RESTARTING, node->life.id, node->life.generation, 0,
                   "died: %s; it starts again in %s restarts=%u", reason, delay,
                   node->restart.total);
    }
}

static void start_again_later(struct broker *broker, struct actual_node *node, int64_t delay_ns)
{
    node->restart_due_ns = clock_now_ns() + delay_ns;
    node_transition(&node->life, NODE_ON_RETRY, "it will be started again", clock_now_ns());
    life_schedule(broker, node);
    wiring_advance(broker);
}

static void close_life(struct actual_node *node)
{
    worker_peer_close(&node->peer);
    bell_close(&node->bell);
    segment_unmap(node->status, node->status_bytes);
    node->status = NULL;
    cleanup_fd(&node->status_fd);
    cleanup_fd(&node->pidfd);
    node->serial = 0;
    node->deadline_ns = INT64_MAX;
}

static void note_reason(struct actual_node *node, const int *wait_status)
{
    bool has_said = node->reason.text[0] != '\0';
    char why[EXIT_REASON_TEXT_BYTES];
    if (wait_status != NULL) {
        exit_reason_from_wait(&node->reason, *wait_status);
        if (metering_explain(node->wanted, *wait_status, &node->metered, why, sizeof why)) {
            exit_reason_explain(&node->reason, EXIT_REASON_OOM, 0, "%s", why);
        } else if (node->denied_call >= 0) {
            char name[FILTER_NAME_BYTES_MAX];
            filter_name_call(node->denied_arch, node->denied_call, name);
            exit_reason_explain(&node->reason, EXIT_REASON_SECCOMP, node->denied_call, "%s", name);
        }
    }
    enum exit_reason_kind kind = node->reason.kind;
    bool is_unexplained = !has_said && (kind == EXIT_REASON_CODE || kind == EXIT_REASON_SIGNAL);
    // Before it can speak to us, what a program has to say is on its stderr.
    if (is_unexplained && !node->was_ready) {
        life_log_last(node, node->reason.text, sizeof node->reason.text);
    }
}

static void tell_end(struct broker *broker, struct actual_node *node, enum exit_verdict verdict,
                     bool is_failed)
{
    char reason[EXIT_REASON_TEXT_BYTES + 64];
    exit_reason_describe(&node->reason, reason, sizeof reason);
    bool was_asked = node->life.state == NODE_STOPPING;
    if (!is_failed && !was_asked) {
        news_end_node(broker, node, HEALTH_NODE_FINISHED, "finished (%s)", reason);
    } else if (!is_failed || node->reason.kind == EXIT_REASON_STOPPED) {
        news_end_node(broker, node, HEALTH_NODE_STOPPED, "stopped (%s)", reason);
        if (node->reason.kind == EXIT_REASON_CODE && node->reason.text[0] == '\0') {
            // Its state is that of a node that has finished: its last reason tells them apart.
            text_copy(node->reason.text, sizeof node->reason.text, "stopped");
        }
    } else if (ending_needs_no_more(broker, node)) {
        log_node(LOG_WARNING, node->life.id, node->life.generation,
                 "died while the graph ends, and is not needed again: %s", reason);
        news_end_node(broker, node, HEALTH_NODE_STOPPED, "stopped (%s)", reason);
    } else if (verdict == EXIT_VERDICT_FAILED && node->reason.kind == EXIT_REASON_CODE &&
               node->reason.code == 0) {
        news_end_node(broker, node, HEALTH_NODE_FAILED,
                      "failed: it exited with 0 before its work was done");
    } else {
        news_end_node(broker, node, HEALTH_NODE_FAILED, "failed: %s", reason);
    }
}

// What the worker counted itself goes to the counts of its node.
static void keep_counts(struct actual_node *node)
{
    struct counts counts = {0};
    counts_add_page(&counts, node->status);
    counts_add_page(&node->counts, node->status);
    call_times_add_page(&node->times, node->status);
    if (node->status != NULL && log_is_on(LOG_DEBUG)) {
        char text[512];
        counts_text(&counts, text, sizeof text);
        log_node(LOG_DEBUG, node->life.id, node->life.generation, "counted:%s", text);
    }
}

static void leave_behind(struct broker *broker, const struct actual_node *node)
{
    struct stuck_process *left =
        realloc(broker->left, (broker->left_count + 1) * sizeof *broker->left);
    if (left == NULL) {
        return;
    }
    broker->left = left;
    struct stuck_process *process = &left[broker->left_count++];
    *process = (struct stuck_process){
        .serial = node->serial, .pid = node->pid, .generation = node->life.generation};
    text_copy(process->node, sizeof process->node, node->life.id);
    health_say(&broker->health, HEALTH_NODE_STUCK, node->life.id, node->life.generation, 0,
               "its process %d does not end although it was killed; it is left behind detached=%zu",
               (int)node->pid, broker->left_count);
}

void life_end_on_reaped(struct broker *broker, uint32_t serial)
{
    for (size_t i = 0; i < broker->left_count; i++) {
        struct stuck_process process = broker->left[i];
        if (process.serial == serial) {
            broker->left[i] = broker->left[--broker->left_count];
            health_say(&broker->health, HEALTH_NODE_GONE, process.node, process.generation, 0,
                       "its process %d that was left behind has ended detached=%zu",
                       (int)process.pid, broker->left_count);
            return;
        }
    }
}

static void end(struct broker *broker, struct actual_node *node, const int *wait_status,
                bool is_stuck);

void life_end_stuck(struct broker *broker, struct actual_node *node)
{
    if (node_is_alive(node->life.state)) {
        leave_behind(broker, node);
        end(broker, node, NULL, true);
    }
}

void life_end(struct broker *broker, struct actual_node *node, const int *wait_status)
{
    if (node_is_alive(node->life.state)) {
        end(broker, node, wait_status, false);
    }
}

// A node that was taken away, or was to come with a change that is not made: neither fails the
// graph, and what became of the change is the change's to say.
static void end_unwanted(struct broker *broker, struct actual_node *node, enum node_event event)
{
    char reason[EXIT_REASON_TEXT_BYTES + 64];
    exit_reason_describe(&node->reason, reason, sizeof reason);
    news_end_node(broker, node, HEALTH_NODE_STOPPED, "gone (%s)", reason);
    node_transition(&node->life, event, "its process is gone", clock_now_ns());
    if (node->successor != NULL) {
        succession_finish(broker, node);
    } else {
        life_release(broker, node, false);
    }
    ending_check(broker);
    wiring_advance(broker);
}

static void end(struct broker *broker, struct actual_node *node, const int *wait_status,
                bool is_stuck)
{
    worker_peer_drain(&node->peer);
    node->is_domain_awaited = false;
    node->is_unborn = false;
    domain_on_node_end(broker, node, wait_status != NULL && WIFSIGNALED(*wait_status));
    note_reason(node, wait_status);
    bool is_stopping = node->life.state == NODE_STOPPING;
    bool is_complete = node->is_ended || has_ended_outputs(node);
    enum exit_verdict verdict = exit_reason_verdict(&node->reason, is_complete, is_stopping);
    if (node->is_restart_wanted && !is_complete && node->reason.kind == EXIT_REASON_CODE &&
        node->reason.code == 0) {
        // It left as it was asked to.
        verdict = EXIT_VERDICT_RESTART;
        node->reason = (struct exit_reason){.kind = EXIT_REASON_STOPPED};
        text_copy(node->reason.text, sizeof node->reason.text,
                  node->device.is_turn_awaited ? "its device was lost" : "a restart was asked for");
    }
    node->device.is_turn = false;
    if (node->device.is_lost) {
        device_restart_on_end(broker, node, &verdict);
    }
    enum node_event event = is_stuck ? NODE_ON_DETACH : event_of(node, verdict);
    int64_t delay_ns = 0;
    bool is_over = event == NODE_ON_FINISH && has_ended_all(node);
    enum restart_answer answer = is_over ? RESTART_NEVER : decide(broker, node, verdict, &delay_ns);
    // What it said last comes before its end, and its end before the work that this makes.
    life_log_close(node, wait_status != NULL && WIFEXITED(*wait_status));
    if (answer == RESTART_AGAIN) {
        tell_next_life(broker, node, delay_ns);
    }
    if (node->successor != NULL) {
        succession_hand_over(broker, node);
    } else if (answer == RESTART_AGAIN) {
        handover_worker(broker, node);
    }
    keep_counts(node);
    close_life(node);
    if (answer == RESTART_AGAIN) {
        start_again_later(broker, node, delay_ns);
        return;
    }
    if (node->is_held || node->is_doomed) {
        end_unwanted(broker, node, event);
        return;
    }
    tell_end(broker, node, verdict, event != NODE_ON_FINISH);
    node_transition(&node->life, event, "its process is gone", clock_now_ns());
    bool has_left_early = event == NODE_ON_FINISH && is_early(node);
    bool is_voluntary =
        event == NODE_ON_FINISH && (!is_stopping || node->is_stop_wanted || broker->is_draining);
    life_release(broker, node, is_voluntary);
    node->is_spent = answer == RESTART_SPENT && node->restart.total > 0;
    if (node->is_spent) {
        health_say(&broker->health, HEALTH_NODE_SPENT, node->life.id, node->life.generation, 0,
                   "its restarts are used up: %u of %u within the window",
                   (unsigned)restart_used(&node->restart), node->wanted->restart.max);
    }
    ending_on_node_over(broker, node, verdict);
    if (has_left_early) {
        ending_on_early_finish(broker, node);
    }
    wiring_advance(broker);
    wiring_check_ready(broker);
}
