// SPDX-License-Identifier: Apache-2.0
// Frames per second from one source to one sink.
#include <stddef.h>

#include "base/check.h"
#include "tools/bench/bench.h"
#include "tools/bench/stream_case.h"

static const struct stream_case throughputs[] = {
    {"throughput.64.spin", 64, false, false, false, NULL, 1, 4096, 1000},
    {"throughput.64.sleep.256", 64, false, true, false, NULL, 1, 256, 256},
    {"throughput.64.sleep.4096", 64, false, true, false, NULL, 1, 4096, 1000},
    {"throughput.4k.spin.touched", 4096, true, false, false, NULL, 1, 1024, 1000},
    {"throughput.1m.spin.touched", 1 << 20, true, false, false, NULL, 1, 16, 16},
    {"throughput.8m.spin.touched.2", 8 << 20, true, false, false, NULL, 1, 2, 2},
    {"throughput.8m.spin.touched.4", 8 << 20, true, false, false, NULL, 1, 4, 4},
    {"throughput.8m.spin.header", 8 << 20, false, false, false, NULL, 1, 4, 4},
};

void row_throughput(struct bench *bench)
{
    for (size_t i = 0; i < ARRAY_COUNT(throughputs); i++) {
        stream_case_measure(bench, &throughputs[i]);
    }
}
