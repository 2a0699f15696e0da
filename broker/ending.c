// SPDX-License-Identifier: Apache-2.0
// Stops the graph, and finds its exit status.
#include "broker/ending.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/units.h"
#include "broker/links/pages.h"
#include "broker/lives/life.h"
#include "broker/lives/life_release.h"
#include "broker/service.h"
#include "broker/supervision/letter_office.h"
#include "broker/supervision/news.h"
#include "broker/supervision/rearm.h"
#include "broker/supervision/waiting.h"

// A process that SIGKILL does not end within this is in the kernel's hands.
#define GONE_NS (2 * CLOCK_NS_PER_S)

#define STATUS_FAILED 1
#define STATUS_INTERNAL 70
#define STATUS_REFUSED 77
#define STATUS_INVALID 78
#define STATUS_SIGNAL 128

static bool is_any_alive(const struct actual *actual)
{
    for (size_t i = 0; i < actual->node_count; i++) {
        enum node_state state = actual->nodes[i]->life.state;
        if (node_is_alive(state) || state == NODE_BACKING_OFF) {
            return true;
        }
    }
    return false;
}

static void set_deadline(struct broker *broker, int64_t after_ns)
{
    broker->stop_deadline_ns = clock_now_ns() + after_ns;
    broker_arm_timer(broker);
}

static int64_t longest_stop_ns(const struct actual *actual)
{
    int64_t longest_ns = 0;
    for (size_t i = 0; i < actual->node_count; i++) {
        const struct actual_node *node = actual->nodes[i];
        bool is_concerned = node_is_alive(node->life.state) || node->life.state == NODE_BACKING_OFF;
        if (is_concerned && node->wanted->timeouts.stop_ns > longest_ns) {
            longest_ns = node->wanted->timeouts.stop_ns;
        }
    }
    return longest_ns;
}

void ending_stop_node(struct broker *broker, struct actual_node *node, enum worker_want want,
                      const char *why)
{
    if (node->life.state == NODE_BACKING_OFF) {
        life_release_waiting(broker, node, why);
        return;
    }
    if (!node_is_legal(node->life.state, NODE_ON_STOP)) {
        return;
    }
    bool was_at_work = node->life.state == NODE_RUNNING;
    node_transition(&node->life, NODE_ON_STOP, why, clock_now_ns());
    node->deadline_ns = INT64_MAX;
    if (node->peer.phase == WIRE_RUNNING) {
        bell_want(&node->bell, want);
        if (want == WANT_DRAIN && !was_at_work) {
            rearm_node(broker, node);
        }
        return;
    }
    exit_reason_set(&node->reason, EXIT_REASON_STOPPED, 0, "stopped before it was ready");
    if (node->peer.phase == WIRE_CONNECTED) {
        // It did nothing that it would have to finish.
        life_kill(broker, node, EXIT_REASON_STOPPED, "stopped before it was ready");
    } else {
        life_hang_up(broker, node);
    }
}

static bool has_input(const struct actual_node *node)
{
    for (size_t i = 0; i < node->input_count; i++) {
        if (link_is_up(node->inputs[i]->state)) {
            return true;
        }
    }
    return false;
}

// Whose inputs it has, or will have because that one leaves for it.
static const struct actual_node *reader_behind(const struct actual_node *node)
{
    const struct actual_node *before = node->stands_for;
    return before != NULL && before->successor == node ? before : node;
}

bool ending_hasten(struct broker *broker, struct actual_node *node)
{
    enum node_state state = node->life.state;
    const struct actual_node *reader = reader_behind(node);
    bool is_next = node->was_ready || reader != node;
    bool is_between =
        state == NODE_BACKING_OFF || (is_next && (state == NODE_STARTING || state == NODE_READY));
    if (!is_between || !has_input(reader)) {
        return false;
    }
    if (state == NODE_BACKING_OFF) {
        node->restart_due_ns = clock_now_ns();
        node->device.is_turn_awaited = false;
        life_schedule(broker, node);
    }
    return true;
}

static bool dies_while_draining(const struct broker *broker, const struct actual_node *node)
{
    bool is_our_doing = node->reason.kind == EXIT_REASON_STOPPED && !node->is_restart_wanted;
    return broker->phase == BROKER_ENDING && broker->is_draining && !is_our_doing &&
           !node->is_stop_wanted && !node->is_ended;
}

bool ending_needs_again(const struct broker *broker, const struct actual_node *node)
{
    return dies_while_draining(broker, node) && has_input(node);
}

bool ending_needs_no_more(const struct broker *broker, const struct actual_node *node)
{
    return dies_while_draining(broker, node) && !has_input(node) &&
           node->reason.kind != EXIT_REASON_CODE &&
           node->wanted->restart.when != GRAPH_RESTART_NEVER && node->wanted->restart.max > 0;
}

void ending_drain(struct broker *broker, struct actual_node *node)
{
    life_run(broker, node);
    ending_stop_node(broker, node, WANT_DRAIN, "the graph ends");
}

void ending_stop(struct broker *broker, bool is_graceful)
{
    if (broker->phase == BROKER_ENDING) {
        return;
    }
    bool is_draining = is_graceful && broker->phase == BROKER_RUNNING;
    bool is_over = broker->phase == BROKER_IDLE || broker->phase == BROKER_ENDED;
    broker->phase = BROKER_ENDING;
    broker->is_draining = is_draining;
    if (is_over) {
        sd_event_exit(broker->event, 0);
        return;
    }
    health_say(&broker->health, HEALTH_GRAPH_STOPPING, "", 0, 0, "the graph %s",
               is_draining ? "ends when it has drained" : "ends");
    service_stopping(is_draining ? "the graph ends when it has drained" : "the graph ends");
    set_deadline(broker, longest_stop_ns(broker->actual));
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        struct actual_node *node = broker->actual->nodes[i];
        if (!is_draining || !ending_hasten(broker, node)) {
            ending_stop_node(broker, node, is_draining ? WANT_DRAIN : WANT_STOP, "the graph ends");
        }
    }
    ending_check(broker);
}

void ending_stop_undrained(struct broker *broker)
{
    static const char why[] = "the graph ends, and cannot drain";
    if (broker->phase != BROKER_ENDING) {
        ending_stop(broker, false);
        return;
    }
    broker->is_draining = false;
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        struct actual_node *node = broker->actual->nodes[i];
        if (node->life.state == NODE_STOPPING && node->peer.phase == WIRE_RUNNING) {
            bell_want(&node->bell, WANT_STOP);
        } else {
            ending_stop_node(broker, node, WANT_STOP, why);
        }
    }
    ending_check(broker);
}

void ending_stop_alone(struct broker *broker, struct actual_node *node)
{
    const char *why = "a stop was asked for";
    if (node->life.state == NODE_BACKING_OFF) {
        // As if it had been asked while it ran: it ends where it is.
        life_release_stopped(broker, node, why);
    } else if (node_is_legal(node->life.state, NODE_ON_STOP)) {
        node->is_stop_wanted = true;
        ending_stop_node(broker, node, node->input_count == 0 ? WANT_DRAIN : WANT_STOP, why);
        life_expect_exit(broker, node);
    }
    ending_check(broker);
}

void ending_force(struct broker *broker, const char *why)
{
    broker->phase = BROKER_ENDING;
    broker->is_draining = false;
    set_deadline(broker, GONE_NS);
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        if (broker->actual->nodes[i]->life.state == NODE_BACKING_OFF) {
            life_release_waiting(broker, broker->actual->nodes[i], why);
        }
        life_kill(broker, broker->actual->nodes[i], EXIT_REASON_STOPPED, "%s", why);
    }
    ending_check(broker);
}

void ending_on_signal(struct broker *broker, int signal_number)
{
    broker->signal_count++;
    if (broker->signal_count == 1) {
        log_line(LOG_DEBUG, "stopping: SIG%s", sigabbrev_np(signal_number));
        ending_stop(broker, true);
        return;
    }
    log_line(LOG_DEBUG, "ending at once: SIG%s again", sigabbrev_np(signal_number));
    broker->forced_status = STATUS_SIGNAL + signal_number;
    ending_force(broker, "ended by a second signal");
}

static int status_of_start(enum exit_verdict verdict)
{
    switch (verdict) {
    case EXIT_VERDICT_NO_CONFIG:
        return STATUS_INVALID;
    case EXIT_VERDICT_REFUSED:
        return STATUS_REFUSED;
    case EXIT_VERDICT_FINISHED:
    case EXIT_VERDICT_FAILED:
    case EXIT_VERDICT_RESTART:
    case EXIT_VERDICT_BAD_DATA:
        break;
    }
    return STATUS_FAILED;
}

static void on_start_failed(struct broker *broker, struct actual_node *node,
                            enum exit_verdict verdict)
{
    if (node->wanted->is_optional) {
        log_node(LOG_WARNING, node->life.id, node->life.generation,
                 "cannot start; it is optional, so the graph starts without it");
        return;
    }
    broker_set_status(broker, status_of_start(verdict));
    ending_stop(broker, false);
}

static void on_failed(struct broker *broker, struct actual_node *node)
{
    broker_set_status(broker, STATUS_FAILED);
    if (node->wanted->restart.then == GRAPH_GIVE_UP_STOP_GRAPH) {
        log_node(LOG_WARNING, node->life.id, node->life.generation,
                 "the graph stops, as its restart.then says");
        ending_stop(broker, true);
    }
}

static bool has_output(const struct actual_node *node)
{
    for (size_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i]->link_count > 0) {
            return true;
        }
    }
    return false;
}

// Whoever is left makes frames for others, and nobody is left who would take them to their end.
static bool is_rest_for_nobody(const struct broker *broker)
{
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        const struct actual_node *node = broker->actual->nodes[i];
        if (!node_is_over(node->life.state) && !node->is_observer && !has_output(node)) {
            return false;
        }
    }
    return true;
}

void ending_on_node_over(struct broker *broker, struct actual_node *node, enum exit_verdict verdict)
{
    bool is_failed = node->life.state == NODE_FAILED || node->life.state == NODE_DETACHED;
    bool is_our_doing = node->reason.kind == EXIT_REASON_STOPPED;
    bool is_detached = node->is_spent && node->wanted->restart.then == GRAPH_GIVE_UP_DETACH;
    if (node->is_observer) {
        is_failed = false;  // the graph is as well without it
    }
    if (is_failed && broker->phase == BROKER_STARTING && !is_detached) {
        on_start_failed(broker, node, verdict);
    } else if (is_failed && (broker->phase == BROKER_RUNNING || is_detached)) {
        on_failed(broker, node);
    } else if (is_failed && broker->phase == BROKER_ENDING && !is_our_doing &&
               !ending_needs_no_more(broker, node)) {
        broker_set_status(broker, STATUS_FAILED);
    }
    ending_check(broker);
}

void ending_on_early_finish(struct broker *broker, const struct actual_node *node)
{
    if (broker->phase == BROKER_RUNNING && !broker->options.is_keep && !node->is_observer &&
        !node->is_stop_wanted && is_rest_for_nobody(broker)) {
        log_node(LOG_DEBUG, node->life.id, node->life.generation,
                 "has finished, and nobody is left who would take a frame: the graph ends");
        ending_stop(broker, true);
    }
}

static void kill_late(struct broker *broker, struct actual_node *node)
{
    if (!node_is_alive(node->life.state) || node->is_killed) {
        return;
    }
    char limit[32];
    units_format_duration(longest_stop_ns(broker->actual), limit, sizeof limit);
    node->is_stop_late = true;
    const char *other = waiting_for(node);
    if (other != NULL) {
        // It would have ended by itself when that one had.
        life_kill(broker, node, EXIT_REASON_STOPPED, "ended while it waited for %s", other);
        return;
    }
    if (node->input_count == 0) {
        // What it published is there, and it promised nothing else.
        life_kill(broker, node, EXIT_REASON_STOPPED,
                  "stop deadline of %s passed, and it owed nothing", limit);
        return;
    }
    life_kill(broker, node, EXIT_REASON_DEADLINE, "stop deadline of %s passed", limit);
}

static void give_up(struct broker *broker, struct actual_node *node)
{
    if (node_is_alive(node->life.state)) {
        // It was killed long ago: this is its deadline too.
        life_set_deadline(broker, node, 0, "gone");
        broker_set_status(broker, STATUS_FAILED);
    }
}

void ending_on_deadline(struct broker *broker)
{
    bool is_kill = false;
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        struct actual_node *node = broker->actual->nodes[i];
        is_kill = is_kill || (node_is_alive(node->life.state) && !node->is_killed);
    }
    broker->stop_deadline_ns = INT64_MAX;
    broker->is_draining = false;
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        if (broker->actual->nodes[i]->life.state == NODE_BACKING_OFF) {
            life_release_waiting(broker, broker->actual->nodes[i], "the stop deadline passed");
        } else if (is_kill) {
            kill_late(broker, broker->actual->nodes[i]);
        } else {
            give_up(broker, broker->actual->nodes[i]);
        }
    }
    if (is_kill) {
        set_deadline(broker, GONE_NS);
    }
    ending_check(broker);
}

void ending_on_launcher_gone(struct broker *broker)
{
    log_line(LOG_ERROR, "the launcher is gone: every worker is ended");
    broker->is_launcher_gone = true;
    broker->forced_status = STATUS_INTERNAL;
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        int pidfd = broker->actual->nodes[i]->pidfd;
        if (pidfd >= 0) {
            syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        }
    }
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        struct actual_node *node = broker->actual->nodes[i];
        if (node_is_alive(node->life.state) || node->life.state == NODE_BACKING_OFF) {
            news_end_node(broker, node, HEALTH_NODE_FAILED, "failed: the launcher is gone");
        }
    }
    broker->phase = BROKER_ENDED;
    sd_event_exit(broker->event, 0);
}

static void report_link(struct broker *broker, const struct actual_link *link)
{
    struct account account = pages_account(link);
    account_abandon(&account);
    char text[256];
    account_text(&account, text, sizeof text);
    log_line(LOG_DEBUG, "link %s: %s", link->name, text);
    bool is_lossless = actual_delivery(link) == SB_DELIVERY_LOSSLESS;
    if (is_lossless && account.abandoned > 0 && !link->is_voluntary) {
        log_line(LOG_ERROR, "link %s: %llu frames were lost on a lossless link (%s)", link->name,
                 (unsigned long long)account.abandoned, text);
        broker_set_status(broker, STATUS_FAILED);
    }
}

static bool has_wanted_node(const struct actual *actual)
{
    for (size_t i = 0; i < actual->node_count; i++) {
        if (!actual->nodes[i]->is_doomed) {
            return true;
        }
    }
    return false;
}

void ending_check(struct broker *broker)
{
    bool is_under_way = broker->phase == BROKER_STARTING || broker->phase == BROKER_RUNNING;
    // A graph that never had a node has not finished: it waits for one. One that is being changed
    // may get some.
    bool is_finished =
        is_under_way && broker->live.change == NULL && has_wanted_node(broker->actual);
    if ((!is_finished && broker->phase != BROKER_ENDING) || is_any_alive(broker->actual) ||
        letter_office_is_busy(broker)) {
        return;
    }
    bool is_stopped = broker->phase == BROKER_ENDING;
    broker->phase = BROKER_ENDED;
    broker->stop_deadline_ns = INT64_MAX;
    news_look(broker, clock_now_ns());
    for (size_t i = 0; i < broker->actual->link_count; i++) {
        report_link(broker, broker->actual->links[i]);
    }
    health_say(&broker->health, HEALTH_GRAPH_ENDED, "", 0, 0, "the graph has ended with status %d",
               broker->forced_status != 0 ? broker->forced_status : broker->exit_status);
    if (is_stopped || !broker->options.is_keep) {
        sd_event_exit(broker->event, 0);
    } else {
        log_line(LOG_DEBUG, "every node has finished; the broker stays");
    }
}
