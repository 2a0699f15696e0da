// SPDX-License-Identifier: Apache-2.0
// test-pattern: video that is drawn, with the frame's number in its pixels.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <streambroker/streambroker.h>

#include "processors/common/pixels.h"
#include "processors/common/video_rate.h"
#include "processors/common/whole.h"
#include "processors/test-pattern/drawing.h"

#define OFFERS_MAX 16

enum pattern { PATTERN_SMPTE, PATTERN_BALL, PATTERN_GRADIENT, PATTERN_NOISE };

struct test_pattern {
    struct sb_output *output;
    struct sb_video_format format;  // as drawn: rgba
    enum pattern pattern;
    uint64_t seed;
    uint64_t frames;  // 0 = endless
    bool has_number;
    uint64_t done;
    int64_t start_ns;
    uint8_t *ground;   // a pattern that stands still
    uint8_t *picture;  // where frames are drawn that are converted then
    struct pixels_converter *converter;
    enum sb_pixel pixel;  // what the converter makes
};

// All pixel formats that this size allows, rgba first, or the one that is wanted.
static int offer(struct sb_node *node, struct test_pattern *pattern)
{
    struct sb_format offers[OFFERS_MAX];
    size_t count = 0;
    int wanted = sb_param_choice(node, "pixel");  // 0 = auto
    for (int pixel = 1; pixel <= SB_PIXEL_NV12 && count < OFFERS_MAX; pixel++) {
        offers[count] = (struct sb_format){.kind = SB_FORMAT_VIDEO, .video = pattern->format};
        offers[count].video.pixel = (enum sb_pixel)pixel;
        if ((wanted == 0 || wanted == pixel) && sb_format_check(&offers[count]) == 0) {
            count++;
        }
    }
    return sb_output_offer(pattern->output, offers, count, 0);
}

static int allocate(struct test_pattern *pattern)
{
    size_t bytes = (size_t)pattern->format.width * pattern->format.height * 4;
    pattern->ground = malloc(bytes);
    pattern->picture = malloc(bytes);
    if (pattern->ground == NULL || pattern->picture == NULL) {
        return -ENOMEM;
    }
    struct drawing drawing = {pattern->ground, pattern->format.width, pattern->format.height};
    drawing_smpte(&drawing);
    return 0;
}

static int test_pattern_prepare(struct sb_node *node)
{
    struct test_pattern *pattern = calloc(1, sizeof *pattern);
    if (pattern == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, pattern);
    pattern->output = sb_node_output(node, "video");
    pattern->format = (struct sb_video_format){
        .pixel = SB_PIXEL_RGBA,
        .width = (uint32_t)sb_param_int(node, "width"),
        .height = (uint32_t)sb_param_int(node, "height"),
    };
    if (pattern->format.width % 2 != 0 || pattern->format.height % 2 != 0) {
        return sb_node_error(node, -EINVAL, "a picture of %ux%u: both must be even",
                             pattern->format.width, pattern->format.height);
    }
    video_rate_set(&pattern->format, sb_node_tick_period_ns(node));
    pattern->pattern = (enum pattern)sb_param_choice(node, "pattern");
    pattern->seed = (uint64_t)sb_param_int(node, "seed");
    pattern->frames = (uint64_t)sb_param_int(node, "frames");
    pattern->has_number = sb_param_bool(node, "number");
    uint32_t needed = DRAWING_CODE_HEIGHT_OF(pattern->format.width);
    if (pattern->has_number &&
        (pattern->format.width < DRAWING_CODE_WIDTH_MIN || pattern->format.height < needed)) {
        return sb_node_error(node, -EINVAL,
                             "the frame number needs %u pixels of width and %u of height here: "
                             "make the picture larger or say number: false",
                             DRAWING_CODE_WIDTH_MIN, needed);
    }
    int result = allocate(pattern);
    return result < 0 ? result : offer(node, pattern);
}

static void draw(struct test_pattern *pattern, uint64_t number, uint8_t *pixels)
{
    struct drawing drawing = {pixels, pattern->format.width, pattern->format.height};
    if (pattern->pattern == PATTERN_SMPTE) {
        memcpy(pixels, pattern->ground, (size_t)drawing.width * drawing.height * 4);
    } else if (pattern->pattern == PATTERN_BALL) {
        drawing_ball(&drawing, number);
    } else if (pattern->pattern == PATTERN_GRADIENT) {
        drawing_gradient(&drawing, number);
    } else {
        drawing_noise(&drawing, pattern->seed, number);
    }
    if (pattern->has_number) {
        drawing_number(&drawing, number);
    }
}

// The converter for what was agreed, which is known only when frames run.
static int prepare(struct test_pattern *pattern, enum sb_pixel pixel)
{
    if (pattern->converter != NULL && pattern->pixel == pixel) {
        return 0;
    }
    pixels_converter_destroy(pattern->converter);
    pattern->converter = NULL;
    pattern->pixel = pixel;
    return pixels_converter_create(&pattern->format, pixel,
                                   pixels_matrix_of(pattern->format.height), &pattern->converter);
}

// One frame; pts_ns < 0 leaves the time of the tick.
static int publish(struct sb_node *node, struct test_pattern *pattern, int64_t pts_ns)
{
    const struct sb_format *agreed = sb_output_format(pattern->output);
    enum sb_pixel pixel = agreed == NULL ? SB_PIXEL_RGBA : agreed->video.pixel;
    struct sb_buffer buffer;
    int result = prepare(pattern, pixel);
    if (result == 0) {
        result = sb_output_claim(pattern->output, pixels_target_bytes(pattern->converter), &buffer);
    }
    if (result < 0) {
        return result;
    }
    bool is_direct = pixel == SB_PIXEL_RGBA;
    draw(pattern, buffer.number, is_direct ? buffer.data : pattern->picture);
    if (!is_direct) {
        pixels_convert(pattern->converter, pattern->picture, buffer.data);
    }
    buffer.pts_ns = pts_ns < 0 ? buffer.pts_ns : pts_ns;
    buffer.duration_ns = sb_node_tick_period_ns(node);
    result = sb_output_publish(pattern->output, &buffer);
    if (result == 0 && ++pattern->done == pattern->frames) {
        sb_node_finish(node);
    }
    return result;
}

static int test_pattern_tick(struct sb_node *node, uint64_t tick, int64_t due_ns)
{
    (void)tick;
    (void)due_ns;
    return publish(node, sb_node_data(node), -1);
}

// As fast as the consumers take them, with the times of a stream at the clock's rate.
static int test_pattern_loop(struct sb_node *node)
{
    struct test_pattern *pattern = sb_node_data(node);
    if (pattern->done == 0) {
        pattern->start_ns = sb_now_ns();
    }
    int64_t passed_ns = (int64_t)pattern->done * sb_node_tick_period_ns(node);
    return publish(node, pattern, pattern->start_ns + passed_ns);
}

static void test_pattern_close(struct sb_node *node)
{
    struct test_pattern *pattern = sb_node_data(node);
    if (pattern != NULL) {
        pixels_converter_destroy(pattern->converter);
        free(pattern->ground);
        free(pattern->picture);
        free(pattern);
    }
}

static int test_pattern_open(struct sb_node *node)
{
    return whole_open(node, test_pattern_prepare, test_pattern_close);
}

static const struct sb_port outputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "The drawn video, at the rate of the graph's clock.",
     .is_one_per_step = true},
};

static const char *const patterns[] = {"smpte", "ball", "gradient", "noise", NULL};

// The index of a name is the value of its enum.
static const char *const pixels[] = {
    "auto",
#define X(name, text, planes, bytes) text,
    SB_PIXELS(X)
#undef X
        NULL,
};

static const struct sb_param params[] = {
    {.name = "width",
     .type = SB_PARAM_INT,
     .help = "Pixels, even.",
     .initial = "640",
     .minimum = 2,
     .maximum = 16384,
     .is_fixed = true},
    {.name = "height",
     .type = SB_PARAM_INT,
     .help = "Pixels, even.",
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
    {.name = "pixel",
     .type = SB_PARAM_CHOICE,
     .help = "Pixel format; auto makes what the consumers accept.",
     .initial = "auto",
     .choices = pixels,
     .is_fixed = true},
    {.name = "number",
     .type = SB_PARAM_BOOL,
     .help = "Draw the frame's number, as digits and as cells for programs.",
     .initial = "true",
     .is_fixed = true},
};

static const struct sb_processor test_pattern = {
    .struct_size = sizeof test_pattern,
    .name = "test-pattern",
    .version = "1.0.0",
    .summary = "Video that is drawn, with the frame's number in its pixels.",
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .mode = SB_MODE_TICK,
    .open = test_pattern_open,
    .on_tick = test_pattern_tick,
    .on_loop = test_pattern_loop,
    .close = test_pattern_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&test_pattern, argc, argv);
}
