// SPDX-License-Identifier: Apache-2.0
// One batch per frame: shows both ends of it to the device, runs it, and publishes.
#include "processors/gpu/gpu_filter.h"

#include <errno.h>
#include <stdlib.h>

int gpu_filter_open(struct sb_node *node, size_t state_bytes)
{
    struct gpu_filter *filter = calloc(1, state_bytes);
    if (filter == NULL) {
        return -ENOMEM;
    }
    filter->output = sb_node_output(node, "video");
    int failed = gpu_node_open(node, &filter->effects);
    if (failed != 0) {
        free(filter);
        return failed;
    }
    sb_node_set_data(node, filter);
    return 0;
}

void gpu_filter_close(struct sb_node *node)
{
    struct gpu_filter *filter = sb_node_data(node);
    if (filter != NULL) {
        gpu_node_close(node, &filter->effects);
        free(filter);
    }
}

static int run(struct gpu_filter *filter, const struct sb_frame *frame,
               const struct sb_buffer *buffer, gpu_filter_record_fn record)
{
    struct sb_gpu *gpu = filter->effects.gpu;
    struct sb_gpu_span from;
    struct sb_gpu_span to;
    int failed = sb_gpu_begin(gpu);
    failed = failed == 0 ? sb_gpu_read(gpu, frame, &from) : failed;
    failed = failed == 0 ? sb_gpu_write(gpu, buffer, &to) : failed;
    failed = failed == 0 ? record(filter, &from, &to) : failed;
    if (failed != 0) {
        sb_gpu_cancel(gpu);
        return failed;
    }
    return sb_gpu_finish(gpu);
}

int gpu_filter_run(struct sb_node *node, const struct sb_frame *frame, struct sb_buffer *buffer,
                   gpu_filter_record_fn record, const char *verb)
{
    struct gpu_filter *filter = sb_node_data(node);
    int failed = run(filter, frame, buffer, record);
    return failed == 0
               ? sb_output_publish(filter->output, buffer)
               : sb_node_error(node, failed, "the GPU did not %s: %s", verb, sb_error_text(failed));
}
