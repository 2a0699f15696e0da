// SPDX-License-Identifier: Apache-2.0
// The life of one worker as all parts of the broker see it: what can be said to it, until when it
// must have done what, and how it is ended. What comes of that: life_begin.h, life_hear.h and
// life_end.h.
#pragma once

#include <stddef.h>

#include "broker/broker.h"

// A life of the node: from now on it is starting. The loop gives it its process.
void life_start(struct broker *broker, struct actual_node *node);

// The domain of the graph is ready, gone (then a fresh one begins), or did not start: why says so.
void life_on_domain(struct broker *broker, const char *why);

// What is due after that time is told to the loop; INT64_MAX = nothing is. text: which deadline.
void life_set_deadline(struct broker *broker, struct actual_node *node, int64_t after_ns,
                       const char *text);

// START was sent: the worker has its start timeout to answer, however long the others took.
void life_expect_ready(struct broker *broker, struct actual_node *node);

// It has what it needs, and answers in its own time. One that is about to exit keeps its deadline.
void life_expect_nothing(struct broker *broker, struct actual_node *node);

// It is about to exit, and has its stop timeout for that.
void life_expect_exit(struct broker *broker, struct actual_node *node);

// Every node is ready: run.
void life_run(struct broker *broker, struct actual_node *node);

// A new life instead of the running one, at once and without counting: the worker leaves after its
// step, within its stop timeout. One that has no life yet begins the next one now.
void life_restart(struct broker *broker, struct actual_node *node);

// When the next life of a node between two lives begins: when its time has come, its dead letters
// are written, and it has its turn.
void life_schedule(struct broker *broker, struct actual_node *node);

// Sends broker->outgoing (type and its struct are filled), rings the bell. The fds stay the
// caller's. A worker that does not read is ended.
void life_send(struct broker *broker, struct actual_node *node, const int *fds, size_t fd_count);

// Ends the worker with SIGKILL. The reason is kept; the end itself is told by the launcher, or by
// the loop when there is no process yet.
void life_kill(struct broker *broker, struct actual_node *node, enum exit_reason_kind kind,
               const char *format, ...) __attribute__((format(printf, 4, 5)));

// Closes the socket of a worker that does not run yet: it closes and exits within its stop
// timeout.
void life_hang_up(struct broker *broker, struct actual_node *node);

// The node cannot work as the graph wants it (no format, no memory): status 78 when it never ran.
void life_refuse(struct broker *broker, struct actual_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
