// SPDX-License-Identifier: Apache-2.0
// Lines of a worker for the broker's log: "<priority>text" on stderr, one write each.
#pragma once

#include <stdarg.h>

#include "worker/runtime.h"

void node_log(const struct sb_node *node, enum sb_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void node_log_list(const struct sb_node *node, enum sb_log_level level, const char *format,
                   va_list list) __attribute__((format(printf, 3, 0)));

// "[node] error processing tick N: text", with the text of sb_node_error() or that of the code.
void node_log_step_error(struct sb_node *node, int code);
void node_log_call_error(struct sb_node *node, const char *call, int code);

// Text of sb_node_error(), or that of the code.
const char *node_log_error_text(const struct sb_node *node, int code);
