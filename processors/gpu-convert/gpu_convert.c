// SPDX-License-Identifier: Apache-2.0
// gpu-convert: video into another pixel format, on a GPU.
#include <errno.h>

#include <streambroker/streambroker.h>

#include "processors/gpu/gpu_filter.h"

struct gpu_convert_state {
    struct gpu_filter filter;
    struct sb_video_format from;
};

// The choices of the parameter, auto first.
static const enum sb_pixel pixels[] = {SB_PIXEL_NONE, SB_PIXEL_RGBA, SB_PIXEL_BGRA, SB_PIXEL_I420,
                                       SB_PIXEL_NV12};

#define PIXEL_COUNT (sizeof pixels / sizeof pixels[0])

static int convert_open(struct sb_node *node)
{
    return gpu_filter_open(node, sizeof(struct gpu_convert_state));
}

// Offers the wanted pixel format, or the input's own and then all others that this size allows.
static int convert_format(struct sb_node *node, struct sb_input *input,
                          const struct sb_format *format)
{
    struct gpu_convert_state *state = sb_node_data(node);
    enum sb_pixel wanted = pixels[sb_param_choice(node, "pixel")];
    struct sb_format offers[PIXEL_COUNT];
    size_t count = 0;
    (void)input;
    state->from = format->video;
    if (wanted == SB_PIXEL_NONE) {
        offers[count++] = *format;
    }
    for (size_t i = 1; i < PIXEL_COUNT; i++) {
        offers[count] = *format;
        offers[count].video.pixel = pixels[i];
        bool is_own = wanted == SB_PIXEL_NONE && pixels[i] == format->video.pixel;
        bool is_asked = wanted == SB_PIXEL_NONE || wanted == pixels[i];
        if (is_asked && !is_own && sb_format_check(&offers[count]) == 0) {
            count++;
        }
    }
    if (count == 0) {
        return sb_node_error(node, -EINVAL, "%s needs an even size, %ux%u is not",
                             sb_pixel_name(wanted), state->from.width, state->from.height);
    }
    return sb_output_offer(state->filter.output, offers, count, 0);
}

static int record(void *data, const struct sb_gpu_span *from, const struct sb_gpu_span *to)
{
    struct gpu_convert_state *state = data;
    const struct sb_gpu_span spans[2] = {*from, *to};
    enum sb_pixel pixel = sb_output_format(state->filter.output)->video.pixel;
    return gpu_effect_convert(&state->filter.effects, &state->from, pixel, spans);
}

// In a graph that runs the first frame can be here before the format is: a claim waits for it.
static int wait_for_format(struct sb_output *output)
{
    struct sb_buffer buffer;
    if (sb_output_format(output) != NULL) {
        return 0;
    }
    int failed = sb_output_claim(output, 1, &buffer);
    return failed == 0 ? sb_output_abandon(output, &buffer) : failed;
}

static int convert_frame(struct sb_node *node, const struct sb_frame *frame)
{
    const struct gpu_convert_state *state = sb_node_data(node);
    struct sb_output *output = state->filter.output;
    int failed = wait_for_format(output);
    if (failed != 0) {
        return failed;
    }
    const struct sb_format *agreed = sb_output_format(output);
    if (agreed == NULL) {
        return sb_node_error(node, -EAGAIN, "no pixel format was agreed");
    }
    struct sb_buffer buffer;
    failed = sb_output_claim(output, sb_format_frame_bytes(agreed), &buffer);
    return failed == 0 ? gpu_filter_run(node, frame, &buffer, record, "convert it") : failed;
}

static const struct sb_port inputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "Video.",
     .memories = SB_BIT(SB_MEMORY_GPU),
     .pixels = GPU_EFFECT_CONVERT_PIXELS},
};

static const struct sb_port outputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "The same video in the wanted pixel format.",
     .memories = SB_BIT(SB_MEMORY_GPU),
     .pixels = GPU_EFFECT_CONVERT_PIXELS,
     .is_one_per_step = true},
};

static const char *const pixel_choices[] = {"auto", "rgba", "bgra", "i420", "nv12", NULL};

static const struct sb_param params[] = {
    {.name = "pixel",
     .type = SB_PARAM_CHOICE,
     .help = "Pixel format to make; auto makes what the consumers accept.",
     .initial = "auto",
     .choices = pixel_choices,
     .is_fixed = true},
    GPU_NODE_PARAMS,
};

static const struct sb_processor gpu_convert = {
    .struct_size = sizeof gpu_convert,
    .name = "gpu-convert",
    .version = "1.0.0",
    .summary = "Video into another pixel format, on a GPU.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .wants = gpu_node_wants,
    .open = convert_open,
    .on_format = convert_format,
    .on_frame = convert_frame,
    .close = gpu_filter_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&gpu_convert, argc, argv);
}
