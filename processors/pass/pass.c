// SPDX-License-Identifier: Apache-2.0
// pass: gives every frame on as it came.
#include <streambroker/streambroker.h>

static int pass_frame(struct sb_node *node, const struct sb_frame *frame)
{
    return sb_output_copy(sb_node_output(node, "out"), frame);
}

static const struct sb_port inputs[] = {
    {.name = "in", .type = SB_PORT_ANY, .help = "Frames of any type."},
};

static const struct sb_port outputs[] = {
    {.name = "out",
     .type = SB_PORT_ANY,
     .help = "The same frames.",
     .follows = "in",
     .is_one_per_step = true},
};

static const struct sb_processor pass = {
    .struct_size = sizeof pass,
    .name = "pass",
    .version = "1.0.0",
    .summary = "Gives every frame on as it came.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .on_frame = pass_frame,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&pass, argc, argv);
}
