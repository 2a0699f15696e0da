// SPDX-License-Identifier: Apache-2.0
// delay: gives every frame on when a number of later ones has come.
#include <errno.h>
#include <stdlib.h>

#include <streambroker/streambroker.h>

#define DELAY_FRAMES_MAX 64

struct delay {
    struct sb_output *output;
    size_t frames;  // that are kept
    size_t first;   // oldest of ring
    size_t count;
    struct sb_frame ring[DELAY_FRAMES_MAX];
};

static int delay_open(struct sb_node *node)
{
    struct delay *delay = calloc(1, sizeof *delay);
    if (delay == NULL) {
        return -ENOMEM;
    }
    delay->output = sb_node_output(node, "out");
    delay->frames = (size_t)sb_param_int(node, "frames");
    sb_node_set_data(node, delay);
    return 0;
}

// Takes its number and times from the frame itself: the one in work is a later one.
static int give_oldest(struct delay *delay)
{
    const struct sb_frame *oldest = &delay->ring[delay->first];
    int result = sb_output_copy(delay->output, oldest);
    if (result < 0) {
        return result;
    }
    result = sb_frame_release(oldest);
    delay->first = (delay->first + 1) % DELAY_FRAMES_MAX;
    delay->count--;
    return result;
}

static int delay_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct delay *delay = sb_node_data(node);
    if (delay->frames == 0) {
        return sb_output_copy(delay->output, frame);
    }
    if (delay->count == delay->frames) {
        int result = give_oldest(delay);
        if (result < 0) {
            return result;
        }
    }
    size_t place = (delay->first + delay->count) % DELAY_FRAMES_MAX;
    int result = sb_frame_hold(frame, &delay->ring[place]);
    if (result == 0) {
        delay->count++;
    }
    return result;
}

static int delay_drain(struct sb_node *node)
{
    struct delay *delay = sb_node_data(node);
    int result = 0;
    while (result == 0 && delay->count > 0) {
        result = give_oldest(delay);
    }
    return result;
}

static void delay_close(struct sb_node *node)
{
    free(sb_node_data(node));
}

static const struct sb_port inputs[] = {
    {.name = "in",
     .type = SB_PORT_ANY,
     .help = "Frames of any type.",
     .holds = DELAY_FRAMES_MAX + 1},
};

static const struct sb_port outputs[] = {
    {.name = "out", .type = SB_PORT_ANY, .help = "The same frames, later.", .follows = "in"},
};

static const struct sb_param params[] = {
    {.name = "frames",
     .type = SB_PARAM_INT,
     .help = "Number of frames by which the stream is delayed.",
     .initial = "1",
     .minimum = 0,
     .maximum = DELAY_FRAMES_MAX,
     .is_fixed = true},
};

static const struct sb_processor delay_processor = {
    .struct_size = sizeof delay_processor,
    .name = "delay",
    .version = "1.0.0",
    .summary = "Gives every frame on when a number of later ones has come.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = 1,
    .open = delay_open,
    .on_frame = delay_frame,
    .on_drain = delay_drain,
    .close = delay_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&delay_processor, argc, argv);
}
