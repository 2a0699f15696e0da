// SPDX-License-Identifier: Apache-2.0
// One copy by the device per frame, in either direction.
#include "processors/gpu/gpu_transfer.h"

#include <errno.h>
#include <stdlib.h>

#include "processors/gpu/gpu_node.h"

struct gpu_transfer {
    struct gpu_effects effects;
    struct sb_output *output;
};

static int transfer_open(struct sb_node *node)
{
    struct gpu_transfer *transfer = calloc(1, sizeof *transfer);
    if (transfer == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, transfer);
    transfer->output = sb_node_output(node, "video");
    int failed = gpu_node_open(node, &transfer->effects);
    if (failed != 0) {
        free(transfer);
        sb_node_set_data(node, NULL);
    }
    return failed;
}

static int run(struct sb_gpu *gpu, const struct sb_frame *frame, const struct sb_buffer *buffer)
{
    struct sb_gpu_span from;
    struct sb_gpu_span to;
    int failed = sb_gpu_begin(gpu);
    failed = failed == 0 ? sb_gpu_read(gpu, frame, &from) : failed;
    failed = failed == 0 ? sb_gpu_write(gpu, buffer, &to) : failed;
    failed = failed == 0 ? sb_gpu_copy(gpu, &from, &to) : failed;
    if (failed != 0) {
        sb_gpu_cancel(gpu);
        return failed;
    }
    return sb_gpu_finish(gpu);
}

static int transfer_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct gpu_transfer *transfer = sb_node_data(node);
    struct sb_buffer buffer;
    int failed = sb_output_claim(transfer->output, frame->size_bytes, &buffer);
    if (failed != 0) {
        return failed;
    }
    failed = run(transfer->effects.gpu, frame, &buffer);
    return failed == 0
               ? sb_output_publish(transfer->output, &buffer)
               : sb_node_error(node, failed, "the GPU did not copy it: %s", sb_error_text(failed));
}

static void transfer_close(struct sb_node *node)
{
    struct gpu_transfer *transfer = sb_node_data(node);
    gpu_node_close(node, &transfer->effects);
    free(transfer);
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
        .close = transfer_close,
    };
    return sb_processor_main(&processor, argc, argv);
}
