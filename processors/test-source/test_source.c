// SPDX-License-Identifier: Apache-2.0
// test-source: numbered frames whose bytes follow from their number, for tests and benches.
#include <errno.h>
#include <stdlib.h>

#include <streambroker/streambroker.h>

#include "processors/common/stamp.h"
#include "processors/common/whole.h"

#define STEP_NS_MAX 1000000000

struct test_source {
    struct sb_output *output;
    uint64_t frames;
    uint64_t size_bytes;
    uint64_t burst;
    bool is_stamped;
    int64_t interval_ns;  // 0 = as fast as the links take them
    int64_t next_ns;      // when the next frame is due
    uint64_t done;
};

static int test_source_prepare(struct sb_node *node)
{
    struct test_source *source = calloc(1, sizeof *source);
    if (source == NULL) {
        return -ENOMEM;
    }
    sb_node_set_data(node, source);
    double rate = sb_param_real(node, "rate");
    source->output = sb_node_output(node, "data");
    source->frames = (uint64_t)sb_param_int(node, "frames");
    source->size_bytes = (uint64_t)sb_param_int(node, "size");
    source->burst = (uint64_t)sb_param_int(node, "burst");
    source->is_stamped = sb_param_bool(node, "stamp");
    source->interval_ns = rate > 0 ? (int64_t)(1e9 / rate) : 0;
    struct sb_format format = {.kind = SB_FORMAT_BINARY};
    return sb_output_offer(source->output, &format, 1, source->size_bytes);
}

static int publish_one(struct test_source *source)
{
    struct sb_buffer buffer;
    int result = sb_output_claim(source->output, source->size_bytes, &buffer);
    if (result < 0) {
        return result;
    }
    if (source->is_stamped) {
        stamp_fill(buffer.data, (size_t)source->size_bytes, buffer.number);
    }
    return sb_output_publish(source->output, &buffer);
}

static int test_source_loop(struct sb_node *node)
{
    struct test_source *source = sb_node_data(node);
    if (source->interval_ns > 0) {
        if (source->next_ns == 0) {
            source->next_ns = sb_now_ns();
        }
        // A step must not last, so a long interval is waited for in parts.
        int64_t now_ns = sb_now_ns();
        bool is_far = source->next_ns > now_ns + STEP_NS_MAX;
        int result = sb_node_wait(node, is_far ? now_ns + STEP_NS_MAX : source->next_ns);
        if (result < 0 || is_far) {
            return result;
        }
        source->next_ns += source->interval_ns;
    }
    for (uint64_t i = 0; i < source->burst; i++) {
        if (source->frames > 0 && source->done == source->frames) {
            break;
        }
        int result = publish_one(source);
        if (result < 0) {
            return result;
        }
        source->done++;
    }
    if (source->frames > 0 && source->done == source->frames) {
        sb_node_finish(node);
    }
    return 0;
}

static int test_source_tick(struct sb_node *node, uint64_t tick, int64_t due_ns)
{
    (void)tick;
    (void)due_ns;
    return test_source_loop(node);
}

static void test_source_close(struct sb_node *node)
{
    free(sb_node_data(node));
}

static int test_source_open(struct sb_node *node)
{
    return whole_open(node, test_source_prepare, test_source_close);
}

static const struct sb_port outputs[] = {
    {.name = "data",
     .type = SB_PORT_DATA,
     .help = "Binary frames of one size.",
     .kinds = SB_BIT(SB_FORMAT_BINARY)},
};

static const struct sb_param params[] = {
    {.name = "frames",
     .type = SB_PARAM_INT,
     .help = "Number of frames, 0 = endless.",
     .initial = "0",
     .maximum = 1e15,
     .is_fixed = true},
    {.name = "size",
     .type = SB_PARAM_SIZE,
     .help = "Bytes of a frame.",
     .initial = "64",
     .minimum = 1,
     .maximum = 1073741824,
     .is_fixed = true},
    {.name = "rate",
     .type = SB_PARAM_REAL,
     .help = "Frames per second, 0 = as fast as the links take them.",
     .initial = "0",
     .maximum = 1e7,
     .is_fixed = true},
    {.name = "burst",
     .type = SB_PARAM_INT,
     .help = "Frames per step.",
     .initial = "1",
     .minimum = 1,
     .maximum = 65536,
     .is_fixed = true},
    {.name = "stamp",
     .type = SB_PARAM_BOOL,
     .help = "Fill frames with bytes that check-sink can verify.",
     .initial = "true",
     .is_fixed = true},
};

static const struct sb_processor test_source = {
    .struct_size = sizeof test_source,
    .name = "test-source",
    .version = "1.0.0",
    .summary = "Numbered frames whose bytes follow from their number, for tests and benches.",
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .mode = SB_MODE_CONTINUOUS,
    .open = test_source_open,
    .on_loop = test_source_loop,
    .on_tick = test_source_tick,
    .close = test_source_close,
};

int main(int argc, char **argv)
{
    return sb_processor_main(&test_source, argc, argv);
}
