// SPDX-License-Identifier: Apache-2.0
// joiner: two inputs, two outputs, one pair per step; it fails when the pairs shift.
#include <errno.h>
#include <inttypes.h>

#include <streambroker/streambroker.h>

static int joiner_frames(struct sb_node *node, const struct sb_frame *frames, size_t count)
{
    // A way that holds frames back gives them later, but with their own numbers.
    if (count == 2 && frames[0].number != frames[1].number) {
        sb_node_fail_data(node, "frame %" PRIu64 " met frame %" PRIu64, frames[0].number,
                          frames[1].number);
        return -EINVAL;
    }
    if (count != 2) {
        return 0;
    }
    int first = sb_output_copy(sb_node_output(node, "out_0"), &frames[0]);
    int second = sb_output_copy(sb_node_output(node, "out_1"), &frames[1]);
    return first < 0 ? first : second;
}

static const struct sb_port inputs[] = {
    {.name = "in", .type = SB_PORT_DATA, .help = "Both halves.", .count = 2},
};

static const struct sb_port outputs[] = {
    {.name = "out",
     .type = SB_PORT_DATA,
     .help = "The same halves.",
     .count = 2,
     .is_one_per_step = true,
     .max_payload = 4096},
};

static const struct sb_processor joiner = {
    .struct_size = sizeof joiner,
    .name = "joiner",
    .version = "1.0.0",
    .summary = "Gives pairs on as pairs.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .activation = SB_ACTIVATE_ALL,
    .on_frames = joiner_frames,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&joiner, argc, argv);
}
