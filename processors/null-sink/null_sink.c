// SPDX-License-Identifier: Apache-2.0
// null-sink: takes every frame and keeps nothing.
#include <time.h>

#include <streambroker/streambroker.h>

// Stands for a consumer that needs this long for each frame.
static void work(int64_t work_ns)
{
    struct timespec span = {work_ns / 1000000000, work_ns % 1000000000};
    (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
}

static int null_sink_frame(struct sb_node *node, const struct sb_frame *frame)
{
    (void)frame;
    int64_t work_ns = sb_param_int(node, "work");
    if (work_ns > 0) {
        work(work_ns);
    }
    return 0;
}

static const struct sb_port inputs[] = {
    {.name = "in",
     .type = SB_PORT_ANY,
     .help = "Frames of any type.",
     .memories = SB_BIT(SB_MEMORY_CPU) | SB_BIT(SB_MEMORY_GPU)},
};

static const struct sb_param params[] = {
    {.name = "work",
     .type = SB_PARAM_DURATION,
     .help = "Time to spend on each frame, to stand for a slow consumer.",
     .initial = "0s"},
};

static const struct sb_processor null_sink = {
    .struct_size = sizeof null_sink,
    .name = "null-sink",
    .version = "1.0.0",
    .summary = "Takes every frame and keeps nothing.",
    .inputs = inputs,
    .input_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .on_frame = null_sink_frame,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&null_sink, argc, argv);
}
