// SPDX-License-Identifier: Apache-2.0
// bench-source: publishes frames as fast as it can, at a rate, or one per answer of bench-sink.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <streambroker/streambroker.h>

#include "processors/bench-common/bench_clock.h"
#include "processors/bench-common/bench_line.h"
#include "processors/bench-common/bench_samples.h"
#include "processors/bench-common/bench_touch.h"

#define WAIT_LOOKS 1000000

// From this size on a look at the clock per frame costs nothing.
#define LARGE_BYTES 16384
#define LOOK_EVERY 512

struct source {
    struct sb_output *output;
    struct sb_buffer buffer;
    struct bench_line *line;
    struct bench_samples rtt;
    struct bench_clock begin;
    uint64_t size;
    uint64_t count;
    uint64_t rate;
    uint64_t warmup;
    int64_t seconds_ns;
    int64_t gap_ns;
    bool is_touched;
    bool is_sleeping;
    bool is_ticking;
    uint64_t sent;
    int64_t first_ns;
    int64_t last_ns;
};

static int open_source(struct sb_node *node)
{
    struct source *source = calloc(1, sizeof *source);
    if (source == NULL || bench_samples_init(&source->rtt) != 0) {
        free(source);
        return sb_node_error(node, -ENOMEM, "no memory for samples");
    }
    sb_node_set_data(node, source);
    source->size = (uint64_t)sb_param_int(node, "size");
    source->count = (uint64_t)sb_param_int(node, "count");
    source->rate = (uint64_t)sb_param_int(node, "rate");
    source->warmup = (uint64_t)sb_param_int(node, "warmup");
    source->seconds_ns = sb_param_int(node, "time");
    source->gap_ns = sb_param_int(node, "gap");
    source->is_touched = sb_param_bool(node, "touch");
    source->is_sleeping = sb_param_bool(node, "sleep");
    source->output = sb_node_output(node, "data");
    const char *path = sb_param_string(node, "line");
    source->line = bench_line_map(path);
    if (path[0] != '\0' && source->line == NULL) {
        return sb_node_error(node, -ENOENT, "cannot map %s", path);
    }
    struct sb_format format = {.kind = SB_FORMAT_BINARY};
    return sb_output_offer(source->output, &format, 1, source->size);
}

// Returns 0, or what a call returned.
static int send_one(struct source *source)
{
    struct sb_buffer *buffer = &source->buffer;
    int failed = sb_output_claim(source->output, source->size, buffer);
    if (failed != 0) {
        return failed;
    }
    if (source->is_touched) {
        bench_touch_write(buffer->data, source->size, source->sent);
    }
    uint64_t *words = buffer->data;
    words[0] = source->rate > 0 ? bench_clock_ticks() : source->sent;
    buffer->pts_ns = source->last_ns;
    buffer->number = source->sent;
    failed = sb_output_publish(source->output, buffer);
    source->sent += failed == 0 ? 1 : 0;
    return failed;
}

static bool is_time_over(struct source *source)
{
    source->last_ns = bench_clock_ns();
    return source->seconds_ns > 0 && source->last_ns - source->first_ns >= source->seconds_ns;
}

static bool is_over(const struct sb_node *node, struct source *source)
{
    return (source->count > 0 && source->sent >= source->count) || sb_node_should_stop(node) ||
           is_time_over(source);
}

// Frames until the next look around.
static uint64_t run_length(const struct source *source)
{
    uint64_t most = source->size >= LARGE_BYTES ? 1 : LOOK_EVERY;
    uint64_t left = source->count - source->sent;
    return source->count > 0 && left < most ? left : most;
}

static int stream(struct sb_node *node, struct source *source)
{
    int failed = 0;
    while (failed == 0 && !is_over(node, source)) {
        for (uint64_t left = run_length(source); failed == 0 && left > 0; left--) {
            failed = send_one(source);
        }
    }
    return failed;
}

static int pace(struct sb_node *node, struct source *source)
{
    int64_t period_ns = (int64_t)(UINT64_C(1000000000) / source->rate);
    int failed = 0;
    while (failed == 0 && !is_over(node, source)) {
        int64_t due_ns = source->first_ns + (int64_t)source->sent * period_ns;
        while (bench_clock_ns() < due_ns && !sb_node_should_stop(node)) {
            if (sb_node_wait(node, due_ns) < 0) {
                return 0;
            }
        }
        failed = send_one(source);
    }
    return failed;
}

// One frame at a time; the next one goes when the answer to the last one is here.
static int ask(struct sb_node *node, struct source *source)
{
    uint64_t start = bench_clock_ticks();
    while (!is_over(node, source)) {
        if (source->gap_ns > 0) {
            for (int64_t due_ns = bench_clock_ns() + source->gap_ns; bench_clock_ns() < due_ns;) {
            }
            start = bench_clock_ticks();
        }
        int failed = send_one(source);
        if (failed != 0) {
            return failed;
        }
        uint32_t wanted = (uint32_t)source->sent;
        while (!bench_line_wait(source->line, wanted, source->is_sleeping, WAIT_LOOKS)) {
            if (sb_node_should_stop(node)) {
                return 0;
            }
        }
        uint64_t now = bench_clock_ticks();
        if (source->sent > source->warmup) {
            bench_samples_add(&source->rtt, now - start);
        }
        start = now;
    }
    return 0;
}

static int run_source(struct sb_node *node)
{
    struct source *source = sb_node_data(node);
    source->begin = bench_clock_begin();
    source->first_ns = source->begin.ns;
    int failed;
    if (source->line != NULL) {
        failed = ask(node, source);
    } else {
        failed = source->rate > 0 ? pace(node, source) : stream(node, source);
    }
    source->last_ns = bench_clock_ns();
    sb_node_finish(node);
    return failed == -ECANCELED ? 0 : failed;
}

// In tick mode it publishes nothing and measures how late it was called.
static int tick_source(struct sb_node *node, uint64_t tick, int64_t due_ns)
{
    struct source *source = sb_node_data(node);
    int64_t now_ns = bench_clock_ns();
    (void)tick;
    if (source->first_ns == 0) {
        source->first_ns = now_ns;
    } else {
        bench_samples_add(&source->rtt, now_ns > due_ns ? (uint64_t)(now_ns - due_ns) : 0);
    }
    source->last_ns = now_ns;
    source->is_ticking = true;
    if (now_ns - source->first_ns >= source->seconds_ns) {
        sb_node_finish(node);
    }
    return 0;
}

static void close_source(struct sb_node *node)
{
    struct source *source = sb_node_data(node);
    if (source == NULL) {
        return;
    }
    double ns_per_tick = source->is_ticking ? 1 : bench_clock_ratio(&source->begin);
    uint64_t cost = source->is_ticking ? 0 : bench_clock_cost();
    printf("{\"bench\":\"source\",\"frames\":%llu,\"first_ns\":%lld,\"ns\":%lld,\"cpu_ns\":%lld,"
           "\"rtt\":",
           (unsigned long long)source->sent, (long long)source->first_ns,
           (long long)(source->last_ns - source->first_ns), (long long)bench_clock_cpu_ns());
    bench_samples_print(&source->rtt, ns_per_tick, cost);
    printf("}\n");
    fflush(stdout);
    free(source->rtt.ticks);
    free(source);
}

static const struct sb_port outputs[] = {
    {.name = "data",
     .type = SB_PORT_DATA,
     .help = "The frames.",
     .is_one_per_step = true,
     .is_timed = true,
     .max_payload = 64U << 20},
};

static const struct sb_param params[] = {
    {.name = "size",
     .type = SB_PARAM_SIZE,
     .help = "Bytes of a frame.",
     .initial = "64",
     .minimum = 8,
     .maximum = 64 << 20},
    {.name = "count", .type = SB_PARAM_INT, .help = "Frames, 0 = no limit.", .initial = "0"},
    {.name = "time",
     .type = SB_PARAM_DURATION,
     .help = "How long it publishes, 0 = no limit.",
     .initial = "0s"},
    {.name = "rate",
     .type = SB_PARAM_INT,
     .help = "Frames per second, 0 = as many as can be; a frame then begins with its time stamp.",
     .initial = "0"},
    {.name = "touch",
     .type = SB_PARAM_BOOL,
     .help = "Whether every byte is written.",
     .initial = "false"},
    {.name = "line",
     .type = SB_PARAM_STRING,
     .help = "File of the way back: one frame per answer; empty = none.",
     .initial = ""},
    {.name = "sleep",
     .type = SB_PARAM_BOOL,
     .help = "Whether to sleep while waiting for an answer.",
     .initial = "false"},
    {.name = "gap",
     .type = SB_PARAM_DURATION,
     .help = "Time between an answer and the next frame.",
     .initial = "0s"},
    {.name = "warmup",
     .type = SB_PARAM_INT,
     .help = "Frames at the start that are not measured.",
     .initial = "100"},
};

static const struct sb_processor bench_source = {
    .struct_size = sizeof bench_source,
    .name = "bench-source",
    .version = "1.0.0",
    .summary = "Publishes frames to measure what carries them.",
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .mode = SB_MODE_MANUAL,
    .open = open_source,
    .run = run_source,
    .on_tick = tick_source,
    .close = close_source,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&bench_source, argc, argv);
}
