// SPDX-License-Identifier: Apache-2.0
// Caps and formats, by one table of pixel and one of sample formats.
#include "processors/gst/caps.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const pixel_words[] = {
    [SB_PIXEL_RGBA] = "RGBA", [SB_PIXEL_BGRA] = "BGRA",   [SB_PIXEL_RGB] = "RGB",
    [SB_PIXEL_BGR] = "BGR",   [SB_PIXEL_GRAY8] = "GRAY8", [SB_PIXEL_YUY2] = "YUY2",
    [SB_PIXEL_I420] = "I420", [SB_PIXEL_NV12] = "NV12",
};

// Of a little-endian machine.
static const char *const sample_words[] = {
    [SB_SAMPLE_S16] = "S16LE",
    [SB_SAMPLE_S32] = "S32LE",
    [SB_SAMPLE_F32] = "F32LE",
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static size_t find_word(const char *const *words, size_t count, const char *word)
{
    for (size_t i = 1; word != NULL && i < count; i++) {
        if (strcmp(words[i], word) == 0) {
            return i;
        }
    }
    return 0;
}

static uint32_t field(const GstStructure *structure, const char *name)
{
    int value = 0;
    return gst_structure_get_int(structure, name, &value) && value > 0 ? (uint32_t)value : 0;
}

static void read_video(const GstStructure *structure, struct sb_video_format *out)
{
    int numerator = 0;
    int denominator = 1;
    const char *word = gst_structure_get_string(structure, "format");
    *out = (struct sb_video_format){
        .pixel = (enum sb_pixel)find_word(pixel_words, COUNT(pixel_words), word),
        .width = field(structure, "width"),
        .height = field(structure, "height"),
    };
    if (gst_structure_get_fraction(structure, "framerate", &numerator, &denominator) &&
        numerator > 0 && denominator > 0) {
        out->fps_numerator = (uint32_t)numerator;
        out->fps_denominator = (uint32_t)denominator;
    }
}

static void read_audio(const GstStructure *structure, struct sb_audio_format *out)
{
    const char *word = gst_structure_get_string(structure, "format");
    const char *layout = gst_structure_get_string(structure, "layout");
    bool is_interleaved = layout == NULL || strcmp(layout, "interleaved") == 0;
    *out = (struct sb_audio_format){
        .sample = (enum sb_sample)find_word(sample_words, COUNT(sample_words), word),
        .rate = field(structure, "rate"),
        .channels = is_interleaved ? field(structure, "channels") : 0,
    };
}

int caps_to_format(const GstCaps *caps, struct sb_format *out_format)
{
    if (caps == NULL || !gst_caps_is_fixed(caps)) {
        return -EINVAL;
    }
    const GstStructure *structure = gst_caps_get_structure(caps, 0);
    struct sb_format format = {.kind = SB_FORMAT_BINARY};
    if (gst_structure_has_name(structure, "video/x-raw")) {
        format.kind = SB_FORMAT_VIDEO;
        read_video(structure, &format.video);
    } else if (gst_structure_has_name(structure, "audio/x-raw")) {
        format.kind = SB_FORMAT_AUDIO;
        read_audio(structure, &format.audio);
    } else {
        snprintf(format.name, sizeof format.name, "%s", gst_structure_get_name(structure));
    }
    if (sb_format_check(&format) < 0) {
        return -EINVAL;
    }
    *out_format = format;
    return 0;
}

// GStreamer wants to know which speaker a channel is, when there are more than two.
static void add_speakers(GstCaps *caps, uint32_t channels)
{
    if (channels > 2) {
        gst_caps_set_simple(caps, "channel-mask", GST_TYPE_BITMASK, G_GUINT64_CONSTANT(0), NULL);
    }
}

GstCaps *caps_of_format(const struct sb_format *format)
{
    if (format->kind == SB_FORMAT_VIDEO) {
        const struct sb_video_format *video = &format->video;
        bool is_rated = video->fps_numerator > 0;
        return gst_caps_new_simple(
            "video/x-raw", "format", G_TYPE_STRING, pixel_words[video->pixel], "width", G_TYPE_INT,
            (int)video->width, "height", G_TYPE_INT, (int)video->height, "framerate",
            GST_TYPE_FRACTION, is_rated ? (int)video->fps_numerator : 0,
            is_rated ? (int)video->fps_denominator : 1, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1,
            1, NULL);
    }
    if (format->kind == SB_FORMAT_AUDIO) {
        const struct sb_audio_format *audio = &format->audio;
        GstCaps *caps = gst_caps_new_simple("audio/x-raw", "format", G_TYPE_STRING,
                                            sample_words[audio->sample], "layout", G_TYPE_STRING,
                                            "interleaved", "rate", G_TYPE_INT, (int)audio->rate,
                                            "channels", G_TYPE_INT, (int)audio->channels, NULL);
        add_speakers(caps, audio->channels);
        return caps;
    }
    if (format->kind == SB_FORMAT_TEXT) {
        return gst_caps_new_simple("text/x-raw", "format", G_TYPE_STRING, "utf8", NULL);
    }
    if (format->kind == SB_FORMAT_BINARY && format->name[0] != '\0') {
        return gst_caps_new_empty_simple(format->name);
    }
    return format->kind == SB_FORMAT_BINARY ? gst_caps_new_empty_simple("application/octet-stream")
                                            : NULL;
}

static GstCaps *caps_of_words(const char *media, const char *const *words, size_t count)
{
    GValue list = G_VALUE_INIT;
    GstCaps *caps = gst_caps_new_empty_simple(media);
    g_value_init(&list, GST_TYPE_LIST);
    for (size_t i = 1; i < count; i++) {
        GValue word = G_VALUE_INIT;
        g_value_init(&word, G_TYPE_STRING);
        g_value_set_static_string(&word, words[i]);
        gst_value_list_append_and_take_value(&list, &word);
    }
    gst_caps_set_value(caps, "format", &list);
    g_value_unset(&list);
    return caps;
}

GstCaps *caps_of_port(enum sb_port_type type)
{
    if (type == SB_PORT_VIDEO) {
        return caps_of_words("video/x-raw", pixel_words, COUNT(pixel_words));
    }
    if (type == SB_PORT_AUDIO) {
        GstCaps *caps = caps_of_words("audio/x-raw", sample_words, COUNT(sample_words));
        gst_caps_set_simple(caps, "layout", G_TYPE_STRING, "interleaved", NULL);
        return caps;
    }
    return gst_caps_new_any();
}
