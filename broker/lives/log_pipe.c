// SPDX-License-Identifier: Apache-2.0
// Captured output of workers: lines, levels, the rate limit, the last words.
#include "broker/lives/log_pipe.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/redact.h"
#include "base/text.h"
#include "base/units.h"

enum { READ_BYTES = 16384, READS_MAX = 4 };

static const char cut_mark[] = " [cut]";

static const char *const stream_names[] = {
    [LOG_PIPE_STDOUT] = "stdout", [LOG_PIPE_STDERR] = "stderr"};

void log_pipe_init(struct log_pipe *pipe, const char *node, uint32_t generation,
                   uint64_t rate_bytes, int64_t now_ns)
{
    *pipe = (struct log_pipe){.generation = generation,
                              .write = log_write,
                              .rate_bytes = rate_bytes > 0 ? rate_bytes : LOG_PIPE_RATE_DEFAULT,
                              .refilled_ns = now_ns,
                              .report_at_ns = INT64_MAX};
    pipe->tokens = pipe->rate_bytes;
    text_copy(pipe->node, sizeof pipe->node, node);
}

// --- The rate limit ---------------------------------------------------------------------------

static void refill(struct log_pipe *pipe, int64_t now_ns)
{
    int64_t passed_ns = now_ns - pipe->refilled_ns;
    if (passed_ns <= 0) {
        return;
    }
    if (passed_ns >= CLOCK_NS_PER_S) {
        pipe->tokens = pipe->rate_bytes;
        pipe->refilled_ns = now_ns;
        return;
    }
    // Only whole bytes are taken, and only their time: what is left over counts at the next line.
    double rate_per_ns = (double)pipe->rate_bytes / (double)CLOCK_NS_PER_S;
    uint64_t fresh = (uint64_t)(rate_per_ns * (double)passed_ns);
    pipe->tokens += fresh;
    pipe->refilled_ns += (int64_t)((double)fresh / rate_per_ns);
    if (pipe->tokens > pipe->rate_bytes) {
        pipe->tokens = pipe->rate_bytes;
    }
}

// A line costs its bytes and its end. One that is longer than the limit passes a full bucket.
static bool may_log(struct log_pipe *pipe, size_t count, int64_t now_ns)
{
    refill(pipe, now_ns);
    uint64_t cost = count + 1;
    if (cost > pipe->rate_bytes) {
        cost = pipe->rate_bytes;
    }
    if (cost > pipe->tokens) {
        pipe->lost_lines++;
        pipe->lost_lines_ever++;
        pipe->lost_bytes += count + 1;
        if (pipe->report_at_ns == INT64_MAX) {
            pipe->report_at_ns = now_ns + CLOCK_NS_PER_S;
        }
        return false;
    }
    pipe->tokens -= cost;
    return true;
}

static void report_lost(struct log_pipe *pipe)
{
    char rate[32];
    units_format_size(pipe->rate_bytes, rate, sizeof rate);
    char bytes[160];
    struct text text = TEXT_OVER(bytes);
    text_add_format(&text, "%llu lines of output left out (%llu bytes): more than %s/s",
                    (unsigned long long)pipe->lost_lines, (unsigned long long)pipe->lost_bytes,
                    rate);
    pipe->write(&(struct log_record){.level = LOG_WARNING,
                                     .node = pipe->node,
                                     .generation = pipe->generation,
                                     .stream = "log",
                                     .text = text.bytes,
                                     .text_count = text.length});
    pipe->lost_lines = 0;
    pipe->lost_bytes = 0;
    pipe->report_at_ns = INT64_MAX;
}

int64_t log_pipe_report(struct log_pipe *pipe, int64_t now_ns)
{
    if (now_ns >= pipe->report_at_ns) {
        report_lost(pipe);
    }
    return pipe->report_at_ns;
}

// --- Lines ------------------------------------------------------------------------------------

static void keep_last(struct log_pipe *pipe, const char *text, size_t count)
{
    char *kept = pipe->last[pipe->last_count % LOG_PIPE_LAST_LINES];
    size_t length = count < LOG_PIPE_LAST_BYTES_MAX ? count : LOG_PIPE_LAST_BYTES_MAX - 1;
    memcpy(kept, text, length);
    kept[length] = '\0';
    pipe->last_count++;
}

const char *log_pipe_last(const struct log_pipe *pipe, size_t index)
{
    if (index >= LOG_PIPE_LAST_LINES || index >= pipe->last_count) {
        return NULL;
    }
    return pipe->last[(pipe->last_count - 1 - index) % LOG_PIPE_LAST_LINES];
}

static bool has_priority(const struct log_pipe_line *line)
{
    return line->count >= LOG_PIPE_PREFIX_BYTES && line->bytes[0] == '<' && line->bytes[1] >= '0' &&
           line->bytes[1] <= '7' && line->bytes[2] == '>';
}

// Makes room for the mark, not in the middle of a character. Returns the new length.
static size_t add_cut_mark(char *text, size_t count)
{
    const size_t mark_count = sizeof cut_mark - 1;
    if (count > LOG_TEXT_BYTES_MAX - mark_count) {
        count = LOG_TEXT_BYTES_MAX - mark_count;
        while (count > 0 && ((unsigned char)text[count] & 0xc0) == 0x80) {
            count--;
        }
    }
    memcpy(text + count, cut_mark, mark_count);
    return count + mark_count;
}

static void end_line(struct log_pipe *pipe, enum log_pipe_stream stream, bool is_cut,
                     int64_t now_ns)
{
    struct log_pipe_line *line = &pipe->lines[stream];
    struct log_record record = {.level = stream == LOG_PIPE_STDERR ? LOG_WARNING : LOG_INFO,
                                .node = pipe->node,
                                .generation = pipe->generation,
                                .stream = stream_names[stream],
                                .is_intercepted = true};
    char *text = line->bytes;
    size_t count = line->count;
    if (stream == LOG_PIPE_STDERR && has_priority(line)) {
        record.level = log_level_of_priority(text[1] - '0');
        record.stream = "log";
        record.is_intercepted = false;
        text += LOG_PIPE_PREFIX_BYTES;
        count -= LOG_PIPE_PREFIX_BYTES;
    }
    if (count > 0 && text[count - 1] == '\r' && !is_cut) {
        count--;
    }
    count = redact_urls(text, count);
    bool is_long = line->is_cut || count > LOG_TEXT_BYTES_MAX;
    if (is_long || is_cut) {
        count = add_cut_mark(text, count);
    }
    if (stream == LOG_PIPE_STDERR) {
        keep_last(pipe, text, count);
    }
    if (may_log(pipe, count, now_ns)) {
        record.text = text;
        record.text_count = count;
        pipe->write(&record);
    }
    line->count = 0;
    line->is_cut = false;
}

void log_pipe_feed(struct log_pipe *pipe, enum log_pipe_stream stream, const char *bytes,
                   size_t count, int64_t now_ns)
{
    SB_ASSERT(stream < LOG_PIPE_STREAM_COUNT);
    struct log_pipe_line *line = &pipe->lines[stream];
    while (count > 0) {
        const char *end = memchr(bytes, '\n', count);
        size_t piece = end != NULL ? (size_t)(end - bytes) : count;
        size_t room = sizeof line->bytes - line->count;
        size_t taken = piece < room ? piece : room;
        memcpy(line->bytes + line->count, bytes, taken);
        line->count += taken;
        line->is_cut = line->is_cut || taken < piece;
        if (end != NULL) {
            end_line(pipe, stream, false, now_ns);
            piece++;
        }
        bytes += piece;
        count -= piece;
    }
}

int log_pipe_read(struct log_pipe *pipe, enum log_pipe_stream stream, int fd, int64_t now_ns)
{
    char bytes[READ_BYTES];
    for (int round = 0; round < READS_MAX; round++) {
        ssize_t got = read(fd, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return -errno;
        }
        if (got == 0) {
            return 0;
        }
        log_pipe_feed(pipe, stream, bytes, (size_t)got, now_ns);
    }
    return 1;
}

void log_pipe_fini(struct log_pipe *pipe, bool is_clean, int64_t now_ns)
{
    for (int stream = 0; stream < LOG_PIPE_STREAM_COUNT; stream++) {
        if (pipe->lines[stream].count > 0) {
            end_line(pipe, (enum log_pipe_stream)stream, !is_clean, now_ns);
        }
    }
    if (pipe->lost_lines > 0) {
        report_lost(pipe);
    }
}
