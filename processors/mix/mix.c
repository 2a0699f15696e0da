// SPDX-License-Identifier: Apache-2.0
// mix: the sum of several audio streams of one format.
//
// The streams may come in frames of different sizes, so it takes a frame of a stream only when the
// one before is used up, and waits for exactly the stream that lacks one.
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <streambroker/streambroker.h>

#include "processors/common/samples.h"
#include "processors/common/whole.h"

#define STREAMS_MAX 16
#define NS_PER_S 1000000000

struct stream {
    struct sb_input *input;
    bool has_format;
    bool has_frame;
    struct sb_frame frame;
    size_t used_bytes;
};

struct mix {
    struct sb_output *output;
    struct stream streams[STREAMS_MAX];
    uint32_t count;
    struct sb_audio_format format;
    float factor;
    float *sums;
    size_t sums_max;  // samples
    uint64_t published;
};

static int mix_config(struct sb_node *node)
{
    struct mix *mix = sb_node_data(node);
    mix->factor = (float)pow(10, sb_param_real(node, "db") / 20);
    return 0;
}

static int mix_prepare(struct sb_node *node)
{
    struct mix *mix = calloc(1, sizeof *mix);
    if (mix == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, mix);
    mix->output = sb_node_output(node, "audio");
    for (uint32_t i = 0; i < STREAMS_MAX; i++) {
        char name[SB_NAME_BYTES_MAX];
        snprintf(name, sizeof name, "audio_%u", i);
        struct sb_input *input = sb_node_input(node, name);
        if (sb_input_is_linked(input)) {
            mix->streams[mix->count++].input = input;
        }
    }
    if (mix->count == 0) {
        return sb_node_error(node, -EINVAL, "no audio is linked: link audio_0, audio_1, ...");
    }
    return mix_config(node);
}

static int mix_format(struct sb_node *node, struct sb_input *input, const struct sb_format *format)
{
    struct mix *mix = sb_node_data(node);
    const struct stream *first = NULL;
    for (uint32_t i = 0; i < mix->count; i++) {
        struct stream *stream = &mix->streams[i];
        if (stream->input != input && stream->has_format) {
            first = stream;
        }
        stream->has_format = stream->has_format || stream->input == input;
    }
    struct sb_format known = {.kind = SB_FORMAT_AUDIO, .audio = mix->format};
    if (first != NULL && !sb_format_is_equal(&known, format)) {
        char here[SB_FORMAT_NAME_MAX];
        char there[SB_FORMAT_NAME_MAX];
        sb_format_text(format, here, sizeof here);
        sb_format_text(&known, there, sizeof there);
        return sb_node_error(node, -EINVAL,
                             "%s is %s but %s is %s: put a resample node before one of them",
                             sb_input_name(input), here, sb_input_name(first->input), there);
    }
    mix->format = format->audio;
    return sb_output_offer(mix->output, format, 1, 0);
}

// Every stream that has not ended gets a frame. Returns the number of streams that have one, or
// -ECANCELED.
static int fill_streams(struct mix *mix)
{
    int count = 0;
    for (uint32_t i = 0; i < mix->count; i++) {
        struct stream *stream = &mix->streams[i];
        while (!stream->has_frame) {
            int result = sb_input_take(stream->input, &stream->frame);
            if (result == -EPIPE) {
                break;
            }
            if (result < 0) {
                return result;
            }
            if (result == 0) {
                result = sb_input_wait(stream->input, INT64_MAX);
                if (result < 0) {
                    return result;
                }
                continue;
            }
            // Kept beyond its step: it is used up at another time than those of other streams.
            result = sb_frame_hold(&stream->frame, &stream->frame);
            if (result < 0) {
                return result;
            }
            stream->has_frame = true;
            stream->used_bytes = 0;
        }
        count += stream->has_frame;
    }
    return count;
}

// Bytes that every stream has.
static size_t common_bytes(const struct mix *mix)
{
    size_t least = SIZE_MAX;
    for (uint32_t i = 0; i < mix->count; i++) {
        const struct stream *stream = &mix->streams[i];
        if (stream->has_frame) {
            size_t left = (size_t)stream->frame.size_bytes - stream->used_bytes;
            least = left < least ? left : least;
        }
    }
    return least;
}

static int grow(struct mix *mix, size_t samples)
{
    if (samples > mix->sums_max) {
        float *sums = realloc(mix->sums, samples * sizeof sums[0]);
        if (sums == NULL) {
            return -ENOMEM;
        }
        mix->sums = sums;
        mix->sums_max = samples;
    }
    return 0;
}

static void add_streams(struct mix *mix, size_t bytes, size_t samples)
{
    memset(mix->sums, 0, samples * sizeof mix->sums[0]);
    for (uint32_t i = 0; i < mix->count; i++) {
        struct stream *stream = &mix->streams[i];
        if (!stream->has_frame) {
            continue;
        }
        samples_add(mix->format.sample, (const uint8_t *)stream->frame.data + stream->used_bytes,
                    mix->factor, samples, mix->sums);
        stream->used_bytes += bytes;
        if (stream->used_bytes == stream->frame.size_bytes) {
            sb_frame_release(&stream->frame);
            stream->has_frame = false;
        }
    }
}

// Time of the next sample: of the first stream that has a frame.
static int64_t time_of(const struct mix *mix, size_t frame_bytes)
{
    for (uint32_t i = 0; i < mix->count; i++) {
        const struct stream *stream = &mix->streams[i];
        if (stream->has_frame) {
            int64_t frames = (int64_t)(stream->used_bytes / frame_bytes);
            return stream->frame.pts_ns + frames * NS_PER_S / mix->format.rate;
        }
    }
    return sb_now_ns();
}

static int mix_once(struct mix *mix)
{
    size_t sample_bytes = sb_sample_bytes(mix->format.sample);
    size_t frame_bytes = sample_bytes * mix->format.channels;
    size_t bytes = common_bytes(mix) / frame_bytes * frame_bytes;
    if (bytes == 0) {
        return -EPROTO;  // a part of a sample frame
    }
    size_t samples = bytes / sample_bytes;
    struct sb_buffer buffer;
    int result = grow(mix, samples);
    if (result == 0) {
        result = sb_output_claim(mix->output, bytes, &buffer);
    }
    if (result < 0) {
        return result;
    }
    buffer.number = mix->published++;
    buffer.pts_ns = time_of(mix, frame_bytes);
    buffer.duration_ns = (int64_t)(bytes / frame_bytes) * NS_PER_S / mix->format.rate;
    add_streams(mix, bytes, samples);
    samples_from_float(mix->format.sample, mix->sums, samples, buffer.data);
    return sb_output_publish(mix->output, &buffer);
}

static int mix_run(struct sb_node *node)
{
    struct mix *mix = sb_node_data(node);
    while (!sb_node_should_stop(node)) {
        int result = fill_streams(mix);
        if (result == 0 || result == -ECANCELED) {
            break;  // all have ended, or the node stops
        }
        if (result > 0) {
            result = mix_once(mix);
        }
        if (result < 0 && result != -ECANCELED) {
            return sb_node_error(node, result, "cannot mix: %s", sb_error_text(result));
        }
    }
    sb_node_finish(node);
    return 0;
}

static void mix_close(struct sb_node *node)
{
    struct mix *mix = sb_node_data(node);
    if (mix != NULL) {
        free(mix->sums);
        free(mix);
    }
}

static int mix_open(struct sb_node *node)
{
    return whole_open(node, mix_prepare, mix_close);
}

static const struct sb_port inputs[] = {
    {.name = "audio",
     .type = SB_PORT_AUDIO,
     .help = "A stream; all are of one format.",
     .count = STREAMS_MAX,
     .is_optional = true,
     .holds = 2},
};

static const struct sb_port outputs[] = {
    {.name = "audio", .type = SB_PORT_AUDIO, .help = "The sum of all streams."},
};

static const struct sb_param params[] = {
    {.name = "db",
     .type = SB_PARAM_REAL,
     .help = "Gain of every stream in decibels, so that the sum does not leave the range.",
     .initial = "0",
     .minimum = -120,
     .maximum = 60},
};

static const struct sb_processor mix_processor = {
    .struct_size = sizeof mix_processor,
    .name = "mix",
    .version = "1.0.0",
    .summary = "The sum of several audio streams of one format.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = 1,
    .mode = SB_MODE_MANUAL,
    .open = mix_open,
    .on_format = mix_format,
    .run = mix_run,
    .on_config = mix_config,
    .close = mix_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&mix_processor, argc, argv);
}
