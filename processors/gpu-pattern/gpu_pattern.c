// SPDX-License-Identifier: Apache-2.0
// gpu-pattern: the pictures of test-pattern, drawn on a GPU, without its numbers.
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <streambroker/streambroker.h>

#include "processors/common/video_rate.h"
#include "processors/gpu/gpu_node.h"

struct gpu_pattern_state {
    struct gpu_effects effects;
    struct sb_output *output;
    struct gpu_effect_pattern pattern;
    uint64_t frames;  // 0 = endless
    uint64_t done;
    int64_t start_ns;
};

static int pattern_open(struct sb_node *node)
{
    struct gpu_pattern_state *state = calloc(1, sizeof *state);
    if (state == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, state);
    state->output = sb_node_output(node, "video");
    state->frames = (uint64_t)sb_param_int(node, "frames");
    state->pattern = (struct gpu_effect_pattern){
        .width = (uint32_t)sb_param_int(node, "width"),
        .height = (uint32_t)sb_param_int(node, "height"),
        .pattern = (enum gpu_pattern)sb_param_choice(node, "pattern"),
        .seed = (uint64_t)sb_param_int(node, "seed"),
    };
    struct sb_format format = {.kind = SB_FORMAT_VIDEO,
                               .video = {.pixel = SB_PIXEL_RGBA,
                                         .width = state->pattern.width,
                                         .height = state->pattern.height}};
    video_rate_set(&format.video, sb_node_tick_period_ns(node));
    int failed = gpu_node_open(node, &state->effects);
    failed = failed == 0 ? sb_output_offer(state->output, &format, 1, 0) : failed;
    if (failed != 0) {
        gpu_node_close(node, &state->effects);
        free(state);
        sb_node_set_data(node, NULL);
    }
    return failed;
}

static int draw(struct gpu_pattern_state *state, const struct sb_buffer *buffer)
{
    struct sb_gpu *gpu = state->effects.gpu;
    struct sb_gpu_span target;
    state->pattern.number = buffer->number;
    int failed = sb_gpu_begin(gpu);
    failed = failed == 0 ? sb_gpu_write(gpu, buffer, &target) : failed;
    failed = failed == 0 ? gpu_effect_pattern(&state->effects, &state->pattern, &target) : failed;
    if (failed != 0) {
        sb_gpu_cancel(gpu);
        return failed;
    }
    return sb_gpu_finish(gpu);
}

// One frame; pts_ns < 0 leaves the time of the tick.
static int publish(struct sb_node *node, int64_t pts_ns)
{
    struct gpu_pattern_state *state = sb_node_data(node);
    struct sb_buffer buffer;
    uint64_t bytes = (uint64_t)state->pattern.width * state->pattern.height * 4;
    int failed = sb_output_claim(state->output, bytes, &buffer);
    if (failed != 0) {
        return failed;
    }
    failed = draw(state, &buffer);
    if (failed != 0) {
        return sb_node_error(node, failed, "the GPU did not draw it: %s", sb_error_text(failed));
    }
    buffer.pts_ns = pts_ns < 0 ? buffer.pts_ns : pts_ns;
    buffer.duration_ns = sb_node_tick_period_ns(node);
    failed = sb_output_publish(state->output, &buffer);
    if (failed == 0 && ++state->done == state->frames) {
        sb_node_finish(node);
    }
    return failed;
}

static int pattern_tick(struct sb_node *node, uint64_t tick, int64_t due_ns)
{
    (void)tick;
    (void)due_ns;
    return publish(node, -1);
}

// As fast as the consumers take them, with the times of a stream at the clock's rate.
static int pattern_loop(struct sb_node *node)
{
    struct gpu_pattern_state *state = sb_node_data(node);
    if (state->done == 0) {
        state->start_ns = sb_now_ns();
    }
    return publish(node, state->start_ns + (int64_t)state->done * sb_node_tick_period_ns(node));
}

static void pattern_close(struct sb_node *node)
{
    struct gpu_pattern_state *state = sb_node_data(node);
    gpu_node_close(node, &state->effects);
    free(state);
}

static const struct sb_port outputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "The drawn video, at the rate of the graph's clock.",
     .memories = SB_BIT(SB_MEMORY_GPU),
     .pixels = SB_BIT(SB_PIXEL_RGBA),
     .is_one_per_step = true},
};

static const char *const patterns[] = {"smpte", "ball", "gradient", "noise", NULL};

static const struct sb_param params[] = {
    {.name = "width",
     .type = SB_PARAM_INT,
     .help = "Pixels.",
     .initial = "640",
     .minimum = 2,
     .maximum = 16384,
     .is_fixed = true},
    {.name = "height",
     .type = SB_PARAM_INT,
     .help = "Pixels.",
     .initial = "360",
     .minimum = 2,
     .maximum = 16384,
     .is_fixed = true},
    {.name = "pattern",
     .type = SB_PARAM_CHOICE,
     .help = "What is drawn.",
     .initial = "smpte",
     .choices = patterns,
     .is_fixed = true},
    {.name = "seed",
     .type = SB_PARAM_INT,
     .help = "Start of the noise; the same seed makes the same noise.",
     .initial = "1",
     .maximum = 9e15,
     .is_fixed = true},
    {.name = "frames",
     .type = SB_PARAM_INT,
     .help = "Number of frames, 0 = endless.",
     .initial = "0",
     .maximum = 1e15,
     .is_fixed = true},
    GPU_NODE_PARAMS,
};

static const struct sb_processor gpu_pattern = {
    .struct_size = sizeof gpu_pattern,
    .name = "gpu-pattern",
    .version = "1.0.0",
    .summary = "Video that is drawn on a GPU.",
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .mode = SB_MODE_TICK,
    .wants = gpu_node_wants,
    .open = pattern_open,
    .on_tick = pattern_tick,
    .on_loop = pattern_loop,
    .close = pattern_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&gpu_pattern, argc, argv);
}
