// SPDX-License-Identifier: Apache-2.0
// The two pipes of one worker's life, read in the broker's loop.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/broker.h"
#include "broker/lives/log_pipe.h"

// Makes the pipes and watches their reading ends. out_fds are the writing ends for stdout and
// stderr (the caller closes them after the spawn). Returns 0 or a negative errno.
int life_log_open(struct broker *broker, struct actual_node *node, int out_fds[2]);

// Reads what is left and says what was left out. is_clean: the worker ended by itself.
void life_log_close(struct actual_node *node, bool is_clean);

// When life_log_report() wants to be called, INT64_MAX = never.
int64_t life_log_due_ns(const struct actual_node *node);
void life_log_report(struct actual_node *node, int64_t now_ns);

// The newest line of stderr, escaped; empty when there is none.
void life_log_last(const struct actual_node *node, char *out, size_t size_bytes);
