// SPDX-License-Identifier: Apache-2.0
// resample: audio at another rate, in another sample format, with another number of channels.
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <speex/speex_resampler.h>
#include <streambroker/streambroker.h>

#include "processors/common/samples.h"

#define NS_PER_S 1000000000
#define BLOCK_FRAMES 4096  // sample frames that are worked on at once

struct resample {
    struct sb_output *output;
    struct sb_audio_format from;
    struct sb_audio_format to;
    SpeexResamplerState *state;  // NULL when the rate stays
    float *in;                   // BLOCK_FRAMES of the input, then with the wanted channels
    float *mixed;
    float *out;
    uint32_t out_frames_max;
    uint32_t flush_frames;  // input that is still inside the filter at the end
    int64_t next_ns;        // time of the next output sample
    bool is_started;
    uint64_t published;
};

static int resample_open(struct sb_node *node)
{
    struct resample *resample = calloc(1, sizeof *resample);
    if (resample == NULL) {
        return -ENOMEM;
    }
    resample->output = sb_node_output(node, "audio");
    sb_node_set_data(node, resample);
    return 0;
}

static void drop(struct resample *resample)
{
    if (resample->state != NULL) {
        speex_resampler_destroy(resample->state);
        resample->state = NULL;
    }
    free(resample->in);
    free(resample->mixed);
    free(resample->out);
    resample->in = NULL;
    resample->mixed = NULL;
    resample->out = NULL;
}

static int prepare(struct resample *resample, int quality)
{
    drop(resample);
    const struct sb_audio_format *from = &resample->from;
    const struct sb_audio_format *to = &resample->to;
    // One frame more than the ratio says, for the place of the filter between two samples.
    resample->out_frames_max = (uint32_t)((uint64_t)BLOCK_FRAMES * to->rate / from->rate) + 2;
    resample->in = calloc((size_t)BLOCK_FRAMES * from->channels, sizeof(float));
    resample->mixed = calloc((size_t)BLOCK_FRAMES * to->channels, sizeof(float));
    resample->out = calloc((size_t)resample->out_frames_max * to->channels, sizeof(float));
    if (resample->in == NULL || resample->mixed == NULL || resample->out == NULL) {
        return -ENOMEM;
    }
    resample->flush_frames = 0;
    if (from->rate != to->rate) {
        int error = 0;
        resample->state = speex_resampler_init(to->channels, from->rate, to->rate, quality, &error);
        if (resample->state == NULL) {
            return -EINVAL;
        }
        // The output begins with the first sample of the input, not with the filter's delay.
        speex_resampler_skip_zeros(resample->state);
        resample->flush_frames = (uint32_t)speex_resampler_get_input_latency(resample->state);
    }
    return 0;
}

static int resample_format(struct sb_node *node, struct sb_input *input,
                           const struct sb_format *format)
{
    struct resample *resample = sb_node_data(node);
    struct sb_format to = *format;
    (void)input;
    int64_t rate = sb_param_int(node, "rate");
    int64_t channels = sb_param_int(node, "channels");
    int sample = sb_param_choice(node, "sample");
    to.audio.rate = rate > 0 ? (uint32_t)rate : format->audio.rate;
    to.audio.channels = channels > 0 ? (uint32_t)channels : format->audio.channels;
    to.audio.sample = sample > 0 ? (enum sb_sample)sample : format->audio.sample;
    resample->from = format->audio;
    resample->to = to.audio;
    int result = prepare(resample, (int)sb_param_int(node, "quality"));
    if (result < 0) {
        return sb_node_error(node, result, "cannot resample from %u to %u Hz", format->audio.rate,
                             to.audio.rate);
    }
    size_t frame_bytes = sb_sample_bytes(to.audio.sample) * to.audio.channels;
    return sb_output_offer(resample->output, &to, 1, resample->out_frames_max * frame_bytes);
}

// One channel becomes all; all become one as their mean; else channels are kept by their place.
static void mix_channels(const struct resample *resample, const float *in, uint32_t frames,
                         float *out)
{
    uint32_t from = resample->from.channels;
    uint32_t to = resample->to.channels;
    for (uint32_t i = 0; i < frames; i++) {
        const float *source = in + (size_t)i * from;
        float *target = out + (size_t)i * to;
        float sum = 0;
        for (uint32_t c = 0; c < from; c++) {
            sum += source[c];
        }
        for (uint32_t c = 0; c < to; c++) {
            float kept = c < from ? source[c] : 0;
            target[c] = from == 1 ? source[0] : to == 1 ? sum / (float)from : kept;
        }
    }
}

static int publish(struct resample *resample, const float *samples, uint32_t frames)
{
    if (frames == 0) {
        return 0;
    }
    size_t frame_bytes = sb_sample_bytes(resample->to.sample) * resample->to.channels;
    struct sb_buffer buffer;
    int result = sb_output_claim(resample->output, frames * frame_bytes, &buffer);
    if (result < 0) {
        return result;
    }
    // Pieces of one frame must not share its number.
    buffer.number = resample->published++;
    buffer.pts_ns = resample->next_ns;
    buffer.duration_ns = (int64_t)frames * NS_PER_S / resample->to.rate;
    samples_from_float(resample->to.sample, samples, (size_t)frames * resample->to.channels,
                       buffer.data);
    result = sb_output_publish(resample->output, &buffer);
    if (result == 0) {
        resample->next_ns += buffer.duration_ns;
    }
    return result;
}

// At most BLOCK_FRAMES of the wanted channels, all of which go through the filter.
static int filter(struct resample *resample, const float *samples, uint32_t frames)
{
    if (resample->state == NULL) {
        return publish(resample, samples, frames);
    }
    uint32_t done = 0;
    while (done < frames) {
        uint32_t in_frames = frames - done;
        uint32_t out_frames = resample->out_frames_max;
        int error = speex_resampler_process_interleaved_float(
            resample->state, samples + (size_t)done * resample->to.channels, &in_frames,
            resample->out, &out_frames);
        if (error != RESAMPLER_ERR_SUCCESS || (in_frames == 0 && out_frames == 0)) {
            return -EIO;
        }
        int result = publish(resample, resample->out, out_frames);
        if (result < 0) {
            return result;
        }
        done += in_frames;
    }
    return 0;
}

static int resample_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct resample *resample = sb_node_data(node);
    size_t frame_bytes = sb_sample_bytes(resample->from.sample) * resample->from.channels;
    uint64_t frames = frame->size_bytes / frame_bytes;
    if (!resample->is_started) {
        resample->is_started = true;
        resample->next_ns = frame->pts_ns;
    }
    for (uint64_t done = 0; done < frames;) {
        uint64_t left = frames - done;
        uint32_t count = (uint32_t)(left < BLOCK_FRAMES ? left : BLOCK_FRAMES);
        samples_to_float(resample->from.sample, (const uint8_t *)frame->data + done * frame_bytes,
                         (size_t)count * resample->from.channels, resample->in);
        mix_channels(resample, resample->in, count, resample->mixed);
        int result = filter(resample, resample->mixed, count);
        if (result < 0) {
            return result;
        }
        done += count;
    }
    return 0;
}

// What is inside the filter comes out when silence follows it.
static int resample_drain(struct sb_node *node)
{
    struct resample *resample = sb_node_data(node);
    uint32_t left = resample->is_started ? resample->flush_frames : 0;
    while (left > 0) {
        uint32_t count = left < BLOCK_FRAMES ? left : BLOCK_FRAMES;
        memset(resample->mixed, 0, (size_t)count * resample->to.channels * sizeof(float));
        int result = filter(resample, resample->mixed, count);
        if (result < 0) {
            return result;
        }
        left -= count;
    }
    return 0;
}

static void resample_close(struct sb_node *node)
{
    struct resample *resample = sb_node_data(node);
    if (resample != NULL) {
        drop(resample);
        free(resample);
    }
}

static const struct sb_port inputs[] = {
    {.name = "audio", .type = SB_PORT_AUDIO, .help = "Audio."},
};

static const struct sb_port outputs[] = {
    {.name = "audio", .type = SB_PORT_AUDIO, .help = "The same audio in the wanted format."},
};

// The index of a name is the value of its enum.
static const char *const samples[] = {
    "keep",
#define X(name, text, bytes) text,
    SB_SAMPLES(X)
#undef X
        NULL,
};

static const struct sb_param params[] = {
    {.name = "rate",
     .type = SB_PARAM_INT,
     .help = "Sample frames per second, 0 = keep.",
     .initial = "0",
     .minimum = 0,
     .maximum = SB_AUDIO_RATE_MAX,
     .is_fixed = true},
    {.name = "sample",
     .type = SB_PARAM_CHOICE,
     .help = "Sample format.",
     .initial = "keep",
     .choices = samples,
     .is_fixed = true},
    {.name = "channels",
     .type = SB_PARAM_INT,
     .help = "Number of channels, 0 = keep; one is copied to all, and all are averaged to one.",
     .initial = "0",
     .minimum = 0,
     .maximum = SB_AUDIO_CHANNELS_MAX,
     .is_fixed = true},
    {.name = "quality",
     .type = SB_PARAM_INT,
     .help = "0 is the fastest, 10 the best.",
     .initial = "7",
     .minimum = 0,
     .maximum = 10,
     .is_fixed = true},
};

static const struct sb_processor resample_processor = {
    .struct_size = sizeof resample_processor,
    .name = "resample",
    .version = "1.0.0",
    .summary = "Audio at another rate, in another sample format, with other channels.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .open = resample_open,
    .on_format = resample_format,
    .on_frame = resample_frame,
    .on_drain = resample_drain,
    .close = resample_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&resample_processor, argc, argv);
}
