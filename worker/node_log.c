// SPDX-License-Identifier: Apache-2.0
// Formats log lines and writes each with one call.
#include "worker/node_log.h"

#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"

void node_log_list(const struct sb_node *node, enum sb_log_level level, const char *format,
                   va_list list)
{
    (void)node;
    char bytes[LOG_TEXT_BYTES_MAX + 8];
    struct text line = TEXT_OVER(bytes);
    text_add_format(&line, "<%d>", (int)level);
    text_add_format_list(&line, format, list);
    // A line break inside would begin a line without a level.
    for (size_t i = 0; i < line.length; i++) {
        if (bytes[i] == '\n') {
            bytes[i] = ' ';
        }
    }
    bytes[line.length < sizeof bytes - 1 ? line.length++ : line.length - 1] = '\n';
    // Nobody is left to tell when stderr is gone.
    (void)fd_write_all(STDERR_FILENO, bytes, line.length);
}

void node_log(const struct sb_node *node, enum sb_log_level level, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    node_log_list(node, level, format, list);
    va_end(list);
}

void sb_log(struct sb_node *node, enum sb_log_level level, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    node_log_list(node, level, format, list);
    va_end(list);
}

const char *node_log_error_text(const struct sb_node *node, int code)
{
    return node->error[0] != '\0' ? node->error : sb_error_text(code);
}

void node_log_step_error(struct sb_node *node, int code)
{
    node_log(node, SB_LOG_ERROR, "[%s] error processing tick %llu: %s", node->id,
             (unsigned long long)node->step_label, node_log_error_text(node, code));
}

void node_log_call_error(struct sb_node *node, const char *call, int code)
{
    node_log(node, SB_LOG_ERROR, "[%s] error in %s: %s", node->id, call,
             node_log_error_text(node, code));
}
