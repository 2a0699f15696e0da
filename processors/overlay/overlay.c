// SPDX-License-Identifier: Apache-2.0
// overlay: several videos in one picture. A video that has ended, or has nothing new, keeps its
// last frame.
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <streambroker/streambroker.h>

#include "processors/common/pixels.h"
#include "processors/common/planes.h"
#include "processors/common/rescale.h"
#include "processors/common/whole.h"
#include "processors/overlay/placing.h"

#define PIXELS (SB_BIT(SB_PIXEL_RGBA) | SB_BIT(SB_PIXEL_BGRA) | SB_BIT(SB_PIXEL_I420))

enum ends_with { ENDS_WITH_FIRST, ENDS_WITH_ALL };

struct picture {
    struct sb_input *input;
    uint32_t place;  // among the linked ones
    bool has_format;
    bool has_frame;
    struct sb_frame frame;               // held
    struct sb_video_format format;       // as it comes
    struct sb_video_layout layout;       // as it is drawn, in the pixel format of the whole
    struct pixels_converter *converter;  // NULL when it comes as it is drawn
    uint8_t *converted;                  // the frame as it is drawn, owned
    bool is_converted;                   // that is so for the frame that is held
    struct placing_rectangle rectangle;
    struct rescale *planes[SB_PLANES_MAX];
};

struct overlay {
    struct sb_output *output;
    enum ends_with ends_with;
    struct placing placing;
    struct sb_video_format format;  // of the whole
    struct sb_video_layout layout;
    struct picture pictures[PLACING_PICTURES_MAX];
};

static struct picture *picture_of(struct overlay *overlay, const struct sb_input *input)
{
    return &overlay->pictures[sb_input_index(input)];
}

static int overlay_prepare(struct sb_node *node)
{
    struct overlay *overlay = calloc(1, sizeof *overlay);
    if (overlay == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, overlay);
    overlay->output = sb_node_output(node, "video");
    overlay->ends_with = (enum ends_with)sb_param_choice(node, "ends_with");
    for (uint32_t i = 0; i < PLACING_PICTURES_MAX; i++) {
        char name[SB_NAME_BYTES_MAX];
        snprintf(name, sizeof name, "video_%u", i);
        struct sb_input *input = sb_node_input(node, name);
        if (sb_input_is_linked(input)) {
            overlay->pictures[i].input = input;
            overlay->pictures[i].place = overlay->placing.count++;
        }
    }
    if (overlay->placing.count == 0) {
        return sb_node_error(node, -EINVAL, "no video is linked: link video_0, video_1, ...");
    }
    return 0;
}

static void drop_planes(struct picture *picture)
{
    for (int i = 0; i < SB_PLANES_MAX; i++) {
        rescale_destroy(picture->planes[i]);
        picture->planes[i] = NULL;
    }
}

// A picture of another pixel format than the whole is converted when it comes.
static int prepare_pixels(const struct overlay *overlay, struct picture *picture)
{
    struct sb_video_format drawn = picture->format;
    drawn.pixel = overlay->format.pixel;
    pixels_converter_destroy(picture->converter);
    free(picture->converted);
    picture->converter = NULL;
    picture->converted = NULL;
    picture->is_converted = false;
    int result = sb_video_layout_get(&drawn, &picture->layout);
    if (result < 0 || drawn.pixel == picture->format.pixel) {
        return result;
    }
    picture->converted = malloc(picture->layout.size_bytes);
    if (picture->converted == NULL) {
        return -ENOMEM;
    }
    return pixels_converter_create(&picture->format, drawn.pixel,
                                   pixels_matrix_of(picture->format.height), &picture->converter);
}

// Rectangle, converter and scalers of one picture.
static int place(struct overlay *overlay, struct picture *picture)
{
    struct plane_shape shapes[SB_PLANES_MAX];
    struct placing_size size = {picture->format.width, picture->format.height};
    uint32_t count = planes_shapes(overlay->format.pixel, shapes);
    drop_planes(picture);
    int prepared = prepare_pixels(overlay, picture);
    if (prepared < 0) {
        return prepared;
    }
    picture->rectangle = placing_of(&overlay->placing, picture->place, size);
    if (picture->rectangle.width == 0 || picture->rectangle.height == 0) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        int result = rescale_create(size.width >> shapes[i].shift_x, picture->layout.planes[i].rows,
                                    picture->rectangle.width >> shapes[i].shift_x,
                                    picture->rectangle.height >> shapes[i].shift_y,
                                    shapes[i].channels, &picture->planes[i]);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

// The first linked picture decides about size, pixel format and rate of the whole.
static int place_all(struct sb_node *node, struct overlay *overlay, const struct picture *first)
{
    struct placing *placing = &overlay->placing;
    placing->mode = (enum placing_mode)sb_param_choice(node, "mode");
    placing->corner = (enum placing_corner)sb_param_choice(node, "corner");
    placing->share = sb_param_real(node, "size");
    struct placing_size whole =
        placing_whole(placing->mode, placing->count,
                      (struct placing_size){first->format.width, first->format.height});
    uint32_t width = (uint32_t)sb_param_int(node, "width");
    uint32_t height = (uint32_t)sb_param_int(node, "height");
    placing->width = width > 0 ? width / 2 * 2 : whole.width;
    placing->height = height > 0 ? height / 2 * 2 : whole.height;
    overlay->format = first->format;
    overlay->format.width = placing->width;
    overlay->format.height = placing->height;
    if (sb_video_layout_get(&overlay->format, &overlay->layout) < 0) {
        return sb_node_error(node, -EINVAL, "the whole picture cannot be %ux%u pixels",
                             placing->width, placing->height);
    }
    for (uint32_t i = 0; i < PLACING_PICTURES_MAX; i++) {
        int result = overlay->pictures[i].has_format ? place(overlay, &overlay->pictures[i]) : 0;
        if (result < 0) {
            return result;
        }
    }
    return 0;
}

static const struct picture *first_linked(const struct overlay *overlay)
{
    for (uint32_t i = 0; i < PLACING_PICTURES_MAX; i++) {
        if (overlay->pictures[i].input != NULL) {
            return &overlay->pictures[i];
        }
    }
    return NULL;
}

static int overlay_format(struct sb_node *node, struct sb_input *input,
                          const struct sb_format *format)
{
    struct overlay *overlay = sb_node_data(node);
    struct picture *picture = picture_of(overlay, input);
    if (picture->has_frame) {
        // Its bytes are of the old format.
        sb_frame_release(&picture->frame);
        picture->has_frame = false;
    }
    picture->format = format->video;
    picture->has_format = true;
    const struct picture *first = first_linked(overlay);
    if (first == NULL || !first->has_format) {
        return 0;
    }
    int result = place_all(node, overlay, first);
    if (result < 0 || picture != first) {
        return result;
    }
    struct sb_format whole = {.kind = SB_FORMAT_VIDEO, .video = overlay->format};
    return sb_output_offer(overlay->output, &whole, 1, 0);
}

static void draw_ground(const struct overlay *overlay, uint8_t *target)
{
    static const uint8_t black[] = {0, 0, 0, 255};
    if (overlay->format.pixel == SB_PIXEL_I420) {
        memset(target, 16, overlay->layout.planes[1].offset_bytes);
        memset(target + overlay->layout.planes[1].offset_bytes, 128,
               overlay->layout.size_bytes - overlay->layout.planes[1].offset_bytes);
        return;
    }
    for (size_t i = 0; i < overlay->layout.size_bytes; i += 4) {
        memcpy(target + i, black, sizeof black);
    }
}

// The frame in the pixel format of the whole; converted once, however often it is drawn.
static const uint8_t *pixels_of(struct picture *picture)
{
    if (picture->converter == NULL) {
        return picture->frame.data;
    }
    if (!picture->is_converted) {
        pixels_convert(picture->converter, picture->frame.data, picture->converted);
        picture->is_converted = true;
    }
    return picture->converted;
}

static void draw(const struct overlay *overlay, struct picture *picture, uint8_t *target)
{
    const struct placing_rectangle *rectangle = &picture->rectangle;
    struct plane_shape shapes[SB_PLANES_MAX];
    uint32_t count = planes_shapes(overlay->format.pixel, shapes);
    if (rectangle->width == 0 || rectangle->height == 0) {
        return;
    }
    const uint8_t *pixels = pixels_of(picture);
    for (uint32_t i = 0; i < count; i++) {
        const struct sb_plane *from = &picture->layout.planes[i];
        const struct sb_plane *to = &overlay->layout.planes[i];
        const uint8_t *source = pixels + from->offset_bytes;
        uint8_t *start = target + to->offset_bytes +
                         (rectangle->y >> shapes[i].shift_y) * to->stride_bytes +
                         (size_t)(rectangle->x >> shapes[i].shift_x) * shapes[i].channels;
        if (rectangle->width == picture->format.width &&
            rectangle->height == picture->format.height) {
            for (uint32_t y = 0; y < from->rows; y++) {
                memcpy(start + y * to->stride_bytes, source + y * from->stride_bytes,
                       from->row_bytes);
            }
        } else {
            rescale_run(picture->planes[i], source, from->stride_bytes, start, to->stride_bytes);
        }
    }
}

static bool covers_all(const struct overlay *overlay, const struct picture *picture)
{
    return picture->has_frame && picture->rectangle.width == overlay->format.width &&
           picture->rectangle.height == overlay->format.height;
}

static int compose(struct overlay *overlay, const struct sb_frame *main_frame)
{
    struct sb_buffer buffer;
    int result = sb_output_claim(overlay->output, overlay->layout.size_bytes, &buffer);
    if (result < 0) {
        return result;
    }
    buffer.number = main_frame->number;
    buffer.pts_ns = main_frame->pts_ns;
    buffer.duration_ns = main_frame->duration_ns;
    bool is_covered = false;
    for (uint32_t i = 0; i < PLACING_PICTURES_MAX && !is_covered; i++) {
        is_covered = overlay->pictures[i].place == 0 && overlay->pictures[i].input != NULL &&
                     covers_all(overlay, &overlay->pictures[i]);
    }
    if (!is_covered) {
        draw_ground(overlay, buffer.data);
    }
    for (uint32_t i = 0; i < PLACING_PICTURES_MAX; i++) {
        if (overlay->pictures[i].has_frame) {
            draw(overlay, &overlay->pictures[i], buffer.data);
        }
    }
    return sb_output_publish(overlay->output, &buffer);
}

// The video whose frames are counted: the first one that is linked and has not ended.
static const struct picture *leading(const struct overlay *overlay)
{
    for (uint32_t i = 0; i < PLACING_PICTURES_MAX; i++) {
        const struct picture *picture = &overlay->pictures[i];
        if (picture->input != NULL && !sb_input_is_ended(picture->input)) {
            return picture;
        }
    }
    return NULL;
}

// True when a video that has ended gave nothing to this step: its last frame was drawn already.
static bool has_one_ended(const struct overlay *overlay, const struct sb_frame *frames,
                          size_t count)
{
    for (uint32_t i = 0; i < PLACING_PICTURES_MAX; i++) {
        const struct sb_input *input = overlay->pictures[i].input;
        bool is_over = input != NULL && sb_input_is_ended(input);
        for (size_t j = 0; j < count; j++) {
            is_over = is_over && frames[j].input != input;
        }
        if (is_over) {
            return true;
        }
    }
    return false;
}

static int overlay_frames(struct sb_node *node, const struct sb_frame *frames, size_t count)
{
    struct overlay *overlay = sb_node_data(node);
    // on_end() comes when nothing is queued any more, which may be much later.
    if (overlay->ends_with == ENDS_WITH_FIRST && has_one_ended(overlay, frames, count)) {
        sb_node_finish(node);
        return 0;
    }
    const struct picture *leader = leading(overlay);
    const struct sb_frame *main_frame = NULL;
    for (size_t i = 0; i < count; i++) {
        struct picture *picture = picture_of(overlay, frames[i].input);
        if (picture->has_frame) {
            sb_frame_release(&picture->frame);
            picture->has_frame = false;
        }
        int result = sb_frame_hold(&frames[i], &picture->frame);
        if (result < 0) {
            return result;
        }
        picture->has_frame = true;
        picture->is_converted = false;
        // The last frame of a video comes in the step in which the video has ended.
        if (leader == NULL || picture <= leader) {
            main_frame = main_frame == NULL ? &picture->frame : main_frame;
        }
    }
    return main_frame == NULL ? 0 : compose(overlay, main_frame);
}

static int overlay_end(struct sb_node *node, struct sb_input *input)
{
    const struct overlay *overlay = sb_node_data(node);
    (void)input;
    if (overlay->ends_with == ENDS_WITH_FIRST) {
        sb_node_finish(node);
    }
    return 0;
}

static int overlay_config(struct sb_node *node)
{
    struct overlay *overlay = sb_node_data(node);
    overlay->ends_with = (enum ends_with)sb_param_choice(node, "ends_with");
    if (overlay->format.width == 0) {
        return 0;
    }
    struct sb_video_format before = overlay->format;
    int result = place_all(node, overlay, first_linked(overlay));
    if (result < 0 ||
        (before.width == overlay->format.width && before.height == overlay->format.height)) {
        return result;
    }
    struct sb_format whole = {.kind = SB_FORMAT_VIDEO, .video = overlay->format};
    return sb_output_offer(overlay->output, &whole, 1, 0);
}

static void overlay_close(struct sb_node *node)
{
    struct overlay *overlay = sb_node_data(node);
    if (overlay != NULL) {
        for (int i = 0; i < PLACING_PICTURES_MAX; i++) {
            drop_planes(&overlay->pictures[i]);
            pixels_converter_destroy(overlay->pictures[i].converter);
            free(overlay->pictures[i].converted);
        }
        free(overlay);
    }
}

static int overlay_open(struct sb_node *node)
{
    return whole_open(node, overlay_prepare, overlay_close);
}

static const struct sb_port inputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "A video; the first one gives size and rate, the others are put over it in order.",
     .count = PLACING_PICTURES_MAX,
     .is_optional = true,
     .holds = 2,
     .is_memory = true,
     .pixels = PIXELS},
};

static const struct sb_port outputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "All videos in one picture.",
     .pixels = PIXELS,
     .is_one_per_step = true},
};

static const char *const modes[] = {
#define X(name, text) text,
    PLACING_MODES(X)
#undef X
        NULL,
};

static const char *const corners[] = {
#define X(name, text) text,
    PLACING_CORNERS(X)
#undef X
        NULL,
};

static const char *const ends[] = {"first", "all", NULL};

static const struct sb_param params[] = {
    {.name = "mode",
     .type = SB_PARAM_CHOICE,
     .help = "How the videos are put together.",
     .initial = "pip",
     .choices = modes},
    {.name = "corner",
     .type = SB_PARAM_CHOICE,
     .help = "Where the first small picture of pip is; more follow sideways.",
     .initial = "bottom-right",
     .choices = corners},
    {.name = "size",
     .type = SB_PARAM_REAL,
     .help = "Width of a small picture of pip, as a share of the whole.",
     .initial = "0.25",
     .minimum = 0.01,
     .maximum = 1},
    {.name = "width",
     .type = SB_PARAM_INT,
     .help = "Pixels of the whole, 0 = from the first video.",
     .initial = "0",
     .minimum = 0,
     .maximum = SB_VIDEO_SIZE_MAX},
    {.name = "height",
     .type = SB_PARAM_INT,
     .help = "Pixels of the whole, 0 = from the first video.",
     .initial = "0",
     .minimum = 0,
     .maximum = SB_VIDEO_SIZE_MAX},
    {.name = "ends_with",
     .type = SB_PARAM_CHOICE,
     .help = "End when the first video of all has ended, or when all have.",
     .initial = "all",
     .choices = ends},
};

static const struct sb_processor overlay_processor = {
    .struct_size = sizeof overlay_processor,
    .name = "overlay",
    .version = "1.0.0",
    .summary = "Several videos in one picture.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .activation = SB_ACTIVATE_ALL,
    .open = overlay_open,
    .on_format = overlay_format,
    .on_frames = overlay_frames,
    .on_end = overlay_end,
    .on_config = overlay_config,
    .close = overlay_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&overlay_processor, argc, argv);
}
