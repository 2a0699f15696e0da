// SPDX-License-Identifier: Apache-2.0
// bench-gpu-sink: takes frames of bench-gpu-source, shows them to its device, and says how long
// each was on its way until then.
#include <errno.h>
#include <stdlib.h>

#include <streambroker/streambroker.h>

#include "processors/bench-common/bench_clock.h"
#include "processors/bench-common/bench_samples.h"
#include "processors/gpu/gpu_node.h"

struct bench_gpu_sink {
    struct gpu_effects effects;
    struct bench_samples handed;  // behind a batch, until this device has it
    struct bench_samples bare;    // without one, until it is here
};

static int sink_open(struct sb_node *node)
{
    struct bench_gpu_sink *sink = calloc(1, sizeof *sink);
    if (sink == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, sink);
    if (bench_samples_init(&sink->handed) != 0 || bench_samples_init(&sink->bare) != 0) {
        return -ENOMEM;
    }
    return gpu_node_open(node, &sink->effects);
}

static int sink_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct bench_gpu_sink *sink = sb_node_data(node);
    struct sb_gpu *gpu = sink->effects.gpu;
    if (frame->duration_ns == 0) {
        bench_samples_add(&sink->bare, (uint64_t)(bench_clock_ns() - frame->pts_ns));
        return 0;
    }
    struct sb_gpu_span span;
    int failed = sb_gpu_begin(gpu);
    failed = failed == 0 ? sb_gpu_read(gpu, frame, &span) : failed;
    bench_samples_add(&sink->handed, (uint64_t)(bench_clock_ns() - frame->pts_ns));
    sb_gpu_cancel(gpu);
    return failed;
}

static void sink_close(struct sb_node *node)
{
    struct bench_gpu_sink *sink = sb_node_data(node);
    if (sink == NULL) {
        return;
    }
    if (sink->effects.gpu != NULL) {
        printf("{\"bench\":\"gpu-sink\",\"copies\":%llu,\"handed\":",
               (unsigned long long)sb_gpu_counts_of(sink->effects.gpu).host_copies);
        bench_samples_print(&sink->handed, 1, 0);
        printf(",\"bare\":");
        bench_samples_print(&sink->bare, 1, 0);
        printf("}\n");
        fflush(stdout);
    }
    gpu_node_close(node, &sink->effects);
    free(sink->handed.ticks);
    free(sink->bare.ticks);
    free(sink);
}

static const struct sb_port inputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "Frames of bench-gpu-source.",
     .memories = SB_BIT(SB_MEMORY_GPU),
     .pixels = SB_BIT(SB_PIXEL_RGBA)},
};

static const struct sb_param params[] = {GPU_NODE_PARAMS};

static const struct sb_processor bench_gpu_sink = {
    .struct_size = sizeof bench_gpu_sink,
    .name = "bench-gpu-sink",
    .version = "1.0.0",
    .summary = "Takes frames of a GPU to measure what handing them on costs.",
    .inputs = inputs,
    .input_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .wants = gpu_node_wants,
    .open = sink_open,
    .on_frame = sink_frame,
    .close = sink_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&bench_gpu_sink, argc, argv);
}
