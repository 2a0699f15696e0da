// SPDX-License-Identifier: Apache-2.0
// What the machine can do: memory, starting processes, timers.
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "tools/bench/bench.h"
#include "tools/bench/limits.h"
#include "tools/bench/peers.h"
#include "tools/bench/stamp.h"

static void measure_lines(struct bench *bench)
{
    struct pair_shape shape = {.size = 64,
                               .cpus = {bench->cpus[0], bench->cpus[1]},
                               .readers = 1,
                               .seconds = bench->seconds};
    struct pair_result result;
    if (pair_ping_pong(&limit_line, &shape, bench->folder, &result) == 0) {
        figures_add(&bench->figures, bench->round, "ns", result.latency.p50, "limits.line");
    }
    shape.is_sleeping = true;
    if (pair_ping_pong(&limit_line_futex, &shape, bench->folder, &result) == 0) {
        figures_add(&bench->figures, bench->round, "ns", result.latency.p50, "limits.futex.apart");
    }
    shape.cpus[1] = bench->cpus[0];
    if (pair_ping_pong(&limit_line_futex, &shape, bench->folder, &result) == 0) {
        figures_add(&bench->figures, bench->round, "ns", result.latency.p50,
                    "limits.futex.together");
    }
}

static void measure_memory(struct bench *bench)
{
    double memset_ns = limits_memory_ns(LIMITS_WRITE, 8 << 20, bench->seconds / 4);
    double read_ns = limits_memory_ns(LIMITS_READ, 8 << 20, bench->seconds / 4);
    double copy_ns = limits_memory_ns(LIMITS_COPY, 8 << 20, bench->seconds / 4);
    figures_add(&bench->figures, bench->round, "ns", memset_ns, "limits.memory.8m.write");
    figures_add(&bench->figures, bench->round, "ns", read_ns, "limits.memory.8m.read");
    figures_add(&bench->figures, bench->round, "ns", copy_ns, "limits.memory.8m.copy");
    double slower = memset_ns > read_ns ? memset_ns : read_ns;
    figures_add(&bench->figures, bench->round, "1/s", slower > 0 ? 1e9 / slower : 0,
                "limits.memory.8m.frames");
}

static void measure_starts(struct bench *bench)
{
    figures_add(&bench->figures, bench->round, "ns", limits_spawn_ns(1), "limits.spawn.1");
    figures_add(&bench->figures, bench->round, "ns", limits_spawn_ns(100), "limits.spawn.100");
}

void row_limits(struct bench *bench)
{
    measure_lines(bench);
    measure_memory(bench);
    measure_starts(bench);
}
