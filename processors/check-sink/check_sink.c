// SPDX-License-Identifier: Apache-2.0
// check-sink: verifies that nothing is missing, twice or changed, and measures latency.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <streambroker/streambroker.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "processors/common/histogram.h"
#include "processors/common/stamp.h"

enum sequence_rule { SEQUENCE_GAPLESS, SEQUENCE_INCREASING, SEQUENCE_OFF };

struct check_sink {
    XXH3_state_t hash;  // first: it wants more alignment than the rest
    struct histogram latency;
    int64_t work_ns;
    uint64_t frames;
    uint64_t bytes;
    uint64_t last_seq;
    uint64_t last_number;
    uint64_t seq_missing;
    uint64_t redelivered;
    int64_t first_pts_ns;
    int64_t last_pts_ns;
    int64_t first_ns;
    int64_t last_ns;
    enum sequence_rule sequence;
    enum sequence_rule numbers;
    bool is_stamp_checked;
    bool is_hashed;
    bool is_timed;
    bool has_failed;
    bool has_ended;
};

static int check_sink_open(struct sb_node *node)
{
    // XXH3_state_t wants more alignment than malloc gives.
    struct check_sink *sink = aligned_alloc(64, (sizeof *sink + 63) / 64 * 64);
    if (sink == NULL) {
        return -ENOMEM;
    }
    memset(sink, 0, sizeof *sink);
    sb_node_set_data(node, sink);
    sink->sequence = (enum sequence_rule)sb_param_choice(node, "sequence");
    sink->numbers = (enum sequence_rule)sb_param_choice(node, "numbers");
    sink->is_stamp_checked = sb_param_bool(node, "stamp");
    sink->is_hashed = sb_param_bool(node, "hash");
    sink->is_timed = sb_param_bool(node, "latency");
    sink->work_ns = sb_param_int(node, "work");
    XXH3_64bits_reset(&sink->hash);
    return 0;
}

// True when value may follow on last by the rule; the first value of all is always right.
static bool may_follow(enum sequence_rule rule, bool is_first, uint64_t last, uint64_t value)
{
    if (rule == SEQUENCE_OFF || is_first) {
        return true;
    }
    return rule == SEQUENCE_GAPLESS ? value == last + 1 : value > last;
}

static void check_order(struct sb_node *node, struct check_sink *sink, const struct sb_frame *frame)
{
    bool is_first = sink->frames == 0;
    // A frame that a worker before this one had taken, or that comes once more, is no gap.
    bool is_known = (frame->flags & SB_FRAME_REDELIVERED) != 0 || sb_node_generation(node) > 1;
    uint64_t last_seq = is_first && is_known ? frame->seq - 1 : sink->last_seq;
    if (!may_follow(sink->sequence, is_first && is_known, last_seq, frame->seq)) {
        sink->has_failed = true;
        sb_node_fail_data(node, "after frame %" PRIu64 " of the link came %" PRIu64, last_seq,
                          frame->seq);
    } else if (!may_follow(sink->numbers, is_first, sink->last_number, frame->number)) {
        sink->has_failed = true;
        sb_node_fail_data(node, "after number %" PRIu64 " came %" PRIu64, sink->last_number,
                          frame->number);
    }
    if (frame->seq > last_seq + 1) {
        sink->seq_missing += frame->seq - last_seq - 1;
    }
    sink->last_seq = frame->seq;
    sink->last_number = frame->number;
}

static int check_sink_frame(struct sb_node *node, const struct sb_frame *frame)
{
    struct check_sink *sink = sb_node_data(node);
    if (sink->is_timed) {
        int64_t now_ns = sb_now_ns();
        histogram_add(&sink->latency, now_ns - frame->pts_ns);
        sink->first_ns = sink->frames == 0 ? now_ns : sink->first_ns;
        sink->last_ns = now_ns;
    }
    check_order(node, sink, frame);
    if (sink->is_stamp_checked &&
        !stamp_is_right(frame->data, (size_t)frame->size_bytes, frame->number)) {
        sink->has_failed = true;
        sb_node_fail_data(node, "the %" PRIu64 " bytes of frame %" PRIu64 " were changed",
                          frame->size_bytes, frame->number);
    }
    if (sink->is_hashed) {
        XXH3_64bits_update(&sink->hash, frame->data, (size_t)frame->size_bytes);
    }
    sink->first_pts_ns = sink->frames == 0 ? frame->pts_ns : sink->first_pts_ns;
    sink->last_pts_ns = frame->pts_ns;
    sink->frames++;
    sink->bytes += frame->size_bytes;
    sink->redelivered += (frame->flags & SB_FRAME_REDELIVERED) != 0;
    if (sink->work_ns > 0) {
        struct timespec span = {sink->work_ns / 1000000000, sink->work_ns % 1000000000};
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
    }
    return 0;
}

static int check_sink_drain(struct sb_node *node)
{
    struct check_sink *sink = sb_node_data(node);
    int64_t expected = sb_param_int(node, "expect_frames");
    const char *expected_hash = sb_param_string(node, "expect_hash");
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, (uint64_t)XXH3_64bits_digest(&sink->hash));
    sink->has_ended = true;
    if (expected >= 0 && sink->frames != (uint64_t)expected) {
        sink->has_failed = true;
        sb_node_fail_data(node, "%" PRIu64 " frames came, %" PRId64 " were expected", sink->frames,
                          expected);
    } else if (expected_hash[0] != '\0' && strcmp(expected_hash, hash) != 0) {
        sink->has_failed = true;
        sb_node_fail_data(node, "the hash of all frames is %s, %s was expected", hash,
                          expected_hash);
    }
    return 0;
}

static void check_sink_close(struct sb_node *node)
{
    struct check_sink *sink = sb_node_data(node);
    if (sink == NULL) {
        return;
    }
    printf("{\"node\": \"%s\", \"ok\": %s, \"ended\": %s, \"frames\": %" PRIu64
           ", \"bytes\": %" PRIu64 ", \"missing\": %" PRIu64 ", \"redelivered\": %" PRIu64
           ", \"last_seq\": %" PRIu64 ", \"last_number\": %" PRIu64,
           sb_node_id(node), sink->has_failed ? "false" : "true",
           sink->has_ended ? "true" : "false", sink->frames, sink->bytes, sink->seq_missing,
           sink->redelivered, sink->last_seq, sink->last_number);
    printf(", \"first_pts_ns\": %" PRId64 ", \"last_pts_ns\": %" PRId64, sink->first_pts_ns,
           sink->last_pts_ns);
    if (sink->is_hashed) {
        printf(", \"hash\": \"%016" PRIx64 "\"", (uint64_t)XXH3_64bits_digest(&sink->hash));
    }
    if (sink->is_timed && sink->frames > 0) {
        printf(", \"latency_ns\": {\"min\": %" PRId64 ", \"p50\": %" PRId64 ", \"p99\": %" PRId64
               ", \"p99_9\": %" PRId64 ", \"max\": %" PRId64 "}, \"span_ns\": %" PRId64,
               sink->latency.smallest, histogram_percentile(&sink->latency, 0.5),
               histogram_percentile(&sink->latency, 0.99),
               histogram_percentile(&sink->latency, 0.999), sink->latency.largest,
               sink->last_ns - sink->first_ns);
    }
    printf("}\n");
    fflush(stdout);
    free(sink);
}

static const struct sb_port inputs[] = {
    {.name = "in",
     .type = SB_PORT_ANY,
     .help = "Frames of any type, from one link.",
     .memories = SB_BIT(SB_MEMORY_CPU) | SB_BIT(SB_MEMORY_GPU)},
};

static const char *const rules[] = {"gapless", "increasing", "off", NULL};

static const struct sb_param params[] = {
    {.name = "expect_frames",
     .type = SB_PARAM_INT,
     .help = "Number of frames that must have come at the end, -1 = any.",
     .initial = "-1",
     .minimum = -1,
     .maximum = 1e15},
    {.name = "expect_hash",
     .type = SB_PARAM_STRING,
     .help = "XXH3 of all payloads in order, 16 hexadecimal digits, empty = any.",
     .initial = "",
     .maximum = 16},
    {.name = "sequence",
     .type = SB_PARAM_CHOICE,
     .help = "What the link's sequence must do: gapless from 1, increasing, or off for fan-in.",
     .initial = "gapless",
     .choices = rules,
     .is_fixed = true},
    {.name = "numbers",
     .type = SB_PARAM_CHOICE,
     .help = "What the frames' numbers must do.",
     .initial = "increasing",
     .choices = rules,
     .is_fixed = true},
    {.name = "stamp",
     .type = SB_PARAM_BOOL,
     .help = "Verify the bytes that test-source makes.",
     .initial = "false",
     .is_fixed = true},
    {.name = "hash",
     .type = SB_PARAM_BOOL,
     .help = "Hash all payloads.",
     .initial = "true",
     .is_fixed = true},
    {.name = "latency",
     .type = SB_PARAM_BOOL,
     .help = "Measure the time from each frame's timestamp to here.",
     .initial = "true",
     .is_fixed = true},
    {.name = "work",
     .type = SB_PARAM_DURATION,
     .help = "Time to spend on each frame, to stand for a slow consumer.",
     .initial = "0s",
     .is_fixed = true},
};

static const struct sb_processor check_sink = {
    .struct_size = sizeof check_sink,
    .name = "check-sink",
    .version = "1.0.0",
    .summary = "Verifies that nothing is missing, twice or changed, and measures latency.",
    .inputs = inputs,
    .input_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .open = check_sink_open,
    .on_frame = check_sink_frame,
    .on_drain = check_sink_drain,
    .close = check_sink_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&check_sink, argc, argv);
}
