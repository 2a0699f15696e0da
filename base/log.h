// SPDX-License-Identifier: Apache-2.0
// Log lines on stderr, for people or as JSON lines: one event, one line, one write.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LEVELS(X)                                                                              \
    X(ERROR, "error", 3)                                                                           \
    X(WARNING, "warning", 4)                                                                       \
    X(INFO, "info", 6)                                                                             \
    X(DEBUG, "debug", 7)

enum log_level {
#define X(name, text, priority) LOG_##name,
    LOG_LEVELS(X)
#undef X
};

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

#define LOG_TEXT_BYTES_MAX 4096

struct log_record {
    enum log_level level;
    const char *node;     // NULL for the program itself
    uint32_t generation;  // life of the node, 0 without a node
    const char *stream;   // "log", or "stdout" and "stderr" for output that was captured
    bool is_intercepted;  // captured output of a worker: escaped, never trusted
    const char *text;
    size_t text_count;  // bytes of text, at most LOG_TEXT_BYTES_MAX are kept
};

// Settings of the whole program, made once at start before any thread.
void log_configure(enum log_level highest, enum log_format format);
bool log_is_on(enum log_level level);

// Calls write() with every record that is on, from the thread that writes it, besides stderr. Set
// it while there is one thread only; NULL for none.
void log_listen(void (*write)(void *context, const struct log_record *record), void *context);

// Writes one record. Never fails: a log that cannot be written is counted by log_lost().
void log_write(const struct log_record *record);

void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_node(enum log_level level, const char *node, uint32_t generation, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

const char *log_level_name(enum log_level level);

// The level that a syslog priority stands for ("<4>" at the start of a captured line).
enum log_level log_level_of_priority(int priority);

// Lines that could not be written because stderr refused them.
uint64_t log_lost(void);
