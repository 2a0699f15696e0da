// SPDX-License-Identifier: Apache-2.0
// How often the bytes of a frame are copied on their way, by the CPU time of a large one.
#include <stddef.h>

#include "tools/bench/bench.h"
#include "tools/bench/limits.h"
#include "tools/bench/ours.h"

// A copy of 8 MiB takes hundreds of microseconds: a frame that costs less was not copied.
void row_copies(struct bench *bench)
{
    struct pair_shape shape = {.size = 8 << 20,
                               .cpus = {bench->cpus[0], bench->cpus[1]},
                               .readers = 1,
                               .depth = 4,
                               .is_sleeping = true,
                               .seconds = bench->seconds};
    struct ours_options options = {0};
    struct ours_result large;
    double copy_ns = limits_memory_ns(LIMITS_COPY, 8 << 20, bench->seconds / 4);
    if (ours_stream(bench, &shape, &options, &large) != 0 || copy_ns <= 0) {
        figures_miss(&bench->figures, "it failed", "copies.8m.per_frame");
        return;
    }
    figures_add(&bench->figures, bench->round, "copies", large.cpu_ns / copy_ns,
                "copies.8m.per_frame");
    figures_add(&bench->figures, bench->round, "ns", large.cpu_ns, "copies.8m.cpu");
    figures_add(&bench->figures, bench->round, "ns", copy_ns, "copies.8m.memcpy");
}
