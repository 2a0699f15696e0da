// SPDX-License-Identifier: Apache-2.0
// convert: video into another pixel format.
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <streambroker/streambroker.h>

#include "processors/common/pixels.h"

#define OFFERS_MAX 16

struct convert {
    struct sb_output *output;
    struct sb_video_format from;
    struct pixels_converter *converter;
    enum sb_pixel to;  // what the converter makes
};

static int convert_open(struct sb_node *node)
{
    struct convert *convert = calloc(1, sizeof *convert);
    if (convert == NULL) {
        return -ENOMEM;
    }
    convert->output = sb_node_output(node, "video");
    sb_node_set_data(node, convert);
    return 0;
}

// How far a pixel format is from another one: grey loses most, then another model of colour, then
// chroma or alpha.
static unsigned distance(enum sb_pixel from, enum sb_pixel to)
{
    enum { GREY, RGB, YUV };
    static const struct {
        unsigned model;
        unsigned detail;
    } shapes[] = {
        [SB_PIXEL_RGBA] = {RGB, 3}, [SB_PIXEL_BGRA] = {RGB, 3},   [SB_PIXEL_RGB] = {RGB, 2},
        [SB_PIXEL_BGR] = {RGB, 2},  [SB_PIXEL_GRAY8] = {GREY, 0}, [SB_PIXEL_YUY2] = {YUV, 2},
        [SB_PIXEL_I420] = {YUV, 1}, [SB_PIXEL_NV12] = {YUV, 1},
    };
    bool is_grey_made = shapes[to].model == GREY && shapes[from].model != GREY;
    bool is_other_model = shapes[to].model != shapes[from].model;
    unsigned a = shapes[from].detail;
    unsigned b = shapes[to].detail;
    unsigned change = a > b ? (a - b) * 10 : b - a;
    return (is_grey_made ? 1000u : 0u) + (is_other_model ? 100u : 0u) + change;
}

static void sort_offers(enum sb_pixel from, struct sb_format *offers, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct sb_format offer = offers[i];
        size_t place = i;
        while (place > 0 &&
               distance(from, offers[place - 1].video.pixel) > distance(from, offer.video.pixel)) {
            offers[place] = offers[place - 1];
            place--;
        }
        offers[place] = offer;
    }
}

// Offers the wanted pixel format, or all that this size allows, the input's own first and then what
// keeps most of the picture.
static int convert_format(struct sb_node *node, struct sb_input *input,
                          const struct sb_format *format)
{
    struct convert *convert = sb_node_data(node);
    struct sb_format offers[OFFERS_MAX];
    size_t count = 0;
    (void)input;
    convert->from = format->video;
    pixels_converter_destroy(convert->converter);
    convert->converter = NULL;
    enum sb_pixel wanted = (enum sb_pixel)sb_param_choice(node, "pixel");  // NONE for auto
    if (wanted != SB_PIXEL_NONE) {
        offers[count] = *format;
        offers[count].video.pixel = wanted;
        if (sb_format_check(&offers[count++]) < 0) {
            return sb_node_error(node, -EINVAL, "%s needs an even size, %ux%u is not",
                                 sb_pixel_name(wanted), convert->from.width, convert->from.height);
        }
        return sb_output_offer(convert->output, offers, count, 0);
    }
    offers[count++] = *format;
    for (int pixel = SB_PIXEL_NONE + 1; pixel <= SB_PIXEL_NV12 && count < OFFERS_MAX; pixel++) {
        offers[count] = *format;
        offers[count].video.pixel = (enum sb_pixel)pixel;
        if (offers[count].video.pixel != format->video.pixel &&
            sb_format_check(&offers[count]) == 0) {
            count++;
        }
    }
    sort_offers(format->video.pixel, offers + 1, count - 1);
    return sb_output_offer(convert->output, offers, count, 0);
}

// The converter for what was agreed, which is known only when frames run.
static int prepare(struct convert *convert, enum sb_pixel to)
{
    if (convert->converter != NULL && convert->to == to) {
        return 0;
    }
    pixels_converter_destroy(convert->converter);
    convert->converter = NULL;
    convert->to = to;
    return pixels_converter_create(&convert->from, to, pixels_matrix_of(convert->from.height),
                                   &convert->converter);
}

// In a graph that runs the first frame can be here before the format is: a claim waits for it.
static int wait_for_format(struct convert *convert)
{
    struct sb_buffer buffer;
    int result = 0;
    if (sb_output_format(convert->output) == NULL) {
        result = sb_output_claim(convert->output, 1, &buffer);
        result = result == 0 ? sb_output_abandon(convert->output, &buffer) : result;
    }
    return result;
}

static int convert_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct convert *convert = sb_node_data(node);
    int result = wait_for_format(convert);
    if (result < 0) {
        return result;
    }
    const struct sb_format *agreed = sb_output_format(convert->output);
    if (agreed == NULL) {
        return sb_node_error(node, -EAGAIN, "no pixel format was agreed");
    }
    result = prepare(convert, agreed->video.pixel);
    if (result < 0) {
        return result;
    }
    struct sb_buffer buffer;
    result = sb_output_claim(convert->output, pixels_target_bytes(convert->converter), &buffer);
    if (result < 0) {
        return result;
    }
    pixels_convert(convert->converter, frame->data, buffer.data);
    return sb_output_publish(convert->output, &buffer);
}

static void convert_close(struct sb_node *node)
{
    struct convert *convert = sb_node_data(node);
    if (convert != NULL) {
        pixels_converter_destroy(convert->converter);
        free(convert);
    }
}

static const struct sb_port inputs[] = {
    {.name = "video", .type = SB_PORT_VIDEO, .help = "Video in any pixel format."},
};

static const struct sb_port outputs[] = {
    {.name = "video",
     .type = SB_PORT_VIDEO,
     .help = "The same video in the wanted pixel format.",
     .is_one_per_step = true},
};

// The index of a name is the value of its enum.
static const char *const pixel_choices[] = {
    "auto",
#define X(name, text, planes, bytes) text,
    SB_PIXELS(X)
#undef X
        NULL,
};

static const struct sb_param params[] = {
    {.name = "pixel",
     .type = SB_PARAM_CHOICE,
     .help = "Pixel format to make; auto makes what the consumers accept.",
     .initial = "auto",
     .choices = pixel_choices,
     .is_fixed = true},
};

static const struct sb_processor convert_processor = {
    .struct_size = sizeof convert_processor,
    .name = "convert",
    .version = "1.0.0",
    .summary = "Video into another pixel format.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = 1,
    .open = convert_open,
    .on_format = convert_format,
    .on_frame = convert_frame,
    .close = convert_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&convert_processor, argc, argv);
}
