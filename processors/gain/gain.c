// SPDX-License-Identifier: Apache-2.0
// gain: audio louder or softer.
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <streambroker/streambroker.h>

#include "processors/common/samples.h"
#include "processors/common/whole.h"

struct gain {
    struct sb_output *output;
    struct sb_audio_format format;
    float factor;
};

static int gain_config(struct sb_node *node)
{
    struct gain *gain = sb_node_data(node);
    gain->factor = (float)pow(10, sb_param_real(node, "db") / 20);
    return 0;
}

static int gain_prepare(struct sb_node *node)
{
    struct gain *gain = calloc(1, sizeof *gain);
    if (gain == NULL) {
        return -ENOMEM;
    }
    gain->output = sb_node_output(node, "audio");
    sb_node_set_data(node, gain);
    return gain_config(node);
}

static int gain_format(struct sb_node *node, struct sb_input *input, const struct sb_format *format)
{
    struct gain *gain = sb_node_data(node);
    (void)input;
    gain->format = format->audio;
    return 0;
}

static int gain_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct gain *gain = sb_node_data(node);
    struct sb_buffer buffer;
    int result = sb_output_claim(gain->output, frame->size_bytes, &buffer);
    if (result < 0) {
        return result;
    }
    size_t count = (size_t)frame->size_bytes / sb_sample_bytes(gain->format.sample);
    samples_scale(gain->format.sample, frame->data, gain->factor, count, buffer.data);
    return sb_output_publish(gain->output, &buffer);
}

static void gain_close(struct sb_node *node)
{
    free(sb_node_data(node));
}

static int gain_open(struct sb_node *node)
{
    return whole_open(node, gain_prepare, gain_close);
}

static const struct sb_port inputs[] = {
    {.name = "audio", .type = SB_PORT_AUDIO, .help = "Audio."},
};

static const struct sb_port outputs[] = {
    {.name = "audio",
     .type = SB_PORT_AUDIO,
     .help = "The same audio, louder or softer.",
     .follows = "audio",
     .is_one_per_step = true},
};

static const struct sb_param params[] = {
    {.name = "db",
     .type = SB_PARAM_REAL,
     .help = "Gain in decibels: 6 is about twice as loud, -6 about half.",
     .initial = "0",
     .minimum = -120,
     .maximum = 60},
};

static const struct sb_processor gain_processor = {
    .struct_size = sizeof gain_processor,
    .name = "gain",
    .version = "1.0.0",
    .summary = "Audio louder or softer.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = 1,
    .open = gain_open,
    .on_format = gain_format,
    .on_frame = gain_frame,
    .on_config = gain_config,
    .close = gain_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&gain_processor, argc, argv);
}
