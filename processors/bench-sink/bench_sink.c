// SPDX-License-Identifier: Apache-2.0
// bench-sink: takes frames, counts them, answers them, and says at its end what it measured.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <streambroker/streambroker.h>

#include "processors/bench-common/bench_clock.h"
#include "processors/bench-common/bench_line.h"
#include "processors/bench-common/bench_samples.h"
#include "processors/bench-common/bench_touch.h"

#define LARGE_BYTES 16384
#define LOOK_EVERY 512

struct sink {
    struct bench_line *line;
    struct bench_samples oneway;
    struct bench_clock begin;
    bool is_touched;
    bool is_sleeping;
    bool is_stamped;
    uint64_t frames;
    uint64_t gaps;
    uint64_t next;
    uint64_t bytes;
    uint64_t sum;
    int64_t first_ns;
    uint64_t last_frames;  // frames at last_ns
    int64_t last_ns;
};

static int open_sink(struct sb_node *node)
{
    struct sink *sink = calloc(1, sizeof *sink);
    if (sink == NULL || bench_samples_init(&sink->oneway) != 0) {
        free(sink);
        return sb_node_error(node, -ENOMEM, "no memory for samples");
    }
    sb_node_set_data(node, sink);
    sink->is_touched = sb_param_bool(node, "touch");
    sink->is_sleeping = sb_param_bool(node, "sleep");
    sink->is_stamped = sb_param_bool(node, "stamped");
    const char *path = sb_param_string(node, "line");
    sink->line = bench_line_map(path);
    if (path[0] != '\0' && sink->line == NULL) {
        return sb_node_error(node, -ENOENT, "cannot map %s", path);
    }
    sink->begin = bench_clock_begin();
    return 0;
}

static void look_at_clock(struct sink *sink, const struct sb_frame *frame)
{
    if (frame->size_bytes >= LARGE_BYTES || sink->frames % LOOK_EVERY == 1) {
        sink->last_ns = bench_clock_ns();
        sink->last_frames = sink->frames;
        if (sink->frames == 1) {
            sink->first_ns = sink->last_ns;
        }
    }
}

static int take(struct sb_node *node, const struct sb_frame *frame)
{
    struct sink *sink = sb_node_data(node);
    const uint64_t *words = frame->data;
    if (sink->is_stamped) {
        bench_samples_add(&sink->oneway, bench_clock_ticks() - words[0]);
    }
    if (sink->is_touched) {
        sink->sum += bench_touch_read(frame->data, frame->size_bytes);
    } else {
        sink->sum += words[0];
    }
    sink->frames++;
    if (sink->line != NULL) {
        bench_line_answer(sink->line, (uint32_t)sink->frames, sink->is_sleeping);
    }
    sink->gaps += frame->seq == sink->next || sink->next == 0 ? 0 : 1;
    sink->next = frame->seq + 1;
    sink->bytes += frame->size_bytes;
    look_at_clock(sink, frame);
    return 0;
}

static void close_sink(struct sb_node *node)
{
    struct sink *sink = sb_node_data(node);
    if (sink == NULL) {
        return;
    }
    double ns_per_tick = bench_clock_ratio(&sink->begin);
    uint64_t frames = sink->last_frames > 1 ? sink->last_frames - 1 : 0;
    int64_t ns = sink->last_ns - sink->first_ns;
    printf("{\"bench\":\"sink\",\"frames\":%llu,\"bytes\":%llu,\"gaps\":%llu,\"first_ns\":%lld,"
           "\"ns\":%lld,\"rate\":%.1f,\"cpu_ns\":%lld,\"sum\":%u,\"oneway\":",
           (unsigned long long)sink->frames, (unsigned long long)sink->bytes,
           (unsigned long long)sink->gaps, (long long)sink->first_ns, (long long)ns,
           ns > 0 ? (double)frames * 1e9 / (double)ns : 0, (long long)bench_clock_cpu_ns(),
           (unsigned)(sink->sum & 0xff));
    bench_samples_print(&sink->oneway, ns_per_tick, 0);
    printf("}\n");
    fflush(stdout);
    free(sink->oneway.ticks);
    free(sink);
}

static const struct sb_port inputs[] = {
    {.name = "data", .type = SB_PORT_DATA, .help = "Frames of bench-source."},
};

static const struct sb_param params[] = {
    {.name = "touch",
     .type = SB_PARAM_BOOL,
     .help = "Whether every byte is read.",
     .initial = "false"},
    {.name = "stamped",
     .type = SB_PARAM_BOOL,
     .help = "Whether frames begin with a time stamp.",
     .initial = "false"},
    {.name = "line",
     .type = SB_PARAM_STRING,
     .help = "File of the way back; empty = none.",
     .initial = ""},
    {.name = "sleep",
     .type = SB_PARAM_BOOL,
     .help = "Whether the one who waits for an answer sleeps.",
     .initial = "false"},
};

static const struct sb_processor bench_sink = {
    .struct_size = sizeof bench_sink,
    .name = "bench-sink",
    .version = "1.0.0",
    .summary = "Takes frames to measure what carries them.",
    .inputs = inputs,
    .input_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .open = open_sink,
    .on_frame = take,
    .close = close_sink,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&bench_sink, argc, argv);
}
