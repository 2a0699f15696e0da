// SPDX-License-Identifier: Apache-2.0
// One-way time of a frame, ours against the cache line, the futex and the peers.
#include <errno.h>
#include <stddef.h>

#include "tools/bench/bench.h"
#include "tools/bench/ours.h"
#include "tools/bench/peers.h"

enum placement { APART, TOGETHER, FREE };

struct latency_case {
    const char *name;
    uint64_t size;
    bool is_touched;
    bool is_sleeping;
    enum placement placement;
    uint32_t rate;
    uint32_t depth;
};

static const struct latency_case cases[] = {
    {"64.spin", 64, false, false, APART, 0, 256},
    {"64.sleep.together", 64, false, true, TOGETHER, 0, 256},
    {"64.sleep.apart", 64, false, true, APART, 0, 256},
    {"64.sleep.1khz", 64, false, true, FREE, 1000, 256},
    {"4k.spin.touched", 4096, true, false, APART, 0, 1024},
    {"1m.spin.touched", 1 << 20, true, false, APART, 0, 16},
    {"8m.spin.touched", 8 << 20, true, false, APART, 0, 4},
    {"8m.spin.header", 8 << 20, false, false, APART, 0, 4},
};

static void shape_of(const struct bench *bench, const struct latency_case *what,
                     struct pair_shape *out_shape)
{
    *out_shape = (struct pair_shape){
        .size = what->size,
        .is_touched = what->is_touched,
        .is_sleeping = what->is_sleeping,
        .cpus = {bench->cpus[0], bench->cpus[1]},
        .readers = 1,
        .depth = what->depth,
        .rate = what->rate,
        .seconds = bench->seconds,
    };
    if (what->placement == TOGETHER) {
        out_shape->cpus[1] = bench->cpus[0];
    } else if (what->placement == FREE) {
        out_shape->cpus[0] = -1;
        out_shape->cpus[1] = -1;
    }
}

static void add(struct bench *bench, const struct latency_case *what, const char *who,
                const struct pair_summary *latency)
{
    figures_add(&bench->figures, bench->round, "ns", latency->p50, "latency.%s.%s.p50", what->name,
                who);
    figures_add(&bench->figures, bench->round, "ns", latency->p99, "latency.%s.%s.p99", what->name,
                who);
    figures_add(&bench->figures, bench->round, "ns", latency->p999, "latency.%s.%s.p999",
                what->name, who);
    figures_add(&bench->figures, bench->round, "ns", latency->max, "latency.%s.%s.max", what->name,
                who);
}

// Returns the one-way median, or 0 when it was not measured.
static double measure(struct bench *bench, const struct latency_case *what,
                      const struct pair_shape *shape, const struct pair_peer *peer)
{
    const char *reason = peer->missing(shape);
    struct pair_result result;
    if (reason == NULL) {
        int failed = shape->rate > 0 ? pair_stream(peer, shape, bench->folder, &result)
                                     : pair_ping_pong(peer, shape, bench->folder, &result);
        if (failed == 0) {
            add(bench, what, peer->name, &result.latency);
            return result.latency.p50;
        }
        reason = failed == -ENODATA ? "too few messages in this time" : "it failed";
    }
    figures_miss(&bench->figures, reason, "latency.%s.%s.p50", what->name, peer->name);
    return 0;
}

static void measure_case(struct bench *bench, const struct latency_case *what)
{
    struct pair_shape shape;
    shape_of(bench, what, &shape);
    const struct pair_peer *limit = shape.is_sleeping ? &limit_line_futex : &limit_line;
    // Before and after: the two tell whether the CPUs were moved apart meanwhile.
    struct pair_shape limit_shape = shape;
    limit_shape.rate = 0;
    limit_shape.is_touched = false;
    limit_shape.seconds = shape.seconds / 2;
    double before = measure(bench, what, &limit_shape, limit);
    struct ours_options options = {0};
    struct ours_result ours;
    int failed = shape.rate > 0 ? ours_stream(bench, &shape, &options, &ours)
                                : ours_ping(bench, &shape, &options, before, &ours);
    if (failed == 0) {
        add(bench, what, "ours", &ours.latency);
    } else {
        figures_miss(&bench->figures, "it failed", "latency.%s.ours.p50", what->name);
    }
    double after = measure(bench, what, &limit_shape, limit);
    figures_add(&bench->figures, bench->round, "ns", (before + after) / 2, "latency.%s.%s.p50",
                what->name, limit->name);
    figures_add(&bench->figures, bench->round, "", before > 0 ? after / before : 0,
                "latency.%s.%s.drift", what->name, limit->name);
    const struct pair_peer *const *peers = peers_list();
    for (size_t i = 0; peers[i] != NULL; i++) {
        measure(bench, what, &shape, peers[i]);
    }
    const char *const *lacking = peers_lacking();
    for (size_t i = 0; lacking[i] != NULL; i++) {
        figures_miss(&bench->figures, "not part of this build", "latency.%s.%s.p50", what->name,
                     lacking[i]);
    }
}

void row_latency(struct bench *bench)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        measure_case(bench, &cases[i]);
    }
}
