// SPDX-License-Identifier: Apache-2.0
// Writes a frame's fields and format into a user header, and reads them from one.
#include "processors/iceoryx/user_header.h"

#include <errno.h>
#include <string.h>

static void write_format(const struct sb_format *format, struct user_header *header)
{
    uint32_t *words = header->words;
    header->kind = (uint32_t)format->kind;
    switch (format->kind) {
    case SB_FORMAT_VIDEO:
        words[0] = (uint32_t)format->video.pixel;
        words[1] = format->video.width;
        words[2] = format->video.height;
        words[3] = format->video.fps_numerator;
        words[4] = format->video.fps_denominator;
        break;
    case SB_FORMAT_AUDIO:
        words[0] = (uint32_t)format->audio.sample;
        words[1] = format->audio.rate;
        words[2] = format->audio.channels;
        break;
    case SB_FORMAT_TENSOR:
        words[0] = (uint32_t)format->tensor.element;
        words[1] = format->tensor.rank;
        memcpy(&words[2], format->tensor.shape, sizeof format->tensor.shape);
        break;
    case SB_FORMAT_BINARY:
    case SB_FORMAT_MESSAGE:
        memcpy(header->name, format->name, sizeof header->name - 1);
        break;
    case SB_FORMAT_TEXT:
    case SB_FORMAT_NONE:
    default:
        break;
    }
}

void user_header_write(const struct sb_frame *frame, const struct sb_format *format,
                       struct user_header *out_header)
{
    struct user_header header = {
        .magic = USER_HEADER_MAGIC,
        .version = USER_HEADER_VERSION,
        .size_bytes = sizeof header,
        .number = frame->number,
        .seq = frame->seq,
        .pts_ns = frame->pts_ns,
        .duration_ns = frame->duration_ns,
        .trace_id = frame->trace_id,
        .job_id = frame->job_id,
        .flags = frame->flags,
    };
    write_format(format, &header);
    *out_header = header;
}

static void read_format(const struct user_header *header, struct sb_format *out_format)
{
    const uint32_t *words = header->words;
    struct sb_format format = {.kind = (enum sb_format_kind)header->kind};
    switch (format.kind) {
    case SB_FORMAT_VIDEO:
        format.video = (struct sb_video_format){.pixel = (enum sb_pixel)words[0],
                                                .width = words[1],
                                                .height = words[2],
                                                .fps_numerator = words[3],
                                                .fps_denominator = words[4]};
        break;
    case SB_FORMAT_AUDIO:
        format.audio = (struct sb_audio_format){
            .sample = (enum sb_sample)words[0], .rate = words[1], .channels = words[2]};
        break;
    case SB_FORMAT_TENSOR:
        format.tensor.element = (enum sb_element)words[0];
        format.tensor.rank = words[1];
        memcpy(format.tensor.shape, &words[2], sizeof format.tensor.shape);
        break;
    case SB_FORMAT_BINARY:
    case SB_FORMAT_MESSAGE:
        memcpy(format.name, header->name, sizeof format.name);
        break;
    case SB_FORMAT_TEXT:
    case SB_FORMAT_NONE:
    default:
        break;
    }
    *out_format = format;
}

int user_header_read(const void *bytes, size_t size_bytes, struct user_header *out_header,
                     struct sb_format *out_format)
{
    struct user_header header;
    struct sb_format format;
    if (size_bytes < sizeof header) {
        return -ENOENT;
    }
    memcpy(&header, bytes, sizeof header);
    if (header.magic != USER_HEADER_MAGIC) {
        return -ENOENT;
    }
    if (header.version != USER_HEADER_VERSION || header.size_bytes < sizeof header ||
        header.size_bytes > size_bytes || header.duration_ns < 0 ||
        memchr(header.name, '\0', sizeof header.name) == NULL) {
        return -EPROTO;
    }
    read_format(&header, &format);
    if (sb_format_check(&format) < 0) {
        return -EPROTO;
    }
    *out_header = header;
    *out_format = format;
    return 0;
}
