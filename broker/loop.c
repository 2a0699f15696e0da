// SPDX-License-Identifier: Apache-2.0
// The loop of the broker: what can wake it, and who handles it.
#include "broker/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "broker/change/file_watch.h"
#include "broker/change/live.h"
#include "broker/control/control_server.h"
#include "broker/ending.h"
#include "broker/graph/catalog.h"
#include "broker/links/generation.h"
#include "broker/links/generation_give.h"
#include "broker/links/wiring.h"
#include "broker/lives/domain.h"
#include "broker/lives/life_begin.h"
#include "broker/lives/life_log.h"
#include "broker/lives/metering.h"
#include "broker/opening.h"
#include "broker/service.h"
#include "broker/supervision/device_restart.h"
#include "broker/supervision/letter_office.h"
#include "broker/supervision/letter_replay.h"
#include "broker/supervision/watch.h"

#define STATUS_INTERNAL 70
#define STATUS_REFUSED 77
#define STATUS_INVALID 78
#define TIMER_ACCURACY_US 1000

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void arm_timer(struct broker *broker)
{
    broker->is_timer_stale = false;
    int64_t due_ns = earlier(broker->stop_deadline_ns, watch_due_ns(broker));
    due_ns = earlier(due_ns, health_due_ns(&broker->health));
    due_ns = earlier(due_ns, live_due_ns(broker));
    due_ns = earlier(due_ns, metering_due_ns(broker));
    due_ns = earlier(due_ns, letter_office_due_ns(broker));
    due_ns = earlier(due_ns, domain_due_ns(broker));
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        const struct actual_node *node = broker->actual->nodes[i];
        due_ns = earlier(due_ns, earlier(node->deadline_ns, life_log_due_ns(node)));
        due_ns = earlier(due_ns, node->restart_at_ns);
    }
    if (due_ns == INT64_MAX) {
        sd_event_source_set_enabled(broker->timer, SD_EVENT_OFF);
        return;
    }
    // What is due already cannot be done earlier than now.
    broker->timer_due_ns = clock_now_ns();
    broker->timer_due_ns = due_ns > broker->timer_due_ns ? due_ns : broker->timer_due_ns;
    sd_event_source_set_time(broker->timer, (uint64_t)due_ns / 1000 + 1);
    sd_event_source_set_enabled(broker->timer, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source;
    (void)usec;
    struct broker *broker = context;
    int64_t now_ns = clock_now_ns();
    lateness_note(&broker->lateness, now_ns - broker->timer_due_ns);
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        struct actual_node *node = broker->actual->nodes[i];
        life_log_report(node, now_ns);
        if (node->deadline_ns <= now_ns) {
            life_begin_on_deadline(broker, node);
        }
        if (node->restart_at_ns <= now_ns) {
            life_begin(broker, node);
        }
    }
    if (health_due_ns(&broker->health) <= now_ns) {
        health_flush(&broker->health, now_ns, false);
    }
    letter_office_on_due(broker, now_ns);
    domain_on_due(broker, now_ns);
    if (watch_due_ns(broker) <= now_ns) {
        watch_look(broker, now_ns);
    }
    if (metering_due_ns(broker) <= now_ns) {
        metering_look(broker, now_ns);
    }
    if (broker->stop_deadline_ns <= now_ns) {
        ending_on_deadline(broker);
    }
    broker_arm_timer(broker);
    return 0;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
    (void)source;
    ending_on_signal(context, (int)info->ssi_signo);
    return 0;
}

static int on_launcher(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)fd;
    (void)events;
    struct broker *broker = context;
    for (;;) {
        struct launch_event event;
        int got = launcher_receive(broker->launcher, &event);
        if (got == -EAGAIN) {
            return 0;
        }
        if (got != 0) {
            sd_event_source_set_enabled(source, SD_EVENT_OFF);
            ending_on_launcher_gone(broker);
            return 0;
        }
        life_begin_on_launch(broker, &event);
    }
}

// Who asks the launcher for something puts aside what it says meanwhile, and no descriptor tells.
static int on_kept(sd_event_source *source, void *context)
{
    (void)source;
    struct broker *broker = context;
    return on_launcher(broker->launcher_source, -1, 0, broker);
}

static int before_sleep(sd_event_source *source, void *context)
{
    (void)source;
    struct broker *broker = context;
    if (broker->is_timer_stale) {
        arm_timer(broker);
    }
    bool is_any = !broker->is_launcher_gone && launcher_has_kept(broker->launcher);
    return is_any ? sd_event_source_set_enabled(broker->kept_source, SD_EVENT_ONESHOT) : 0;
}

static int add_launcher(struct broker *broker)
{
    int failed = sd_event_add_io(broker->event, &broker->launcher_source,
                                 launcher_fd(broker->launcher), EPOLLIN, on_launcher, broker);
    if (failed >= 0) {
        failed = sd_event_add_defer(broker->event, &broker->kept_source, on_kept, broker);
    }
    return failed < 0 ? failed : sd_event_source_set_prepare(broker->launcher_source, before_sleep);
}

static int on_memory(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source;
    (void)fd;
    (void)events;
    struct broker *broker = context;
    struct memory_job *job;
    while ((job = memory_thread_take(broker->memory)) != NULL) {
        if (job->orders[0].kind == WIRE_MEMORY_STATUS) {
            life_begin_on_status_made(broker, job);
        } else {
            generation_give_on_made(broker, job);
        }
        wiring_advance(broker);
    }
    return 0;
}

static int on_content(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source;
    (void)fd;
    (void)events;
    struct broker *broker = context;
    catalog_take_content(broker->live.catalog);
    return 0;
}

// After each turn: what happened in it may let a change go on.
static int on_turn(sd_event_source *source, void *context)
{
    (void)source;
    device_restart_turn(context);
    struct broker *broker = context;
    live_turn(broker);
    if (broker->live.change == NULL) {
        file_watch_turn(broker);
    }
    letter_replay_turn(broker);
    return 0;
}

static int add_sources(struct broker *broker)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    int failed = 0;
    for (size_t i = 0; i < ARRAY_COUNT(signals) && failed >= 0; i++) {
        failed = sd_event_add_signal(broker->event, NULL, signals[i], on_signal, broker);
    }
    if (failed >= 0) {
        failed = add_launcher(broker);
    }
    if (failed >= 0) {
        failed = sd_event_add_io(broker->event, NULL, memory_thread_fd(broker->memory), EPOLLIN,
                                 on_memory, broker);
    }
    if (failed >= 0) {
        failed = sd_event_add_io(broker->event, NULL, catalog_content_fd(broker->live.catalog),
                                 EPOLLIN, on_content, broker);
    }
    if (failed >= 0) {
        failed = sd_event_add_time(broker->event, &broker->timer, CLOCK_MONOTONIC, UINT64_MAX,
                                   TIMER_ACCURACY_US, on_timer, broker);
    }
    if (failed >= 0) {
        failed = sd_event_add_post(broker->event, NULL, on_turn, broker);
    }
    if (failed >= 0) {
        failed = service_watch(broker->event);
    }
    if (failed >= 0 && broker->options.is_watched) {
        failed = file_watch_open(broker);
    }
    return failed < 0 ? failed : sd_event_source_set_enabled(broker->timer, SD_EVENT_OFF);
}

// Each link has several descriptors here, and a soft limit of 1024 is usual.
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int open_parts(struct broker *broker)
{
    int failed = sd_event_new(&broker->event);
    if (failed < 0) {
        return failed;
    }
    // Before there is a second thread that logs.
    failed = log_ring_create(&broker->log_ring);
    if (failed != 0) {
        return failed;
    }
    failed = health_init(&broker->health);
    if (failed != 0) {
        return failed;
    }
    failed = memory_thread_create(&broker->memory);
    if (failed != 0) {
        return failed;
    }
    if (broker->options.control >= 0) {
        failed = control_server_create(broker, broker->options.control, &broker->control);
        broker->options.control = -1;
        if (failed < 0) {
            return failed;
        }
    }
    broker->incoming = calloc(1, sizeof *broker->incoming);
    broker->outgoing = calloc(1, sizeof *broker->outgoing);
    if (broker->incoming == NULL || broker->outgoing == NULL) {
        return -ENOMEM;
    }
    failed = actual_create(broker->graph, &broker->actual);
    if (failed != 0) {
        return failed;
    }
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        broker->actual->nodes[i]->broker = broker;
    }
    live_init(broker, broker->options.catalog);
    return add_sources(broker);
}

static void drop_memory(struct broker *broker)
{
    for (size_t i = 0; broker->actual != NULL && i < broker->actual->node_count; i++) {
        struct actual_node *node = broker->actual->nodes[i];
        for (size_t j = 0; j < node->output_count; j++) {
            generation_drop_all(broker, node->outputs[j]);
        }
        worker_peer_close(&node->peer);
        life_log_close(node, true);
        bell_close(&node->bell);
    }
}

static void close_parts(struct broker *broker)
{
    // Whoever waits for the end is told while everything is still there.
    broker->phase = BROKER_ENDED;
    control_server_destroy(broker->control);
    cleanup_fd(&broker->options.control);
    file_watch_close(broker);
    live_fini(broker);
    drop_memory(broker);
    memory_thread_destroy(broker->memory);
    actual_destroy(broker->actual);
    graph_destroy(broker->graph);
    health_fini(&broker->health);
    letter_office_fini(broker);
    domain_fini(broker);
    letter_replay_fini(broker);
    dead_letters_fini(&broker->dead_letters);
    free(broker->left);
    log_ring_destroy(broker->log_ring);
    sd_event_source_disable_unref(broker->timer);
    sd_event_source_disable_unref(broker->launcher_source);
    sd_event_source_disable_unref(broker->kept_source);
    sd_event_unref(broker->event);
    free(broker->incoming);
    free(broker->outgoing);
}

static void set_clock(struct broker *broker)
{
    broker->clock = (struct bell_clock){.epoch_ns = clock_now_ns(),
                                        .from_ns = clock_now_ns(),
                                        .fps_numerator = broker->graph->clock.fps.numerator,
                                        .fps_denominator = broker->graph->clock.fps.denominator};
}

int loop_run(struct graph *graph, struct launcher *launcher, const struct broker_options *options)
{
    struct broker broker = {.options = *options,
                            .launcher = launcher,
                            .graph = graph_hold(graph),
                            .loaded_ns = clock_now_ns(),
                            .stop_deadline_ns = INT64_MAX,
                            .watch_due_ns = INT64_MAX};
    raise_descriptor_limit();
    if (broker_reserve_pages(&broker, graph->node_count) != 0) {
        graph_destroy(broker.graph);
        cleanup_fd(&broker.options.control);
        return STATUS_INVALID;
    }
    int failed = metering_open(&broker);
    if (failed == -EACCES) {
        graph_destroy(broker.graph);
        return STATUS_REFUSED;
    }
    set_clock(&broker);
    failed = failed == 0 ? open_parts(&broker) : failed;
    if (failed < 0) {
        log_line(LOG_ERROR, "cannot start: %s",
                 failed == -EPIPE ? "the launcher is gone" : strerrordesc_np(-failed));
        close_parts(&broker);
        return STATUS_INTERNAL;
    }
    if (options->is_idle) {
        log_line(LOG_DEBUG, "the graph is loaded and not started");
        service_ready("the graph is loaded and waits for its start");
    } else {
        opening_start(&broker);
    }
    failed = sd_event_loop(broker.event);
    if (failed < 0) {
        log_line(LOG_ERROR, "the loop failed: %s", strerrordesc_np(-failed));
        broker_set_status(&broker, STATUS_INTERNAL);
    }
    health_flush(&broker.health, clock_now_ns(), true);
    int status = broker.forced_status != 0 ? broker.forced_status : broker.exit_status;
    if (broker.is_launcher_gone) {
        metering_sweep(&broker);
    }
    close_parts(&broker);
    return status;
}
