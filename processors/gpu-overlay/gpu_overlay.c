// SPDX-License-Identifier: Apache-2.0
// gpu-overlay: one video over another one, by its alpha, on a GPU. The upper one keeps its last
// frame when it has nothing new or has ended.
#include <errno.h>

#include <streambroker/streambroker.h>

#include "processors/gpu/gpu_filter.h"

enum { GROUND, OVER, PICTURES };

struct gpu_overlay_state {
    struct gpu_filter filter;
    struct sb_input *inputs[PICTURES];
    struct gpu_effect_overlay overlay;
    bool has_over;
    struct sb_frame over;  // held
};

static void read_params(struct sb_node *node, struct gpu_overlay_state *state)
{
    state->overlay.x = (int32_t)sb_param_int(node, "x");
    state->overlay.y = (int32_t)sb_param_int(node, "y");
    state->overlay.opacity = (uint32_t)(sb_param_real(node, "opacity") * 255 + 0.5);
}

static int overlay_open(struct sb_node *node)
{
    if (!sb_input_is_linked(sb_node_input(node, "video_0"))) {
        return sb_node_error(node, -EINVAL, "no video is linked to video_0");
    }
    int failed = gpu_filter_open(node, sizeof(struct gpu_overlay_state));
    if (failed != 0) {
        return failed;
    }
    struct gpu_overlay_state *state = sb_node_data(node);
    state->inputs[GROUND] = sb_node_input(node, "video_0");
    state->inputs[OVER] = sb_node_input(node, "video_1");
    read_params(node, state);
    return 0;
}

static void drop_over(struct gpu_overlay_state *state)
{
    if (state->has_over) {
        sb_frame_release(&state->over);
        state->has_over = false;
    }
}

static int overlay_format(struct sb_node *node, struct sb_input *input,
                          const struct sb_format *format)
{
    struct gpu_overlay_state *state = sb_node_data(node);
    if (input == state->inputs[OVER]) {
        // Its bytes are of the old format.
        drop_over(state);
        state->overlay.over = format->video;
    } else {
        state->overlay.ground = format->video;
    }
    uint32_t ground = (uint32_t)state->overlay.ground.pixel;
    uint32_t over = (uint32_t)state->overlay.over.pixel;
    if (ground != SB_PIXEL_NONE && over != SB_PIXEL_NONE && ground != over) {
        return sb_node_error(node, -EINVAL, "video_0 is %s and video_1 is %s: both must be alike",
                             sb_pixel_name(state->overlay.ground.pixel),
                             sb_pixel_name(state->overlay.over.pixel));
    }
    return input == state->inputs[GROUND] ? sb_output_offer(state->filter.output, format, 1, 0) : 0;
}

static int record(void *data, const struct sb_gpu_span *from, const struct sb_gpu_span *to)
{
    struct gpu_overlay_state *state = data;
    struct sb_gpu *gpu = state->filter.effects.gpu;
    struct sb_gpu_span spans[3] = {*from, {0}, *to};
    if (!state->has_over) {
        return sb_gpu_copy(gpu, from, to);
    }
    int failed = sb_gpu_read(gpu, &state->over, &spans[1]);
    return failed == 0 ? gpu_effect_overlay(&state->filter.effects, &state->overlay, spans)
                       : failed;
}

static int publish(struct sb_node *node, const struct sb_frame *ground)
{
    const struct gpu_overlay_state *state = sb_node_data(node);
    struct sb_buffer buffer;
    int failed = sb_output_claim(state->filter.output, ground->size_bytes, &buffer);
    if (failed != 0) {
        return failed;
    }
    buffer.number = ground->number;
    buffer.pts_ns = ground->pts_ns;
    buffer.duration_ns = ground->duration_ns;
    return gpu_filter_run(node, ground, &buffer, record, "put them together");
}

static int overlay_frames(struct sb_node *node, const struct sb_frame *frames, size_t count)
{
    struct gpu_overlay_state *state = sb_node_data(node);
    const struct sb_frame *ground = NULL;
    for (size_t i = 0; i < count; i++) {
        if (frames[i].input == state->inputs[GROUND]) {
            ground = &frames[i];
            continue;
        }
        drop_over(state);
        int failed = sb_frame_hold(&frames[i], &state->over);
        if (failed != 0) {
            return failed;
        }
        state->has_over = true;
    }
    return ground == NULL ? 0 : publish(node, ground);
}

static int overlay_end(struct sb_node *node, struct sb_input *input)
{
    const struct gpu_overlay_state *state = sb_node_data(node);
    if (input == state->inputs[GROUND]) {
        sb_node_finish(node);
    }
    return 0;
}

static int overlay_config(struct sb_node *node)
{
    read_params(node, sb_node_data(node));
    return 0;
}

static const struct sb_port inputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "video_0 is the ground and gives size and rate, video_1 is put over it.",
     .count = PICTURES,
     .is_optional = true,
     .holds = 2,
     .is_memory = true,
     .memories = SB_BIT(SB_MEMORY_GPU),
     .pixels = GPU_EFFECT_OVERLAY_PIXELS},
};

static const struct sb_port outputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "Both in one picture.",
     .memories = SB_BIT(SB_MEMORY_GPU),
     .pixels = GPU_EFFECT_OVERLAY_PIXELS,
     .is_one_per_step = true},
};

static const struct sb_param params[] = {
    {.name = "x",
     .type = SB_PARAM_INT,
     .help = "Pixels from the left edge of the ground to that of the other picture.",
     .initial = "0",
     .minimum = -SB_VIDEO_SIZE_MAX,
     .maximum = SB_VIDEO_SIZE_MAX},
    {.name = "y",
     .type = SB_PARAM_INT,
     .help = "Pixels from the upper edge of the ground to that of the other picture.",
     .initial = "0",
     .minimum = -SB_VIDEO_SIZE_MAX,
     .maximum = SB_VIDEO_SIZE_MAX},
    {.name = "opacity",
     .type = SB_PARAM_REAL,
     .help = "How much of the ground the other picture hides, beside its own alpha.",
     .initial = "1",
     .minimum = 0,
     .maximum = 1},
    GPU_NODE_PARAMS,
};

static const struct sb_processor gpu_overlay = {
    .struct_size = sizeof gpu_overlay,
    .name = "gpu-overlay",
    .version = "1.0.0",
    .summary = "One video over another one, by its alpha, on a GPU.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .activation = SB_ACTIVATE_ALL,
    .wants = gpu_node_wants,
    .open = overlay_open,
    .on_format = overlay_format,
    .on_frames = overlay_frames,
    .on_end = overlay_end,
    .on_config = overlay_config,
    .close = gpu_filter_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&gpu_overlay, argc, argv);
}
