// SPDX-License-Identifier: Apache-2.0
// CPU time per frame of both workers, and of the broker at different rates.
#include <stddef.h>

#include "base/check.h"
#include "tools/bench/bench.h"
#include "tools/bench/ours.h"

void row_cpu(struct bench *bench)
{
    static const uint32_t rates[] = {10, 1000, 10000, 0};
    for (size_t i = 0; i < ARRAY_COUNT(rates); i++) {
        struct pair_shape shape = {.size = 64,
                                   .is_sleeping = true,
                                   .cpus = {-1, -1},
                                   .readers = 1,
                                   .depth = 4096,
                                   .rate = rates[i],
                                   .seconds = 2 * bench->seconds};
        struct ours_options options = {0};
        struct ours_result ours;
        if (ours_stream(bench, &shape, &options, &ours) != 0) {
            figures_miss(&bench->figures, "it failed", "cpu.broker.rate%u", rates[i]);
            continue;
        }
        figures_add(&bench->figures, bench->round, "ns", ours.broker_cpu_ns, "cpu.broker.rate%u",
                    rates[i]);
        figures_add(&bench->figures, bench->round, "ns", ours.source_cpu_ns, "cpu.source.rate%u",
                    rates[i]);
        figures_add(&bench->figures, bench->round, "ns", ours.sink_cpu_ns, "cpu.sink.rate%u",
                    rates[i]);
        figures_add(&bench->figures, bench->round, "frames", (double)ours.frames,
                    "cpu.frames.rate%u", rates[i]);
    }
}
