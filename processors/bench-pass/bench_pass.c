// SPDX-License-Identifier: Apache-2.0
// bench-pass: a filter that changes every byte, or only copies.
#include <stdint.h>
#include <stdio.h>

#include <streambroker/streambroker.h>

#include "processors/bench-common/bench_clock.h"

static struct sb_output *output;
static uint64_t frames;
static bool is_touched;

static int open_pass(struct sb_node *node)
{
    output = sb_node_output(node, "data");
    is_touched = sb_param_bool(node, "touch");
    struct sb_format format = {.kind = SB_FORMAT_BINARY};
    return sb_output_offer(output, &format, 1, (uint64_t)sb_param_int(node, "size"));
}

// Payloads are aligned to 64 bytes.
static void invert(uint64_t *restrict to, const uint64_t *restrict from, uint64_t words)
{
    for (uint64_t i = 0; i < words; i++) {
        to[i] = ~from[i];
    }
}

static int pass(struct sb_node *node, const struct sb_frame *frame)
{
    (void)node;
    frames++;
    if (!is_touched) {
        return sb_output_copy(output, frame);
    }
    struct sb_buffer buffer;
    int failed = sb_output_claim(output, frame->size_bytes, &buffer);
    if (failed != 0) {
        return failed;
    }
    invert(buffer.data, frame->data, frame->size_bytes / sizeof(uint64_t));
    return sb_output_publish(output, &buffer);
}

static void close_pass(struct sb_node *node)
{
    (void)node;
    printf("{\"bench\":\"pass\",\"frames\":%llu,\"cpu_ns\":%lld}\n", (unsigned long long)frames,
           (long long)bench_clock_cpu_ns());
    fflush(stdout);
}

static const struct sb_port inputs[] = {
    {.name = "data", .type = SB_PORT_DATA, .help = "Frames of bench-source."},
};

static const struct sb_port outputs[] = {
    {.name = "data",
     .type = SB_PORT_DATA,
     .help = "The same frames.",
     .is_one_per_step = true,
     .max_payload = 64U << 20},
};

static const struct sb_param params[] = {
    {.name = "size",
     .type = SB_PARAM_SIZE,
     .help = "Bytes of the largest frame.",
     .initial = "64",
     .minimum = 8,
     .maximum = 64 << 20},
    {.name = "touch",
     .type = SB_PARAM_BOOL,
     .help = "Whether every byte is changed, and not only copied.",
     .initial = "false"},
};

static const struct sb_processor bench_pass = {
    .struct_size = sizeof bench_pass,
    .name = "bench-pass",
    .version = "1.0.0",
    .summary = "Passes frames on to measure what carries them.",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .open = open_pass,
    .on_frame = pass,
    .close = close_pass,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&bench_pass, argc, argv);
}
