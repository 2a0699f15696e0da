// SPDX-License-Identifier: Apache-2.0
// Watches the output of workers.
#include "broker/lives/life_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

// Of what a worker left in a pipe, in reads of 64 KiB: the kernel's own limit for a pipe is 1 MiB.
// A process that the worker left behind could go on writing for as long as somebody reads.
#define READS_MAX 16

struct life_log {
    struct broker *broker;  // borrowed
    struct log_pipe pipe;
    struct {
        int fd;                   // owned, -1 = at its end
        sd_event_source *source;  // owned
    } ends[LOG_PIPE_STREAM_COUNT];
};

static void close_end(struct life_log *log, enum log_pipe_stream stream)
{
    log->ends[stream].source = sd_event_source_disable_unref(log->ends[stream].source);
    cleanup_fd(&log->ends[stream].fd);
}

static void destroy(struct life_log *log)
{
    for (unsigned i = 0; i < LOG_PIPE_STREAM_COUNT; i++) {
        close_end(log, i);
    }
    free(log);
}

static int read_end(struct life_log *log, enum log_pipe_stream stream)
{
    int got = log_pipe_read(&log->pipe, stream, log->ends[stream].fd, clock_now_ns());
    if (got != 1 && got != -EAGAIN) {
        close_end(log, stream);
    }
    return got;
}

static int on_stdout(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source;
    (void)fd;
    (void)events;
    struct life_log *log = context;
    read_end(log, LOG_PIPE_STDOUT);
    broker_arm_timer(log->broker);
    return 0;
}

static int on_stderr(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source;
    (void)fd;
    (void)events;
    struct life_log *log = context;
    read_end(log, LOG_PIPE_STDERR);
    broker_arm_timer(log->broker);
    return 0;
}

static int open_end(struct life_log *log, enum log_pipe_stream stream, int *out_fd)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0) {
        return -errno;
    }
    log->ends[stream].fd = fds[0];
    *out_fd = fds[1];
    // Only our end: a worker's printf must not fail because the broker is slow.
    if (fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0) {
        return -errno;
    }
    return sd_event_add_io(log->broker->event, &log->ends[stream].source, fds[0], EPOLLIN,
                           stream == LOG_PIPE_STDOUT ? on_stdout : on_stderr, log);
}

int life_log_open(struct broker *broker, struct actual_node *node, int out_fds[2])
{
    SB_ASSERT(node->log == NULL);
    struct life_log *log = calloc(1, sizeof *log);
    if (log == NULL) {
        return -ENOMEM;
    }
    log->broker = broker;
    log_pipe_init(&log->pipe, node->life.id, node->life.generation, node->wanted->limits.log_rate,
                  clock_now_ns());
    int fds[LOG_PIPE_STREAM_COUNT] = {-1, -1};
    log->ends[LOG_PIPE_STDOUT].fd = -1;
    log->ends[LOG_PIPE_STDERR].fd = -1;
    int failed = open_end(log, LOG_PIPE_STDOUT, &fds[LOG_PIPE_STDOUT]);
    if (failed >= 0) {
        failed = open_end(log, LOG_PIPE_STDERR, &fds[LOG_PIPE_STDERR]);
    }
    if (failed < 0) {
        cleanup_fd(&fds[LOG_PIPE_STDOUT]);
        cleanup_fd(&fds[LOG_PIPE_STDERR]);
        destroy(log);
        return failed;
    }
    node->log = log;
    out_fds[0] = fds[LOG_PIPE_STDOUT];
    out_fds[1] = fds[LOG_PIPE_STDERR];
    return 0;
}

// Reads what the worker left behind.
static void read_rest(struct life_log *log)
{
    for (unsigned i = 0; i < LOG_PIPE_STREAM_COUNT; i++) {
        // A process that left the group may still hold the writing end: read what is there now.
        for (int reads = 0; log->ends[i].fd >= 0 && reads < READS_MAX; reads++) {
            if (read_end(log, i) == -EAGAIN) {
                break;
            }
        }
    }
}

void life_log_close(struct actual_node *node, bool is_clean)
{
    struct life_log *log = node->log;
    if (log == NULL) {
        return;
    }
    read_rest(log);
    log_pipe_fini(&log->pipe, is_clean, clock_now_ns());
    node->log = NULL;
    destroy(log);
}

int64_t life_log_due_ns(const struct actual_node *node)
{
    return node->log == NULL ? INT64_MAX : node->log->pipe.report_at_ns;
}

void life_log_report(struct actual_node *node, int64_t now_ns)
{
    if (life_log_due_ns(node) <= now_ns) {
        log_pipe_report(&node->log->pipe, now_ns);
    }
}

void life_log_last(const struct actual_node *node, char *out, size_t size_bytes)
{
    struct text text = text_over(out, size_bytes);
    if (node->log == NULL) {
        return;
    }
    read_rest(node->log);
    const char *line = log_pipe_last(&node->log->pipe, 0);
    if (line != NULL) {
        text_add_escaped(&text, line, strlen(line));
    }
}
