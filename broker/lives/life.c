// SPDX-License-Identifier: Apache-2.0
// Talks to workers, gives them deadlines, and kills them.
#include "broker/lives/life.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "broker/change/pause.h"
#include "broker/supervision/rearm.h"

// A process that SIGKILL does not end within this is in the kernel's hands.
#define GONE_NS (2 * CLOCK_NS_PER_S)

void life_set_deadline(struct broker *broker, struct actual_node *node, int64_t after_ns,
                       const char *text)
{
    node->deadline_ns = after_ns == INT64_MAX ? INT64_MAX : clock_now_ns() + after_ns;
    node->deadline_text = text;
    broker_arm_timer(broker);
}

static void reset(struct actual_node *node)
{
    node->pid = 0;
    node->reason = (struct exit_reason){0};
    node->is_opened = false;
    node->is_start_sent = false;
    node->is_ended = false;
    node->is_killed = false;
    node->is_restart_wanted = false;
    node->is_stop_wanted = false;
    node->is_stop_late = false;
    node->is_open_failed = false;
    node->device.is_lost = false;
    node->device.is_turn_awaited = false;
    node->metered = (struct cgroup_counts){0};
    node->denied_call = -1;
    node->is_inside = false;
    node->is_domain_awaited = false;
    node->is_unborn = false;
    node->restart_at_ns = INT64_MAX;
    node->unmapped = 0;
    node->stale_maps = 0;
    node->stale_formats = 0;
    node->status_serial = 0;
    node->config_serial = 0;
    for (size_t i = 0; i < node->output_count; i++) {
        node->outputs[i]->is_offered = false;
    }
}

// It has no process, so nobody else will tell of it: the loop begins it, or ends it when it was
// killed.
static void let_loop_decide(struct broker *broker, struct actual_node *node)
{
    node->is_domain_awaited = false;
    node->is_unborn = true;
    life_set_deadline(broker, node, 0, "begin");
}

void life_start(struct broker *broker, struct actual_node *node)
{
    reset(node);
    node->begun_ns = clock_now_ns();
    node_transition(&node->life, NODE_ON_START, "start", clock_now_ns());
    let_loop_decide(broker, node);
}

void life_on_domain(struct broker *broker, const char *why)
{
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        struct actual_node *node = broker->actual->nodes[i];
        if (!node->is_domain_awaited || !node_is_alive(node->life.state)) {
            continue;
        }
        if (why != NULL) {
            exit_reason_set(&node->reason, EXIT_REASON_START, -ECONNREFUSED,
                            "the domain of iceoryx did not start: %s", why);
            node->is_killed = true;
        }
        let_loop_decide(broker, node);
    }
}

// It has a deadline by which it must be gone, whatever else it says or is told until then.
static bool is_leaving(const struct actual_node *node)
{
    return node->is_ended || node->is_killed || node->is_restart_wanted ||
           !worker_peer_is_open(&node->peer);
}

void life_expect_ready(struct broker *broker, struct actual_node *node)
{
    if (!is_leaving(node)) {
        life_set_deadline(broker, node, node->wanted->timeouts.start_ns, "start");
    }
}

void life_expect_nothing(struct broker *broker, struct actual_node *node)
{
    if (!is_leaving(node)) {
        life_set_deadline(broker, node, INT64_MAX, NULL);
    }
}

void life_expect_exit(struct broker *broker, struct actual_node *node)
{
    int64_t due_ns = clock_now_ns() + node->wanted->timeouts.stop_ns;
    if (node->deadline_ns > due_ns && !node->is_killed) {
        node->deadline_ns = due_ns;
        node->deadline_text = "exit";
        broker_arm_timer(broker);
    }
}

void life_run(struct broker *broker, struct actual_node *node)
{
    life_expect_nothing(broker, node);
    const char *why = node->life.generation > 1 ? "it is ready again" : "every node is ready";
    node_transition(&node->life, NODE_ON_RUN, why, clock_now_ns());
    if (node->life.generation > 1) {
        health_say(&broker->health, HEALTH_NODE_RUNNING, node->life.id, node->life.generation, 0,
                   "runs again");
    }
    bell_set_clock(&node->bell, &broker->clock);
    if (!pause_instead_of_run(broker, node)) {
        bell_want(&node->bell, WANT_RUN);
        rearm_node(broker, node);
    }
}

void life_schedule(struct broker *broker, struct actual_node *node)
{
    bool is_held = node->letters_awaited > 0 || node->device.is_turn_awaited;
    node->restart_at_ns = is_held ? INT64_MAX : node->restart_due_ns;
    broker_arm_timer(broker);
}

void life_restart(struct broker *broker, struct actual_node *node)
{
    if (node->life.state == NODE_BACKING_OFF) {
        node->restart_due_ns = clock_now_ns();
        life_schedule(broker, node);
    } else if (node->life.state == NODE_RUNNING || node->life.state == NODE_PAUSED) {
        node->is_restart_wanted = true;
        bell_want(&node->bell, WANT_LEAVE);
        life_expect_exit(broker, node);
    }
    // One that is starting is as new as it can be.
}

void life_send(struct broker *broker, struct actual_node *node, const int *fds, size_t fd_count)
{
    int failed = worker_peer_send(&node->peer, broker->outgoing, fds, fd_count);
    if (failed == -ENOBUFS) {
        life_kill(broker, node, EXIT_REASON_PROTOCOL, "it does not read its control socket");
    } else if (failed != 0 && failed != -EPIPE) {
        life_refuse(broker, node, "cannot send %s to it: %s",
                    wire_worker_type_name(broker->outgoing->type), strerrordesc_np(-failed));
    }
    bell_ring(&node->bell);
}

static void kill_process(struct broker *broker, struct actual_node *node)
{
    node->is_killed = true;
    if (node->is_domain_awaited || node->is_unborn) {
        let_loop_decide(broker, node);
        return;
    }
    life_set_deadline(broker, node, GONE_NS, "gone");
    if (node->pidfd >= 0) {
        syscall(SYS_pidfd_send_signal, node->pidfd, SIGKILL, NULL, 0);
    }
    if (node->serial != 0) {
        launcher_kill(broker->launcher, node->serial);
    }
    // What it said before is read when it is gone: it may have mapped memory and used it.
}

void life_kill(struct broker *broker, struct actual_node *node, enum exit_reason_kind kind,
               const char *format, ...)
{
    if (!node_is_alive(node->life.state) || node->is_killed) {
        return;
    }
    char text[EXIT_REASON_TEXT_BYTES];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    exit_reason_set(&node->reason, kind, 0, "%s", text);
    log_node(LOG_DEBUG, node->life.id, node->life.generation, "killed: %s", text);
    kill_process(broker, node);
}

void life_hang_up(struct broker *broker, struct actual_node *node)
{
    worker_peer_close(&node->peer);
    // One that has said READY already waits for the bell, not for the socket.
    bell_want(&node->bell, WANT_STOP);
    life_set_deadline(broker, node, node->wanted->timeouts.stop_ns, "stop");
}

void life_refuse(struct broker *broker, struct actual_node *node, const char *format, ...)
{
    char text[EXIT_REASON_TEXT_BYTES];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    exit_reason_set(&node->reason, EXIT_REASON_REFUSED, 0, "%s", text);
    if (node_is_alive(node->life.state) && !node->is_killed) {
        kill_process(broker, node);
    }
}
