// SPDX-License-Identifier: Apache-2.0
// scale: video in another size, bilinear.
#include <errno.h>
#include <stdlib.h>

#include <streambroker/streambroker.h>

#include "processors/common/planes.h"
#include "processors/common/rescale.h"

struct scale {
    struct sb_output *output;
    struct sb_video_layout from;
    struct sb_video_layout to;
    struct rescale *planes[SB_PLANES_MAX];
};

static int scale_open(struct sb_node *node)
{
    struct scale *scale = calloc(1, sizeof *scale);
    if (scale == NULL) {
        return -ENOMEM;
    }
    scale->output = sb_node_output(node, "video");
    sb_node_set_data(node, scale);
    return 0;
}

static void drop_planes(struct scale *scale)
{
    for (int i = 0; i < SB_PLANES_MAX; i++) {
        rescale_destroy(scale->planes[i]);
        scale->planes[i] = NULL;
    }
}

// A side that follows from the other one keeps the shape of the picture, at an even size.
static uint32_t following(uint32_t side, uint32_t other_from, uint32_t other_to)
{
    uint64_t size = ((uint64_t)side * other_to + other_from / 2) / other_from;
    size = (size + 1) / 2 * 2;
    return (uint32_t)(size < 2 ? 2 : size);
}

static struct sb_video_format target_of(struct sb_node *node, const struct sb_video_format *from)
{
    struct sb_video_format to = *from;
    uint32_t width = (uint32_t)sb_param_int(node, "width");
    uint32_t height = (uint32_t)sb_param_int(node, "height");
    if (width > 0 || height > 0) {
        to.width = width > 0 ? width : following(from->width, from->height, height);
        to.height = height > 0 ? height : following(from->height, from->width, width);
    }
    return to;
}

static int scale_format(struct sb_node *node, struct sb_input *input,
                        const struct sb_format *format)
{
    struct scale *scale = sb_node_data(node);
    struct plane_shape shapes[SB_PLANES_MAX];
    struct sb_format to = *format;
    (void)input;
    to.video = target_of(node, &format->video);
    if (sb_video_layout_get(&format->video, &scale->from) < 0 ||
        sb_video_layout_get(&to.video, &scale->to) < 0) {
        return sb_node_error(node, -EINVAL,
                             "%s cannot be %ux%u pixels (most formats need even "
                             "sizes)",
                             sb_pixel_name(to.video.pixel), to.video.width, to.video.height);
    }
    uint32_t count = planes_shapes(format->video.pixel, shapes);
    drop_planes(scale);
    for (uint32_t i = 0; i < count; i++) {
        int result =
            rescale_create(format->video.width >> shapes[i].shift_x, scale->from.planes[i].rows,
                           to.video.width >> shapes[i].shift_x, scale->to.planes[i].rows,
                           shapes[i].channels, &scale->planes[i]);
        if (result < 0) {
            return sb_node_error(node, result, "cannot scale to %ux%u", to.video.width,
                                 to.video.height);
        }
    }
    return sb_output_offer(scale->output, &to, 1, 0);
}

static int scale_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct scale *scale = sb_node_data(node);
    struct sb_buffer buffer;
    int result = sb_output_claim(scale->output, scale->to.size_bytes, &buffer);
    if (result < 0) {
        return result;
    }
    for (uint32_t i = 0; i < scale->to.plane_count; i++) {
        rescale_run(scale->planes[i],
                    (const uint8_t *)frame->data + scale->from.planes[i].offset_bytes,
                    scale->from.planes[i].stride_bytes,
                    (uint8_t *)buffer.data + scale->to.planes[i].offset_bytes,
                    scale->to.planes[i].stride_bytes);
    }
    return sb_output_publish(scale->output, &buffer);
}

static void scale_close(struct sb_node *node)
{
    struct scale *scale = sb_node_data(node);
    if (scale != NULL) {
        drop_planes(scale);
        free(scale);
    }
}

static const struct sb_port inputs[] = {
    {.name = "video", .type = SB_PORT_VIDEO, .help = "Video.", .pixels = PLANES_PIXELS},
};

static const struct sb_port outputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "The scaled video.",
     .pixels = PLANES_PIXELS,
     .is_one_per_step = true},
};

static const struct sb_param params[] = {
    {.name = "width",
     .type = SB_PARAM_INT,
     .help = "Pixels; 0 keeps the shape of the picture.",
     .initial = "0",
     .minimum = 0,
     .maximum = SB_VIDEO_SIZE_MAX,
     .is_fixed = true},
    {.name = "height",
     .type = SB_PARAM_INT,
     .help = "Pixels; 0 keeps the shape of the picture.",
     .initial = "0",
     .minimum = 0,
     .maximum = SB_VIDEO_SIZE_MAX,
     .is_fixed = true},
};

static const struct sb_processor scale_processor = {
    .struct_size = sizeof scale_processor,
    .name = "scale",
    .version = "1.0.0",
    .summary = "Video in another size, bilinear.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .open = scale_open,
    .on_format = scale_format,
    .on_frame = scale_frame,
    .close = scale_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&scale_processor, argc, argv);
}
