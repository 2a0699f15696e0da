// SPDX-License-Identifier: Apache-2.0
// gpu-blur: box or Gaussian blur of video on a GPU.
#include <errno.h>
#include <stdlib.h>

#include <streambroker/streambroker.h>

#include "processors/gpu/gpu_node.h"

struct gpu_blur_state {
    struct gpu_effects effects;
    struct sb_output *output;
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
    struct gpu_blur_state *state = calloc(1, sizeof *state);
    if (state == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, state);
    state->output = sb_node_output(node, "video");
    read_params(node, state);
    int failed = gpu_node_open(node, &state->effects);
    if (failed != 0) {
        free(state);
        sb_node_set_data(node, NULL);
    }
    return failed;
}

static int blur_format(struct sb_node *node, struct sb_input *input, const struct sb_format *format)
{
    struct gpu_blur_state *state = sb_node_data(node);
    (void)input;
    state->format = format->video;
    sb_gpu_memory_free(state->effects.gpu, &state->between);
    return sb_gpu_memory_make(state->effects.gpu, sb_format_frame_bytes(format), &state->between);
}

static int blur_config(struct sb_node *node)
{
    read_params(node, sb_node_data(node));
    return 0;
}

static int run(struct gpu_blur_state *state, const struct sb_frame *frame,
               const struct sb_buffer *buffer)
{
    struct sb_gpu *gpu = state->effects.gpu;
    struct sb_gpu_span spans[3] = {{0}, state->between, {0}};
    int failed = sb_gpu_begin(gpu);
    failed = failed == 0 ? sb_gpu_read(gpu, frame, &spans[0]) : failed;
    failed = failed == 0 ? sb_gpu_write(gpu, buffer, &spans[2]) : failed;
    if (failed == 0) {
        failed = (state->is_gauss ? gpu_effect_gauss : gpu_effect_blur)(
            &state->effects, &state->format, state->radius, spans);
    }
    if (failed != 0) {
        sb_gpu_cancel(gpu);
        return failed;
    }
    return sb_gpu_finish(gpu);
}

static int blur_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct gpu_blur_state *state = sb_node_data(node);
    struct sb_buffer buffer;
    int failed = sb_output_claim(state->output, frame->size_bytes, &buffer);
    if (failed != 0) {
        return failed;
    }
    failed = run(state, frame, &buffer);
    return failed == 0
               ? sb_output_publish(state->output, &buffer)
               : sb_node_error(node, failed, "the GPU did not blur it: %s", sb_error_text(failed));
}

static void blur_close(struct sb_node *node)
{
    struct gpu_blur_state *state = sb_node_data(node);
    gpu_node_close(node, &state->effects);
    free(state);
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
    .close = blur_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&gpu_blur, argc, argv);
}
