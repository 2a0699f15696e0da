// SPDX-License-Identifier: Apache-2.0
// Formats: names, bounds, sizes and plane layouts, all from the tables of the public header.
#include <streambroker/format.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

// One generated pair of functions per table: value to name and name to value. Entry 0 is NONE.
#define NAME_TABLE(stem, type)                                                                     \
    const char *sb_##stem##_name(type value)                                                       \
    {                                                                                              \
        size_t index = (size_t)value;                                                              \
        return index > 0 && index < ARRAY_COUNT(stem##_names) ? stem##_names[index] : "?";         \
    }                                                                                              \
    type sb_##stem##_from_name(const char *name)                                                   \
    {                                                                                              \
        for (size_t i = 1; i < ARRAY_COUNT(stem##_names); i++) {                                   \
            if (strcmp(stem##_names[i], name) == 0) {                                              \
                return (type)i;                                                                    \
            }                                                                                      \
        }                                                                                          \
        return (type)0;                                                                            \
    }

static const char *const port_type_names[] = {
#define X(name, text) [SB_PORT_##name] = text,
    SB_PORT_TYPES(X)
#undef X
};

static const char *const format_kind_names[] = {
#define X(name, text, port) [SB_FORMAT_##name] = text,
    SB_FORMAT_KINDS(X)
#undef X
};

static const char *const pixel_names[] = {
#define X(name, text, planes, bytes) [SB_PIXEL_##name] = text,
    SB_PIXELS(X)
#undef X
};

static const char *const sample_names[] = {
#define X(name, text, bytes) [SB_SAMPLE_##name] = text,
    SB_SAMPLES(X)
#undef X
};

static const char *const memory_names[] = {
#define X(name, text) [SB_MEMORY_##name] = text,
    SB_MEMORIES(X)
#undef X
};

static const char *const element_names[] = {
#define X(name, text, bytes) [SB_ELEMENT_##name] = text,
    SB_ELEMENTS(X)
#undef X
};

NAME_TABLE(port_type, enum sb_port_type)
NAME_TABLE(format_kind, enum sb_format_kind)
NAME_TABLE(pixel, enum sb_pixel)
NAME_TABLE(sample, enum sb_sample)
NAME_TABLE(element, enum sb_element)
NAME_TABLE(memory, enum sb_memory)

static const uint8_t pixel_bytes[] = {
#define X(name, text, planes, bytes) [SB_PIXEL_##name] = bytes,
    SB_PIXELS(X)
#undef X
};

static const uint8_t pixel_planes[] = {
#define X(name, text, planes, bytes) [SB_PIXEL_##name] = planes,
    SB_PIXELS(X)
#undef X
};

static const uint8_t sample_bytes[] = {
#define X(name, text, bytes) [SB_SAMPLE_##name] = bytes,
    SB_SAMPLES(X)
#undef X
};

static const uint8_t element_bytes[] = {
#define X(name, text, bytes) [SB_ELEMENT_##name] = bytes,
    SB_ELEMENTS(X)
#undef X
};

size_t sb_sample_bytes(enum sb_sample sample)
{
    return (size_t)sample < ARRAY_COUNT(sample_bytes) ? sample_bytes[sample] : 0;
}

size_t sb_element_bytes(enum sb_element element)
{
    return (size_t)element < ARRAY_COUNT(element_bytes) ? element_bytes[element] : 0;
}

static bool is_video(const struct sb_video_format *video)
{
    size_t pixel = (size_t)video->pixel;
    if (pixel == 0 || pixel >= ARRAY_COUNT(pixel_planes) || video->width < 1 ||
        video->width > SB_VIDEO_SIZE_MAX || video->height < 1 ||
        video->height > SB_VIDEO_SIZE_MAX) {
        return false;
    }
    bool is_planar = pixel_bytes[pixel] == 0;
    if ((is_planar || video->pixel == SB_PIXEL_YUY2) && video->width % 2 != 0) {
        return false;
    }
    if (is_planar && video->height % 2 != 0) {
        return false;
    }
    return video->fps_denominator > 0 || video->fps_numerator == 0;
}

static void add_plane(struct sb_video_layout *layout, size_t row_bytes, uint32_t rows)
{
    layout->planes[layout->plane_count++] = (struct sb_plane){.offset_bytes = layout->size_bytes,
                                                              .stride_bytes = row_bytes,
                                                              .row_bytes = row_bytes,
                                                              .rows = rows};
    layout->size_bytes += row_bytes * rows;
}

int sb_video_layout_get(const struct sb_video_format *format, struct sb_video_layout *out_layout)
{
    if (!is_video(format)) {
        return -EINVAL;
    }
    struct sb_video_layout layout = {0};
    size_t packed = pixel_bytes[format->pixel];
    if (packed > 0) {
        add_plane(&layout, format->width * packed, format->height);
    } else {
        add_plane(&layout, format->width, format->height);
        // Chroma: one plane of pairs, or two planes of single bytes, halved in both directions.
        uint32_t planes = pixel_planes[format->pixel] - 1U;
        size_t row_bytes = planes == 1 ? format->width : format->width / 2;
        for (uint32_t i = 0; i < planes; i++) {
            add_plane(&layout, row_bytes, format->height / 2);
        }
    }
    *out_layout = layout;
    return 0;
}

static bool is_audio(const struct sb_audio_format *audio)
{
    return sb_sample_bytes(audio->sample) > 0 && audio->rate >= 1 &&
           audio->rate <= SB_AUDIO_RATE_MAX && audio->channels >= 1 &&
           audio->channels <= SB_AUDIO_CHANNELS_MAX;
}

// Elements of a tensor, 0 when a bound is broken. Below 2^32 bytes by the limit of a payload.
static uint64_t tensor_bytes(const struct sb_tensor_format *tensor)
{
    uint64_t bytes = sb_element_bytes(tensor->element);
    if (bytes == 0 || tensor->rank < 1 || tensor->rank > SB_TENSOR_RANK_MAX) {
        return 0;
    }
    for (uint32_t i = 0; i < tensor->rank; i++) {
        if (tensor->shape[i] == 0 || bytes > (UINT64_C(1) << 32) / tensor->shape[i]) {
            return 0;
        }
        bytes *= tensor->shape[i];
    }
    return bytes;
}

static bool is_name(const char *name)
{
    size_t length = strnlen(name, SB_FORMAT_NAME_MAX);
    if (length == SB_FORMAT_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (name[i] <= 0x20 || name[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

int sb_format_check(const struct sb_format *format)
{
    bool is_valid = false;
    switch (format->kind) {
    case SB_FORMAT_VIDEO:
        is_valid = is_video(&format->video);
        break;
    case SB_FORMAT_AUDIO:
        is_valid = is_audio(&format->audio);
        break;
    case SB_FORMAT_TEXT:
        is_valid = true;
        break;
    case SB_FORMAT_BINARY:
        is_valid = is_name(format->name);
        break;
    case SB_FORMAT_TENSOR:
        is_valid = tensor_bytes(&format->tensor) > 0;
        break;
    case SB_FORMAT_MESSAGE:
        is_valid = format->name[0] != '\0' && is_name(format->name);
        break;
    case SB_FORMAT_NONE:
    default:
        break;
    }
    return is_valid ? 0 : -EINVAL;
}

static bool is_same_tensor(const struct sb_tensor_format *a, const struct sb_tensor_format *b)
{
    if (a->element != b->element || a->rank != b->rank || a->rank > SB_TENSOR_RANK_MAX) {
        return false;
    }
    return memcmp(a->shape, b->shape, a->rank * sizeof a->shape[0]) == 0;
}

int sb_format_is_equal(const struct sb_format *a, const struct sb_format *b)
{
    if (a->kind != b->kind) {
        return 0;
    }
    switch (a->kind) {
    case SB_FORMAT_VIDEO:
        return a->video.pixel == b->video.pixel && a->video.width == b->video.width &&
               a->video.height == b->video.height;
    case SB_FORMAT_AUDIO:
        return a->audio.sample == b->audio.sample && a->audio.rate == b->audio.rate &&
               a->audio.channels == b->audio.channels;
    case SB_FORMAT_TENSOR:
        return is_same_tensor(&a->tensor, &b->tensor);
    case SB_FORMAT_BINARY:
    case SB_FORMAT_MESSAGE:
        return strncmp(a->name, b->name, SB_FORMAT_NAME_MAX) == 0;
    case SB_FORMAT_TEXT:
    case SB_FORMAT_NONE:
    default:
        return 1;
    }
}

uint64_t sb_format_frame_bytes(const struct sb_format *format)
{
    struct sb_video_layout layout;
    if (format->kind == SB_FORMAT_VIDEO && sb_video_layout_get(&format->video, &layout) == 0) {
        return layout.size_bytes;
    }
    return format->kind == SB_FORMAT_TENSOR ? tensor_bytes(&format->tensor) : 0;
}

static void add_shape(struct text *text, const struct sb_tensor_format *tensor)
{
    for (uint32_t i = 0; i < tensor->rank && i < SB_TENSOR_RANK_MAX; i++) {
        text_add_format(text, "%s%u", i == 0 ? " " : "x", tensor->shape[i]);
    }
}

void sb_format_text(const struct sb_format *format, char *out, size_t size_bytes)
{
    struct text text = text_over(out, size_bytes);
    text_add(&text, sb_format_kind_name(format->kind));
    switch (format->kind) {
    case SB_FORMAT_VIDEO:
        text_add_format(&text, " %s %ux%u", sb_pixel_name(format->video.pixel), format->video.width,
                        format->video.height);
        if (format->video.fps_numerator > 0) {
            text_add_format(&text, " %u/%u", format->video.fps_numerator,
                            format->video.fps_denominator);
        }
        break;
    case SB_FORMAT_AUDIO:
        text_add_format(&text, " %s %u Hz %u channel%s", sb_sample_name(format->audio.sample),
                        format->audio.rate, format->audio.channels,
                        format->audio.channels == 1 ? "" : "s");
        break;
    case SB_FORMAT_TENSOR:
        text_add_format(&text, " %s", sb_element_name(format->tensor.element));
        add_shape(&text, &format->tensor);
        break;
    case SB_FORMAT_BINARY:
    case SB_FORMAT_MESSAGE:
        if (format->name[0] != '\0') {
            text_add_format(&text, " %.*s", SB_FORMAT_NAME_MAX, format->name);
        }
        break;
    case SB_FORMAT_TEXT:
    case SB_FORMAT_NONE:
    default:
        break;
    }
}
