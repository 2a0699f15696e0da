// SPDX-License-Identifier: Apache-2.0
// gpu-blur: box or Gaussian blur of video on a GPU.
#include <streambroker/streambroker.h>

#include "processors/gpu/gpu_filter.h"

struct gpu_blur_state {
    struct gpu_filter filter;
    struct sb_video_format format;
    struct sb_gpu_span between;
    uint32_t radius;
    bool is_gauss;
};

static void read_params(struct sb_node *node, struct gpu_blur_state *state)
{
    state->radius = (uint32_t)sb_param_int(node, "radius");
    state->is_gauss = sb_param_choice(node, "shape") == 1;
}

static int blur_open(struct sb_node *node)
{
    int failed = gpu_filter_open(node, sizeof(struct gpu_blur_state));
    if (failed == 0) {
        read_params(node, sb_node_data(node));
    }
    return failed;
}

static int blur_format(struct sb_node *node, struct sb_input *input, const struct sb_format *format)
{
    struct gpu_blur_state *state = sb_node_data(node);
    (void)input;
    state->format = format->video;
    sb_gpu_memory_free(state->filter.effects.gpu, &state->between);
    return sb_gpu_memory_make(state->filter.effects.gpu, sb_format_frame_bytes(format),
                              &state->between);
}

static int blur_config(struct sb_node *node)
{
    read_params(node, sb_node_data(node));
    return 0;
}

static int record(void *data, const struct sb_gpu_span *from, const struct sb_gpu_span *to)
{
    struct gpu_blur_state *state = data;
    const struct sb_gpu_span spans[3] = {*from, state->between, *to};
    return (state->is_gauss ? gpu_effect_gauss : gpu_effect_blur)(
        &state->filter.effects, &state->format, state->radius, spans);
}

static int blur_frame(struct sb_node *node, const struct sb_frame *frame)
{
    const struct gpu_blur_state *state = sb_node_data(node);
    struct sb_buffer buffer;
    int failed = sb_output_claim(state->filter.output, frame->size_bytes, &buffer);
    return failed == 0 ? gpu_filter_run(node, frame, &buffer, record, "blur it") : failed;
}

static const struct sb_port inputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "Video.",
     .memories = SB_BIT(SB_MEMORY_GPU),
     .pixels = GPU_EFFECT_BLUR_PIXELS},
};

static const struct sb_port outputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "The blurred video.",
     .follows = "video",
     .memories = SB_BIT(SB_MEMORY_GPU),
     .pixels = GPU_EFFECT_BLUR_PIXELS,
     .is_one_per_step = true},
};

static const char *const shapes[] = {"box", "gauss", NULL};

static const struct sb_param params[] = {
    {.name = "radius",
     .type = SB_PARAM_INT,
     .help = "Pixels to each side that are mixed into one.",
     .initial = "4",
     .minimum = 0,
     .maximum = GPU_EFFECT_RADIUS_MAX},
    {.name = "shape",
     .type = SB_PARAM_CHOICE,
     .help = "How pixels weigh: box all alike, gauss less with their distance.",
     .initial = "box",
     .choices = shapes},
    GPU_NODE_PARAMS,
};

static const struct sb_processor gpu_blur = {
    .struct_size = sizeof gpu_blur,
    .name = "gpu-blur",
    .version = "1.0.0",
    .summary = "Blur of video on a GPU.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .wants = gpu_node_wants,
    .open = blur_open,
    .on_format = blur_format,
    .on_frame = blur_frame,
    .on_config = blur_config,
    .close = gpu_filter_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&gpu_blur, argc, argv);
}
