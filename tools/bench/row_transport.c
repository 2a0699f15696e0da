// SPDX-License-Identifier: Apache-2.0
// The same graph over a ring and over iceoryx: one way, and as fast as it goes to one and to four.
#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"
#include "tools/bench/bench.h"
#include "tools/bench/ours.h"
#include "tools/bench/peers.h"

struct transport_case {
    const char *name;
    uint64_t size;
    bool is_touched;
    uint32_t depth;
};

static const struct transport_case cases[] = {
    {"64", 64, false, 128},
    {"4k", 4096, true, 128},
    {"1m", 1 << 20, true, 8},
    {"8m", 8 << 20, true, 4},
};

static const char *const transports[] = {"ring", "iceoryx"};

static struct pair_shape shape_of(const struct bench *bench, const struct transport_case *what,
                                  bool is_sleeping, uint32_t readers)
{
    bool is_free = readers > 1;  // more processes than CPUs
    return (struct pair_shape){
        .size = what->size,
        .is_touched = what->is_touched,
        .is_sleeping = is_sleeping,
        .cpus = {is_free ? -1 : bench->cpus[0], is_free ? -1 : bench->cpus[1]},
        .readers = readers,
        .depth = what->depth,
        .seconds = bench->seconds,
    };
}

static void measure_latency(struct bench *bench, const struct transport_case *what,
                            bool is_sleeping)
{
    struct pair_shape shape = shape_of(bench, what, is_sleeping, 1);
    const char *how = is_sleeping ? "sleep" : "spin";
    // The way back, which is the same for both.
    struct pair_shape limit = shape;
    struct pair_result back;
    limit.is_touched = false;
    limit.seconds = shape.seconds / 2;
    const struct pair_peer *line = is_sleeping ? &limit_line_futex : &limit_line;
    bool has_back = pair_ping_pong(line, &limit, bench->folder, &back) == 0;
    for (size_t i = 0; i < ARRAY_COUNT(transports); i++) {
        struct ours_options options = {.transport = transports[i]};
        struct ours_result ours;
        if (has_back && ours_ping(bench, &shape, &options, back.latency.p50, &ours) == 0) {
            figures_add(&bench->figures, bench->round, "ns", ours.latency.p50,
                        "transport.latency.%s.%s.%s.p50", what->name, how, transports[i]);
            figures_add(&bench->figures, bench->round, "ns", ours.latency.p99,
                        "transport.latency.%s.%s.%s.p99", what->name, how, transports[i]);
        } else {
            figures_miss(&bench->figures, "it failed", "transport.latency.%s.%s.%s.p50", what->name,
                         how, transports[i]);
        }
    }
}

static void measure_rate(struct bench *bench, const struct transport_case *what, uint32_t readers)
{
    struct pair_shape shape = shape_of(bench, what, readers > 1, readers);
    for (size_t i = 0; i < ARRAY_COUNT(transports); i++) {
        struct ours_options options = {.transport = transports[i],
                                       .spin = readers > 1 ? "5us" : NULL};
        struct ours_result ours;
        if (ours_stream(bench, &shape, &options, &ours) == 0) {
            figures_add(&bench->figures, bench->round, "1/s", ours.rate,
                        "transport.fan%u.%s.%s.rate", readers, what->name, transports[i]);
            figures_add(&bench->figures, bench->round, "ns", ours.cpu_ns,
                        "transport.fan%u.%s.%s.cpu", readers, what->name, transports[i]);
        } else {
            figures_miss(&bench->figures, "it failed", "transport.fan%u.%s.%s.rate", readers,
                         what->name, transports[i]);
        }
    }
}

void row_transport(struct bench *bench)
{
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        measure_latency(bench, &cases[i], false);
        measure_rate(bench, &cases[i], 1);
        measure_rate(bench, &cases[i], 4);
    }
    measure_latency(bench, &cases[0], true);
}
