// SPDX-License-Identifier: Apache-2.0
// Formats log records and writes each with one system call, so that lines are never torn.
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/redact.h"
#include "base/text.h"

// Escaping makes at most six bytes of one.
#define LINE_BYTES_MAX (LOG_TEXT_BYTES_MAX * 6 + 512)

static enum log_level highest_level = LOG_INFO;
static enum log_format line_format = LOG_FORMAT_TEXT;
static bool is_coloured;
static bool is_journal;
static _Atomic uint64_t lost_count;
static void (*listener)(void *context, const struct log_record *record);
static void *listener_context;

static const char *const level_names[] = {
#define X(name, text, priority) [LOG_##name] = text,
    LOG_LEVELS(X)
#undef X
};

// For people at a terminal who did not ask for none (no-color.org: any value that is not empty).
static bool wants_colour(void)
{
    const char *refusal = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) != 0 && (refusal == NULL || refusal[0] == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}

// stderr is the journal's own pipe, which takes a level in front of each line (sd-daemon(3)).
static bool is_read_by_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device = 0;
    unsigned long long inode = 0;
    struct stat status;
    return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void log_configure(enum log_level highest, enum log_format format)
{
    highest_level = highest;
    line_format = format;
    is_coloured = format == LOG_FORMAT_TEXT && wants_colour();
    is_journal = format == LOG_FORMAT_TEXT && is_read_by_journal();
}

void log_listen(void (*write)(void *context, const struct log_record *record), void *context)
{
    listener = write;
    listener_context = context;
}

bool log_is_on(enum log_level level)
{
    return level <= highest_level;
}

const char *log_level_name(enum log_level level)
{
    SB_ASSERT((size_t)level < ARRAY_COUNT(level_names));
    return level_names[level];
}

enum log_level log_level_of_priority(int priority)
{
#define X(name, text, syslog_priority)                                                             \
    if (priority <= (syslog_priority)) {                                                           \
        return LOG_##name;                                                                         \
    }
    LOG_LEVELS(X)
#undef X
    return LOG_DEBUG;
}

uint64_t log_lost(void)
{
    return atomic_load_explicit(&lost_count, memory_order_relaxed);
}

static void add_level(struct text *line, enum log_level level)
{
    static const int priorities[] = {
#define X(name, text, priority) [LOG_##name] = (priority),
        LOG_LEVELS(X)
#undef X
    };
    if (is_journal) {
        text_add_format(line, "<%d>", priorities[level]);
    }
    static const char *const colours[] = {
        [LOG_ERROR] = "\033[31m", [LOG_WARNING] = "\033[33m", [LOG_DEBUG] = "\033[2m"};
    const char *colour =
        is_coloured && (size_t)level < ARRAY_COUNT(colours) ? colours[level] : NULL;
    if (colour != NULL) {
        text_add(line, colour);
    }
    text_add(line, log_level_name(level));
    if (colour != NULL) {
        text_add(line, "\033[0m");
    }
}

static void add_text_line(struct text *line, const struct log_record *record, size_t count)
{
    add_level(line, record->level);
    if (record->node != NULL) {
        text_add_format(line, " %s[%u]", record->node, record->generation);
    }
    if (record->is_intercepted) {
        text_add_format(line, " %s", record->stream);
    }
    text_add(line, ": ");
    text_add_escaped(line, record->text, count);
}

static void add_json_line(struct text *line, const struct log_record *record, size_t count)
{
    text_add_format(line, "{\"ts\":%lld,\"level\":\"%s\",\"node\":", (long long)clock_wall_ns(),
                    log_level_name(record->level));
    if (record->node != NULL) {
        text_add_json(line, record->node, strlen(record->node));
        text_add_format(line, ",\"generation\":%u", record->generation);
    } else {
        text_add(line, "null,\"generation\":0");
    }
    text_add_format(line, ",\"stream\":\"%s\",\"intercepted\":%s,\"text\":", record->stream,
                    record->is_intercepted ? "true" : "false");
    text_add_json(line, record->text, count);
    text_add(line, "}");
}

void log_write(const struct log_record *record)
{
    if (!log_is_on(record->level)) {
        return;
    }
    if (listener != NULL) {
        listener(listener_context, record);
    }
    char bytes[LINE_BYTES_MAX];
    struct text line = TEXT_OVER(bytes);
    size_t count =
        record->text_count < LOG_TEXT_BYTES_MAX ? record->text_count : LOG_TEXT_BYTES_MAX;
    if (line_format == LOG_FORMAT_JSON) {
        add_json_line(&line, record, count);
    } else {
        add_text_line(&line, record, count);
    }
    SB_ASSERT(!line.is_cut);
    text_add(&line, "\n");
    if (fd_write_all(STDERR_FILENO, line.bytes, line.length) < 0) {
        atomic_fetch_add_explicit(&lost_count, 1, memory_order_relaxed);
    }
}

static void write_list(enum log_level level, const char *node, uint32_t generation,
                       const char *format, va_list list)
{
    if (!log_is_on(level)) {
        return;
    }
    char bytes[LOG_TEXT_BYTES_MAX];
    struct text text = TEXT_OVER(bytes);
    text_add_format_list(&text, format, list);
    text.length = redact_urls(text.bytes, text.length);
    log_write(&(struct log_record){.level = level,
                                   .node = node,
                                   .generation = generation,
                                   .stream = "log",
                                   .text = text.bytes,
                                   .text_count = text.length});
}

void log_line(enum log_level level, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    write_list(level, NULL, 0, format, list);
    va_end(list);
}

void log_node(enum log_level level, const char *node, uint32_t generation, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    write_list(level, node, generation, format, list);
    va_end(list);
}
