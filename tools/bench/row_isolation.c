// SPDX-License-Identifier: Apache-2.0
// Latency, throughput and start inside the sandbox against trusted, one after the other in each
// round.
#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "tools/bench/bench.h"
#include "tools/bench/limits.h"
#include "tools/bench/ours.h"

enum { STARTS = 5, LATENCY_BYTES = 64, THROUGHPUT_BYTES = 4096 };

static const char *tier_name(bool is_untrusted)
{
    return is_untrusted ? "untrusted" : "trusted";
}

// Who is first is as fast as the machine has just become: they take turns.
static int tier_of_turn(const struct bench *bench, int turn)
{
    return (turn + (int)bench->round) % 2;
}

// The ratio of the second to the first, where both were measured.
static void add_ratio(struct bench *bench, const double values[2], const char *key)
{
    if (values[0] > 0 && values[1] > 0) {
        figures_add(&bench->figures, bench->round, "", values[1] / values[0], "%s", key);
    } else {
        figures_miss(&bench->figures, "it failed", "%s", key);
    }
}

static void measure_latency(struct bench *bench)
{
    const struct pair_shape shape = {.size = LATENCY_BYTES,
                                     .cpus = {bench->cpus[0], bench->cpus[1]},
                                     .readers = 1,
                                     .depth = 256,
                                     .seconds = bench->seconds};
    double medians[2] = {0};
    for (int turn = 0; turn < 2; turn++) {
        int i = tier_of_turn(bench, turn);
        const struct ours_options options = {.is_untrusted = i == 1};
        struct ours_result result;
        // The way there and back: what the way back takes is the same in both tiers.
        if (ours_ping(bench, &shape, &options, 0, &result) == 0) {
            medians[i] = result.latency.p50;
            figures_add(&bench->figures, bench->round, "ns", medians[i], "isolation.latency.%s",
                        tier_name(i == 1));
        }
    }
    add_ratio(bench, medians, "isolation.latency");
}

static void measure_throughput(struct bench *bench)
{
    const struct pair_shape shape = {.size = THROUGHPUT_BYTES,
                                     .cpus = {bench->cpus[0], bench->cpus[1]},
                                     .readers = 1,
                                     .depth = 256,
                                     .seconds = bench->seconds};
    double rates[2] = {0};
    for (int turn = 0; turn < 2; turn++) {
        int i = tier_of_turn(bench, turn);
        const struct ours_options options = {.is_untrusted = i == 1};
        struct ours_result result;
        if (ours_stream(bench, &shape, &options, &result) == 0) {
            rates[i] = result.rate;
            figures_add(&bench->figures, bench->round, "/s", rates[i], "isolation.throughput.%s",
                        tier_name(i == 1));
        }
    }
    add_ratio(bench, rates, "isolation.throughput");
}

// From the start of a broker to the first frame of its one node. It is started twice: once to
// describe itself.
static double start_ns(struct bench *bench, bool is_untrusted)
{
    struct graph_case graph;
    if (graph_case_init(&graph, bench, "") != 0) {
        return 0;
    }
    snprintf(graph.tier, sizeof graph.tier, "%s", tier_name(is_untrusted));
    graph_case_node(&graph, "a", "bench-source", "count: 1", "%s", "");
    struct graph_result result;
    double begin_ns = (double)clock_now_ns();
    double first_ns = 0;
    if (graph_case_run(&graph, &result) == 0) {
        first_ns = graph_case_number(&result, "a", "first_ns");
    }
    graph_case_free_result(&result);
    graph_case_fini(&graph);
    return first_ns > begin_ns ? first_ns - begin_ns : 0;
}

// Against the trusted start with what bubblewrap alone costs two times.
static void measure_start(struct bench *bench)
{
    for (int i = 0; i < STARTS; i++) {
        double trusted_ns = start_ns(bench, false);
        double untrusted_ns = start_ns(bench, true);
        double bare_ns = limits_spawn_ns(1);
        double bwrap_ns = limits_bwrap_ns();
        if (trusted_ns <= 0 || untrusted_ns <= 0 || bwrap_ns <= 0) {
            figures_miss(&bench->figures, "it failed", "isolation.start");
            return;
        }
        figures_add(&bench->figures, bench->round, "ns", trusted_ns, "isolation.start.trusted");
        figures_add(&bench->figures, bench->round, "ns", untrusted_ns, "isolation.start.untrusted");
        figures_add(&bench->figures, bench->round, "ns", bwrap_ns, "isolation.start.bwrap");
        figures_add(&bench->figures, bench->round, "",
                    untrusted_ns / (trusted_ns + 2 * (bwrap_ns - bare_ns)), "isolation.start");
    }
}

void row_isolation(struct bench *bench)
{
    measure_latency(bench);
    measure_throughput(bench);
    measure_start(bench);
}
