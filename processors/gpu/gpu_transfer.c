// SPDX-License-Identifier: Apache-2.0
// One copy by the device per frame, in either direction.
#include "processors/gpu/gpu_transfer.h"

#include "processors/gpu/gpu_filter.h"

static int transfer_open(struct sb_node *node)
{
    return gpu_filter_open(node, sizeof(struct gpu_filter));
}

static int record(void *data, const struct sb_gpu_span *from, const struct sb_gpu_span *to)
{
    const struct gpu_filter *filter = data;
    return sb_gpu_copy(filter->effects.gpu, from, to);
}

static int transfer_frame(struct sb_node *node, const struct sb_frame *frame)
{
    const struct gpu_filter *filter = sb_node_data(node);
    struct sb_buffer buffer;
    int failed = sb_output_claim(filter->output, frame->size_bytes, &buffer);
    return failed == 0 ? gpu_filter_run(node, frame, &buffer, record, "copy it") : failed;
}

int gpu_transfer_main(const char *name, const char *summary, enum sb_memory from, enum sb_memory to,
                      int argc, char **argv)
{
    static const struct sb_param params[] = {GPU_NODE_PARAMS};
    const struct sb_port input = {.name = "video",
                                  .type = SB_PORT_VIDEO,
                                  .help = "Video in any pixel format.",
                                  .memories = SB_BIT(from)};
    const struct sb_port output = {.name = "video",
                                   .type = SB_PORT_VIDEO,
                                   .help = "The same video in the other memory.",
                                   .follows = "video",
                                   .memories = SB_BIT(to),
                                   .is_one_per_step = true};
    const struct sb_processor processor = {
        .struct_size = sizeof processor,
        .name = name,
        .version = "1.0.0",
        .summary = summary,
        .inputs = &input,
        .input_count = 1,
        .outputs = &output,
        .output_count = 1,
        .params = params,
        .param_count = sizeof params / sizeof params[0],
        .wants = gpu_node_wants,
        .open = transfer_open,
        .on_frame = transfer_frame,
        .close = gpu_filter_close,
    };
    return sb_processor_main(&processor, argc, argv);
}
