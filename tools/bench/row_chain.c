// SPDX-License-Identifier: Apache-2.0
// Frames per second through filters in a row, each of which copies every frame.
#include <stddef.h>

#include "base/check.h"
#include "tools/bench/bench.h"
#include "tools/bench/ours.h"

void row_chain(struct bench *bench)
{
    static const uint32_t lengths[] = {1, 2, 4, 8};
    for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) {
        struct pair_shape shape = {.size = 64,
                                   .is_sleeping = true,
                                   .cpus = {-1, -1},
                                   .readers = 1,
                                   .depth = 4096,
                                   .seconds = bench->seconds};
        struct ours_options options = {.filters = lengths[i]};
        struct ours_result ours;
        if (ours_stream(bench, &shape, &options, &ours) == 0) {
            figures_add(&bench->figures, bench->round, "1/s", ours.rate, "chain.%u.64.rate",
                        lengths[i]);
            figures_add(&bench->figures, bench->round, "ns", ours.cpu_ns, "chain.%u.64.cpu",
                        lengths[i]);
        } else {
            figures_miss(&bench->figures, "it failed", "chain.%u.64.rate", lengths[i]);
        }
    }
}
