// SPDX-License-Identifier: Apache-2.0
// Gives lives their processes, and hears of the launcher what becomes of them.
#include "broker/lives/life_begin.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/ending.h"
#include "broker/links/generation.h"
#include "broker/lives/cage.h"
#include "broker/lives/describing.h"
#include "broker/lives/domain.h"
#include "broker/lives/granting.h"
#include "broker/lives/life.h"
#include "broker/lives/life_end.h"
#include "broker/lives/life_hear.h"
#include "broker/lives/life_log.h"
#include "broker/lives/life_message.h"
#include "broker/lives/metering.h"
#include "broker/lives/vouch.h"
#include "broker/supervision/letter_office.h"
#include "broker/supervision/waiting.h"
#include "sandbox/walls.h"

#define PRIORITY_HIGH (-10)
#define PRIORITY_REALTIME 10

static int order_status_page(struct broker *broker, struct actual_node *node)
{
    struct memory_job *job = memory_thread_new_job(1);
    if (job == NULL) {
        return -ENOMEM;
    }
    job->orders[0].kind = WIRE_MEMORY_STATUS;
    job->orders[0].size_bytes = sizeof(struct status_page);
    node->status_job = job->tag = ++broker->last_job;
    memory_thread_submit(broker->memory, job);
    return 0;
}

static int fill_arguments(const struct graph_node *wanted, const struct cage *cage,
                          const char **arguments)
{
    const char *rest[LAUNCH_ARGUMENTS_MAX + 1];
    if (wanted->exec.count > LAUNCH_ARGUMENTS_MAX) {
        return -E2BIG;
    }
    for (size_t i = 1; i < wanted->exec.count; i++) {
        rest[i - 1] = wanted->exec.items[i];
    }
    rest[wanted->exec.count - 1] = NULL;
    return cage_command(cage, rest, arguments);
}

// "NAME=value" for each variable that the graph grants, in one buffer.
static int fill_environment(const struct graph_node *wanted, const struct cage *cage,
                            const struct grant_set *grants, struct text *bytes,
                            const char **environment)
{
    const struct graph_pairs *pairs = &wanted->sandbox.env;
    if (pairs->count + grants->variable_count + 4 > LAUNCH_ARGUMENTS_MAX) {
        return -E2BIG;
    }
    const char *python = cage->python_path;
    for (size_t i = 0; i < pairs->count; i++) {
        environment[i] = bytes->bytes + bytes->length;
        text_add_format(bytes, "%s=%s", pairs->items[i].name, pairs->items[i].value);
        if (python != NULL && strcmp(pairs->items[i].name, "PYTHONPATH") == 0) {
            // Modules of the user's come first, and ours is still found.
            text_add_format(bytes, ":%s", strchr(python, '=') + 1);
            python = NULL;
        }
        text_add_bytes(bytes, "", 1);
    }
    size_t count = pairs->count;
    for (size_t i = 0; i < grants->variable_count; i++) {
        environment[count++] = grants->variables[i];
    }
    if (wanted->gpu == GRAPH_GPU_REQUIRE) {
        environment[count++] = "STREAMBROKER_GPU=require";
    }
    environment[count] = python;
    count += python != NULL ? 1 : 0;
    environment[count] = cage->library_path;
    return bytes->is_cut ? -E2BIG : 0;
}

static int spawn_in(struct broker *broker, struct actual_node *node, struct cage *cage,
                    const struct grant_set *grants, int control_fd, int fds[2])
{
    const char *arguments[LAUNCH_ARGUMENTS_MAX + 1] = {NULL};
    const char *environment[LAUNCH_ARGUMENTS_MAX] = {NULL};
    char bytes[LAUNCH_STRINGS_BYTES_MAX];
    struct text text = TEXT_OVER(bytes);
    int failed = fill_arguments(node->wanted, cage, arguments);
    if (failed == 0) {
        failed = fill_environment(node->wanted, cage, grants, &text, environment);
    }
    if (failed == 0) {
        failed = metering_join(broker, node->wanted);
    }
    if (failed != 0) {
        return failed;
    }
    metering_fill(broker, node->wanted, &cage->plan);
    bool is_again =
        cage_is_plain(node->wanted) && node->wanted->restart.when != GRAPH_RESTART_NEVER;
    cage->plan.again = is_again ? SANDBOX_AGAIN_LATER : SANDBOX_ONCE;
    failed = grant_fill(grants, &cage->plan);
    if (failed != 0) {
        return failed;
    }
    cage_make_room(cage);
    struct launch_plan plan = {.path = node->wanted->found.program,
                               .arguments = arguments,
                               .environment = environment,
                               .folder = broker->graph->folder,
                               .control_fd = control_fd,
                               .stdout_fd = fds[0],
                               .stderr_fd = fds[1],
                               .domain_fd = node->is_inside ? domain_pidfd(broker) : -1,
                               .sandbox = &cage->plan};
    broker->last_launch = broker->last_launch % LAUNCH_SERIAL_MAX + 1;
    node->serial = broker->last_launch;
    return launcher_spawn(broker->launcher, &plan, node->serial);
}

static int spawn(struct broker *broker, struct actual_node *node, int control_fd, int fds[2])
{
    struct cage *cage;
    struct diag why;
    int failed = vouch_remember(node->wanted, &why);
    if (failed != 0 && broker->graph->signatures.policy == GRAPH_POLICY_REQUIRE) {
        exit_reason_set(&node->reason, EXIT_REASON_START, failed,
                        "cannot remember which version runs: %s", why.text);
        return failed;
    }
    failed = cage_open(node->wanted, &node->wanted->found.judged, &cage, &why);
    if (failed != 0) {
        exit_reason_set(&node->reason, EXIT_REASON_START, failed, "%s", why.text);
        return failed;
    }
    struct grant_set grants;
    failed = granting_open(broker->graph, node->wanted, &grants, &why);
    if (failed != 0) {
        exit_reason_set(&node->reason, EXIT_REASON_START, failed, "%s", why.text);
    } else {
        failed = spawn_in(broker, node, cage, &grants, control_fd, fds);
        grant_set_fini(&grants);
    }
    cage_close(cage);
    return failed;
}

static int open_and_spawn(struct broker *broker, struct actual_node *node)
{
    int failed = node->bell.page != NULL ? 0 : bell_open(&node->bell, &broker->clock);
    if (failed != 0) {
        return failed;
    }
    failed = order_status_page(broker, node);
    if (failed != 0) {
        return failed;
    }
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return -errno;
    }
    auto_fd int ours = pair[0];
    auto_fd int theirs = pair[1];
    int pipes[2];
    failed = life_log_open(broker, node, pipes);
    if (failed != 0) {
        return failed;
    }
    auto_fd int out = pipes[0];
    auto_fd int err = pipes[1];
    failed = spawn(broker, node, theirs, (int[]){out, err});
    if (failed != 0) {
        return failed;
    }
    return life_hear_open(broker, node, steal_fd(&ours));
}

// Returns 1 when its domain is there, or it needs none; 0 when it has to wait; or a negative errno.
static int enter_domain(struct broker *broker, struct actual_node *node)
{
    if (!domain_is_needed(node) || cage_is_wanted(node->wanted)) {
        return 1;
    }
    struct diag why = {.text = ""};
    int entered = domain_enter(broker, &why);
    if (entered < 0) {
        exit_reason_set(&node->reason, EXIT_REASON_START, entered, "%s", why.text);
    }
    node->is_inside = entered == 1;
    node->is_domain_awaited = entered == 0;
    return entered;
}

static void begin(struct broker *broker, struct actual_node *node)
{
    node->is_unborn = false;
    int failed = broker->is_launcher_gone ? -EPIPE : enter_domain(broker, node);
    if (failed == 0) {
        // What changes for all nodes can reach it meanwhile.
        failed = node->bell.page != NULL ? 0 : bell_open(&node->bell, &broker->clock);
        if (failed == 0) {
            life_set_deadline(broker, node, node->wanted->timeouts.start_ns, "start");
            return;
        }
    }
    failed = failed == 1 ? open_and_spawn(broker, node) : failed;
    if (failed == -EPIPE) {
        // Not this node's failure. Nobody was started, and nobody will be.
        node->serial = 0;
        if (!broker->is_launcher_gone) {
            ending_on_launcher_gone(broker);
        }
        return;
    }
    if (failed != 0) {
        exit_reason_set(&node->reason, EXIT_REASON_START, failed, "%s", strerrordesc_np(-failed));
        node->serial = 0;
        life_end(broker, node, NULL);
        return;
    }
    life_set_deadline(broker, node, node->wanted->timeouts.start_ns, "start");
}

void life_begin(struct broker *broker, struct actual_node *node)
{
    life_start(broker, node);
    begin(broker, node);
}

static void apply_cpus(const struct actual_node *node)
{
    const struct graph_numbers *cpus = &node->wanted->run.cpus;
    if (cpus->count == 0) {
        return;
    }
    cpu_set_t set;
    CPU_ZERO(&set);
    for (size_t i = 0; i < cpus->count; i++) {
        CPU_SET(cpus->items[i], &set);
    }
    if (sched_setaffinity(node->pid, sizeof set, &set) < 0) {
        log_node(LOG_WARNING, node->life.id, node->life.generation,
                 "cannot be bound to its CPUs: %s", strerrordesc_np(errno));
    }
}

static void apply_priority(const struct actual_node *node)
{
    enum graph_priority priority = node->wanted->run.priority;
    int failed = 0;
    if (priority == GRAPH_PRIORITY_HIGH) {
        failed = setpriority(PRIO_PROCESS, (id_t)node->pid, PRIORITY_HIGH);
    } else if (priority == GRAPH_PRIORITY_REALTIME) {
        struct sched_param parameter = {.sched_priority = PRIORITY_REALTIME};
        failed = sched_setscheduler(node->pid, SCHED_FIFO, &parameter);
    }
    if (failed < 0) {
        log_node(LOG_WARNING, node->life.id, node->life.generation,
                 "cannot have its priority, runs on with the usual one: %s",
                 strerrordesc_np(errno));
    }
}

static void warn_of_missing_walls(const struct actual_node *node, uint32_t missing)
{
    char bytes[256];
    struct text text = TEXT_OVER(bytes);
    for (unsigned wall = 0; wall < WALL_COUNT; wall++) {
        if ((missing >> wall & 1) != 0) {
            text_add_format(&text, "%s%s", text.length > 0 ? ", " : "",
                            walls_name((enum wall)wall));
        }
    }
    log_node(LOG_WARNING, node->life.id, node->life.generation,
             "runs without these walls: %s (degrade: true)", bytes);
}

static void on_spawned(struct broker *broker, struct actual_node *node,
                       const struct launch_event *event)
{
    node->pid = event->pid;
    node->pidfd = event->pidfd;
    log_node(LOG_DEBUG, node->life.id, node->life.generation, "process pid=%d", (int)event->pid);
    if (event->missing_walls != 0) {
        warn_of_missing_walls(node, event->missing_walls);
    }
    if (node->is_killed) {
        // It was given up while the launcher made it.
        syscall(SYS_pidfd_send_signal, node->pidfd, SIGKILL, NULL, 0);
        return;
    }
    apply_cpus(node);
    apply_priority(node);
    metering_begin(broker, node);
}

static struct actual_node *node_of_serial(const struct broker *broker, uint32_t serial)
{
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        if (broker->actual->nodes[i]->serial == serial) {
            return broker->actual->nodes[i];
        }
    }
    return NULL;
}

void life_begin_on_launch(struct broker *broker, const struct launch_event *event)
{
    if (letter_office_on_launch(broker, event)) {
        ending_check(broker);
        return;
    }
    if (describing_on_launch(broker, event) || domain_on_launch(broker, event)) {
        return;
    }
    struct actual_node *node = node_of_serial(broker, event->serial);
    if (node == NULL) {
        if (event->kind == LAUNCH_SPAWNED) {
            close(event->pidfd);
        } else if (event->kind == LAUNCH_EXITED) {
            life_end_on_reaped(broker, event->serial);
        }
        return;
    }
    switch (event->kind) {
    case LAUNCH_SPAWNED:
        on_spawned(broker, node, event);
        break;
    case LAUNCH_FAILED:
        exit_reason_set(&node->reason, EXIT_REASON_START, event->error, "%s", event->text);
        life_end(broker, node, NULL);
        break;
    case LAUNCH_EXITED:
        node->metered = event->usage.counts;
        node->denied_call = event->denied_call;
        node->denied_arch = event->denied_arch;
        life_end(broker, node, &event->wait_status);
        break;
    case LAUNCH_METERS:
        break;
    }
}

// The node may be gone by now, or in another life.
static struct actual_node *node_of_job(const struct broker *broker, uint64_t tag)
{
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        if (broker->actual->nodes[i]->status_job == tag) {
            return broker->actual->nodes[i];
        }
    }
    return NULL;
}

void life_begin_on_status_made(struct broker *broker, struct memory_job *job)
{
    struct actual_node *node = node_of_job(broker, job->tag);
    if (node == NULL || !node_is_alive(node->life.state)) {
        memory_thread_free_job(job);
        return;
    }
    int error = job->error;
    if (error == 0) {
        node->status_fd = steal_fd(&job->orders[0].fd);
        node->status_bytes = job->orders[0].real_bytes;
    }
    memory_thread_free_job(job);
    if (error != 0) {
        life_refuse(broker, node, "cannot allocate its status page: %s", strerrordesc_np(-error));
        return;
    }
    life_message_give_status(broker, node);
}

// The worker has done all that it was asked for: it waits for us, and we for another worker.
static bool is_waiting_for_us(const struct actual_node *node)
{
    if (!node->is_opened || node->is_start_sent || node->unmapped > 0 ||
        !worker_peer_is_open(&node->peer)) {
        return false;
    }
    for (size_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i]->format_serial != 0) {
            return false;
        }
    }
    return true;
}

void life_begin_on_deadline(struct broker *broker, struct actual_node *node)
{
    if (node->is_unborn && !node->is_killed) {
        begin(broker, node);
        return;
    }
    if (node->is_unborn) {
        node->is_killed = false;  // nothing was there to kill
        life_end(broker, node, NULL);
        return;
    }
    if (node->is_killed) {
        life_end_stuck(broker, node);
        return;
    }
    const char *text = node->deadline_text;
    bool is_start = strcmp(text, "start") == 0;
    int64_t limit_ns = is_start ? node->wanted->timeouts.start_ns : node->wanted->timeouts.stop_ns;
    if (is_start && is_waiting_for_us(node)) {
        life_set_deadline(broker, node, limit_ns, text);
        return;
    }
    const char *other = !is_start && node->is_stop_wanted ? waiting_for(node) : NULL;
    if (other != NULL) {
        // It would have ended by itself when that one had made space.
        life_kill(broker, node, EXIT_REASON_STOPPED, "ended while it waited for %s", other);
        return;
    }
    char limit[32];
    units_format_duration(limit_ns, limit, sizeof limit);
    life_kill(broker, node, EXIT_REASON_DEADLINE, "%s deadline of %s passed", text, limit);
}
