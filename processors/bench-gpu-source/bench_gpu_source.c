// SPDX-License-Identifier: Apache-2.0
// bench-gpu-source: batches of a device that hold nothing, frames behind such a batch, and frames
// without one, in turn: what handing a frame on costs beside what it waits for.
#include <errno.h>
#include <stdlib.h>

#include <streambroker/streambroker.h>

#include "processors/bench-common/bench_clock.h"
#include "processors/bench-common/bench_samples.h"
#include "processors/gpu/gpu_node.h"

enum turn { TURN_WAIT, TURN_BATCH, TURN_BARE, TURN_COUNT };

struct bench_gpu_source {
    struct gpu_effects effects;
    struct sb_output *output;
    struct bench_samples waits;
    uint64_t frame_bytes;
    int64_t span_ns;
    int64_t period_ns;
    uint64_t turns;
};

static int source_open(struct sb_node *node)
{
    struct bench_gpu_source *source = calloc(1, sizeof *source);
    if (source == NULL || bench_samples_init(&source->waits) != 0) {
        free(source);
        return -ENOMEM;
    }
    sb_node_set_data(node, source);
    source->output = sb_node_output(node, "video");
    source->span_ns = sb_param_int(node, "time");
    source->period_ns = INT64_C(1000000000) / sb_param_int(node, "rate");
    struct sb_format format = {.kind = SB_FORMAT_VIDEO,
                               .video = {.pixel = SB_PIXEL_RGBA,
                                         .width = (uint32_t)sb_param_int(node, "width"),
                                         .height = (uint32_t)sb_param_int(node, "height"),
                                         .fps_numerator = (uint32_t)sb_param_int(node, "rate"),
                                         .fps_denominator = 1}};
    source->frame_bytes = sb_format_frame_bytes(&format);
    int failed = gpu_node_open(node, &source->effects);
    return failed == 0 ? sb_output_offer(source->output, &format, 1, 0) : failed;
}

static int wait_for_nothing(struct bench_gpu_source *source)
{
    struct sb_gpu *gpu = source->effects.gpu;
    int64_t start_ns = bench_clock_ns();
    int failed = sb_gpu_begin(gpu);
    failed = failed == 0 ? sb_gpu_finish(gpu) : failed;
    bench_samples_add(&source->waits, (uint64_t)(bench_clock_ns() - start_ns));
    return failed;
}

// The frame says when its hand-over began; one that went through the device has a duration.
static int hand_over(struct bench_gpu_source *source, bool has_batch)
{
    struct sb_gpu *gpu = source->effects.gpu;
    struct sb_gpu_span span;
    struct sb_buffer buffer;
    int failed = sb_output_claim(source->output, source->frame_bytes, &buffer);
    if (failed != 0) {
        return failed;
    }
    buffer.pts_ns = bench_clock_ns();
    buffer.duration_ns = has_batch ? 1 : 0;
    if (has_batch) {
        failed = sb_gpu_begin(gpu);
        failed = failed == 0 ? sb_gpu_write(gpu, &buffer, &span) : failed;
        failed = failed == 0 ? sb_gpu_finish(gpu) : failed;
    }
    return failed == 0 ? sb_output_publish(source->output, &buffer) : failed;
}

static int source_run(struct sb_node *node)
{
    struct bench_gpu_source *source = sb_node_data(node);
    int64_t first_ns = bench_clock_ns();
    int failed = 0;
    while (failed == 0 && !sb_node_should_stop(node)) {
        int64_t due_ns = first_ns + (int64_t)source->turns * source->period_ns;
        if (due_ns - first_ns > source->span_ns) {
            break;
        }
        while (bench_clock_ns() < due_ns && !sb_node_should_stop(node)) {
            if (sb_node_wait(node, due_ns) < 0) {
                return 0;
            }
        }
        enum turn turn = (enum turn)(source->turns++ % TURN_COUNT);
        failed =
            turn == TURN_WAIT ? wait_for_nothing(source) : hand_over(source, turn == TURN_BATCH);
    }
    sb_node_finish(node);
    return failed == -ECANCELED ? 0 : failed;
}

static void source_close(struct sb_node *node)
{
    struct bench_gpu_source *source = sb_node_data(node);
    if (source == NULL) {
        return;
    }
    if (source->effects.gpu != NULL) {
        printf("{\"bench\":\"gpu-source\",\"copies\":%llu,\"wait\":",
               (unsigned long long)sb_gpu_counts_of(source->effects.gpu).host_copies);
        bench_samples_print(&source->waits, 1, 0);
        printf("}\n");
        fflush(stdout);
    }
    gpu_node_close(node, &source->effects);
    free(source->waits.ticks);
    free(source);
}

static const struct sb_port outputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "The frames; what they show means nothing.",
     .memories = SB_BIT(SB_MEMORY_GPU),
     .pixels = SB_BIT(SB_PIXEL_RGBA),
     .is_timed = true,
     .is_one_per_step = true},
};

static const struct sb_param params[] = {
    {.name = "width",
     .type = SB_PARAM_INT,
     .help = "Pixels.",
     .initial = "1920",
     .minimum = 2,
     .maximum = SB_VIDEO_SIZE_MAX},
    {.name = "height",
     .type = SB_PARAM_INT,
     .help = "Pixels.",
     .initial = "1080",
     .minimum = 2,
     .maximum = SB_VIDEO_SIZE_MAX},
    {.name = "rate",
     .type = SB_PARAM_INT,
     .help = "Turns per second; two of three publish a frame.",
     .initial = "300",
     .minimum = 1,
     .maximum = 100000},
    {.name = "time", .type = SB_PARAM_DURATION, .help = "How long it goes on.", .initial = "1s"},
    GPU_NODE_PARAMS,
};

static const struct sb_processor bench_gpu_source = {
    .struct_size = sizeof bench_gpu_source,
    .name = "bench-gpu-source",
    .version = "1.0.0",
    .summary = "Publishes frames of a GPU to measure what handing them on costs.",
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .mode = SB_MODE_MANUAL,
    .wants = gpu_node_wants,
    .open = source_open,
    .run = source_run,
    .close = source_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&bench_gpu_source, argc, argv);
}
