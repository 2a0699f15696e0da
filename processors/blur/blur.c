// SPDX-License-Identifier: Apache-2.0
// blur: box blur of video.
#include <errno.h>
#include <stdlib.h>

#include <streambroker/streambroker.h>

#include "processors/common/boxblur.h"
#include "processors/common/planes.h"

struct blur {
    struct sb_output *output;
    struct sb_video_format format;
    struct sb_video_layout layout;
    struct boxblur *planes[SB_PLANES_MAX];
};

static void drop_planes(struct blur *blur)
{
    for (int i = 0; i < SB_PLANES_MAX; i++) {
        boxblur_destroy(blur->planes[i]);
        blur->planes[i] = NULL;
    }
}

// Halved planes are blurred by half the radius, rounded up.
static int make_planes(struct sb_node *node, struct blur *blur)
{
    struct plane_shape shapes[SB_PLANES_MAX];
    uint32_t count = planes_shapes(blur->format.pixel, shapes);
    uint32_t radius = (uint32_t)sb_param_int(node, "radius");
    drop_planes(blur);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t width = blur->format.width >> shapes[i].shift_x;
        uint32_t half = (1U << shapes[i].shift_x) - 1;
        int result = boxblur_create(width, blur->layout.planes[i].rows, shapes[i].channels,
                                    (radius + half) >> shapes[i].shift_x, &blur->planes[i]);
        if (result < 0) {
            return sb_node_error(node, result, "no memory for a radius of %u", radius);
        }
    }
    return 0;
}

static int blur_open(struct sb_node *node)
{
    struct blur *blur = calloc(1, sizeof *blur);
    if (blur == NULL) {
        return -ENOMEM;
    }
    blur->output = sb_node_output(node, "video");
    sb_node_set_data(node, blur);
    return 0;
}

static int blur_format(struct sb_node *node, struct sb_input *input, const struct sb_format *format)
{
    struct blur *blur = sb_node_data(node);
    (void)input;
    blur->format = format->video;
    int result = sb_video_layout_get(&format->video, &blur->layout);
    return result < 0 ? result : make_planes(node, blur);
}

static int blur_config(struct sb_node *node)
{
    struct blur *blur = sb_node_data(node);
    return blur->layout.size_bytes == 0 ? 0 : make_planes(node, blur);
}

static int blur_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct blur *blur = sb_node_data(node);
    struct sb_buffer buffer;
    int result = sb_output_claim(blur->output, frame->size_bytes, &buffer);
    if (result < 0) {
        return result;
    }
    for (uint32_t i = 0; i < blur->layout.plane_count; i++) {
        const struct sb_plane *plane = &blur->layout.planes[i];
        boxblur_run(blur->planes[i], (const uint8_t *)frame->data + plane->offset_bytes,
                    plane->stride_bytes, (uint8_t *)buffer.data + plane->offset_bytes,
                    plane->stride_bytes);
    }
    return sb_output_publish(blur->output, &buffer);
}

static void blur_close(struct sb_node *node)
{
    struct blur *blur = sb_node_data(node);
    if (blur != NULL) {
        drop_planes(blur);
        free(blur);
    }
}

static const struct sb_port inputs[] = {
    {.name = "video", .type = SB_PORT_VIDEO, .help = "Video.", .pixels = PLANES_PIXELS},
};

static const struct sb_port outputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "The blurred video.",
     .follows = "video",
     .pixels = PLANES_PIXELS,
     .is_one_per_step = true},
};

static const struct sb_param params[] = {
    {.name = "radius",
     .type = SB_PARAM_INT,
     .help = "Pixels to each side that are mixed into one.",
     .initial = "4",
     .minimum = 0,
     .maximum = BOXBLUR_RADIUS_MAX},
};

static const struct sb_processor blur_processor = {
    .struct_size = sizeof blur_processor,
    .name = "blur",
    .version = "1.0.0",
    .summary = "Box blur of video.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = 1,
    .open = blur_open,
    .on_format = blur_format,
    .on_frame = blur_frame,
    .on_config = blur_config,
    .close = blur_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&blur_processor, argc, argv);
}
