// SPDX-License-Identifier: Apache-2.0
// bench-pass: a filter that changes every byte, or only copies; it can die now and then.
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>

#include <streambroker/streambroker.h>

#include "processors/bench-common/bench_clock.h"
#include "processors/bench-common/bench_deaths.h"

static struct sb_output *output;
static uint64_t frames;
static bool is_touched;
static int deaths_fd = -1;
static uint64_t die_every;

static int open_pass(struct sb_node *node)
{
    output = sb_node_output(node, "data");
    is_touched = sb_param_bool(node, "touch");
    die_every = (uint64_t)sb_param_int(node, "die_every");
    deaths_fd = bench_deaths_open(sb_param_string(node, "deaths"));
    if (die_every > 0 && deaths_fd < 0) {
        return sb_node_error(node, -ENOENT, "cannot open the file of deaths");
    }
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

// Only in the first attempt at a frame, or nothing would ever come after it.
static void live_or_die(const struct sb_frame *frame)
{
    if (frames == 1) {
        bench_deaths_live(deaths_fd);
    }
    if (frame->attempt == 1 && frame->number % die_every == die_every - 1) {
        bench_deaths_die(deaths_fd);
        kill(getpid(), SIGKILL);
    }
}

static int pass(struct sb_node *node, const struct sb_frame *frame)
{
    (void)node;
    frames++;
    if (die_every > 0) {
        live_or_die(frame);
    }
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
    {.name = "die_every",
     .type = SB_PARAM_INT,
     .help = "Dies within every such frame, 0 = never.",
     .initial = "0",
     .maximum = 1e9},
    {.name = "deaths",
     .type = SB_PARAM_STRING,
     .help = "File for the times of the deaths.",
     .initial = ""},
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
