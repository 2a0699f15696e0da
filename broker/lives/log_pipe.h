// SPDX-License-Identifier: Apache-2.0
// What a worker writes to stdout and stderr: split into lines, limited, tagged, logged.
//
// Life: log_pipe_init() per life of a node, log_pipe_read() whenever a pipe is readable,
// log_pipe_report() at the time that it gave last, log_pipe_fini() when the worker is gone. Time is
// passed in; the struct holds no descriptor and makes no other system call.
//
// Lines of our library begin with "<N>", a syslog priority, on stderr; they are the node's own log
// lines. Everything else is captured output. All of it is escaped by base/log.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "schemas/limits.h"

#define LOG_PIPE_RATE_DEFAULT (64 * 1024)  // bytes per second, of both streams
#define LOG_PIPE_LAST_LINES 8              // of stderr, kept for the reason of an end
#define LOG_PIPE_LAST_BYTES_MAX 240        // of each, terminator included
#define LOG_PIPE_PREFIX_BYTES 3            // "<6>"

enum log_pipe_stream { LOG_PIPE_STDOUT, LOG_PIPE_STDERR, LOG_PIPE_STREAM_COUNT };

// A line that is not complete yet.
struct log_pipe_line {
    size_t count;
    bool is_cut;  // the rest of it is skipped up to its end
    char bytes[LOG_PIPE_PREFIX_BYTES + LOG_TEXT_BYTES_MAX];
};

struct log_pipe {
    char node[LIMIT_NODE_ID_BYTES_MAX];
    uint32_t generation;
    void (*write)(const struct log_record *record);  // log_write(), or a test's own
    struct log_pipe_line lines[LOG_PIPE_STREAM_COUNT];

    uint64_t rate_bytes;  // tokens that come per second, and the most that are kept
    uint64_t tokens;      // bytes that may be logged now
    int64_t refilled_ns;  // when tokens were counted last
    uint64_t lost_lines;  // left out since the last report
    uint64_t lost_bytes;
    uint64_t lost_lines_ever;
    int64_t report_at_ns;  // INT64_MAX = nothing to report

    size_t last_count;  // lines of stderr ever seen
    char last[LOG_PIPE_LAST_LINES][LOG_PIPE_LAST_BYTES_MAX];
};

// rate_bytes of 0 means the default.
void log_pipe_init(struct log_pipe *pipe, const char *node, uint32_t generation,
                   uint64_t rate_bytes, int64_t now_ns);

// Takes bytes that were read.
void log_pipe_feed(struct log_pipe *pipe, enum log_pipe_stream stream, const char *bytes,
                   size_t count, int64_t now_ns);

// Reads what is there, at most a fixed amount, so that a flood does not hold up a loop. Returns 1
// when there may be more, -EAGAIN when there is none now, 0 at the end of the pipe, or another
// negative errno.
int log_pipe_read(struct log_pipe *pipe, enum log_pipe_stream stream, int fd, int64_t now_ns);

// Says how many lines were left out, at most once per second. Returns when to call it again,
// INT64_MAX when there is nothing to say.
int64_t log_pipe_report(struct log_pipe *pipe, int64_t now_ns);

// The worker is gone and both pipes were read to their end: logs what has no end of line yet
// (marked as cut, unless the worker ended by itself) and reports what was left out.
void log_pipe_fini(struct log_pipe *pipe, bool is_clean, int64_t now_ns);

// One of the last lines of stderr as it came, without its priority: 0 is the newest. NULL when
// there is none. Escape it before it is printed.
const char *log_pipe_last(const struct log_pipe *pipe, size_t index);
