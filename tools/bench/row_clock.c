// SPDX-License-Identifier: Apache-2.0
// Lateness of the graph's ticks against a bare timer at the same rate.
#include <stdio.h>

#include "base/check.h"
#include "tools/bench/bench.h"
#include "tools/bench/graph_case.h"
#include "tools/bench/limits.h"

static void add(struct bench *bench, uint32_t rate, const char *who,
                const struct pair_summary *late, double cpu_share)
{
    figures_add(&bench->figures, bench->round, "ns", late->p50, "clock.%u.%s.p50", rate, who);
    figures_add(&bench->figures, bench->round, "ns", late->p99, "clock.%u.%s.p99", rate, who);
    figures_add(&bench->figures, bench->round, "ns", late->max, "clock.%u.%s.max", rate, who);
    figures_add(&bench->figures, bench->round, "%", cpu_share * 100, "clock.%u.%s.cpu", rate, who);
}

static void measure(struct bench *bench, uint32_t rate, bool is_precise)
{
    const char *who = is_precise ? "precise" : "default";
    char head[64];
    char config[64];
    double seconds = 4 * bench->seconds;
    snprintf(head, sizeof head, "clock: {fps: %u, precise: %s}", rate,
             is_precise ? "true" : "false");
    snprintf(config, sizeof config, "time: %dms", (int)(seconds * 1000));
    struct graph_case graph;
    if (graph_case_init(&graph, bench, head) != 0) {
        return;
    }
    graph_case_node(&graph, "ticker", "bench-source", config, ", run: {mode: tick}");
    struct graph_result result;
    if (graph_case_run(&graph, &result) == 0) {
        struct pair_summary late = {
            .p50 = graph_case_number(&result, "ticker", "rtt.p50"),
            .p99 = graph_case_number(&result, "ticker", "rtt.p99"),
            .p999 = graph_case_number(&result, "ticker", "rtt.p999"),
            .max = graph_case_number(&result, "ticker", "rtt.max"),
        };
        double span_ns = graph_case_number(&result, "ticker", "ns");
        double cpu_ns = graph_case_number(&result, "ticker", "cpu_ns");
        add(bench, rate, who, &late, span_ns > 0 ? cpu_ns / span_ns : 0);
    } else {
        figures_miss(&bench->figures, "it failed", "clock.%u.%s.p50", rate, who);
    }
    graph_case_free_result(&result);
    graph_case_fini(&graph);
}

void row_clock(struct bench *bench)
{
    static const uint32_t rates[] = {30, 60, 1000};
    for (size_t i = 0; i < ARRAY_COUNT(rates); i++) {
        struct pair_summary late;
        double cpu_share;
        limits_timer(rates[i], 4 * bench->seconds, &late, &cpu_share);
        add(bench, rates[i], "bare", &late, cpu_share);
        measure(bench, rates[i], false);
        measure(bench, rates[i], true);
    }
}
