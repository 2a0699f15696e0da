// SPDX-License-Identifier: Apache-2.0
// From the start of a broker to the first frame at every sink of its graph.
#include <stddef.h>
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "tools/bench/bench.h"
#include "tools/bench/graph_case.h"
#include "tools/bench/limits.h"

#define SINKS_PER_SOURCE 99

static void add_nodes(struct graph_case *graph, unsigned nodes)
{
    char id[32];
    for (unsigned i = 0; i < nodes; i++) {
        bool is_source = i % (SINKS_PER_SOURCE + 1) == 0;
        snprintf(id, sizeof id, "node%u", i);
        graph_case_node(graph, id, is_source ? "bench-source" : "bench-sink",
                        is_source ? "count: 1" : "", "%s", "");
    }
    unsigned source = 0;
    for (unsigned i = 0; i < nodes; i++) {
        if (i % (SINKS_PER_SOURCE + 1) == 0) {
            source = i;
            continue;
        }
        char from[32];
        snprintf(from, sizeof from, "node%u.data", source);
        snprintf(id, sizeof id, "node%u.data", i);
        graph_case_link(graph, from, id, "%s", "");
    }
}

static void measure(struct bench *bench, unsigned nodes, const char *tier)
{
    struct graph_case graph;
    if (graph_case_init(&graph, bench, "") != 0) {
        return;
    }
    snprintf(graph.tier, sizeof graph.tier, "%s", tier);
    add_nodes(&graph, nodes);
    struct graph_result result;
    double begin_ns = (double)clock_now_ns();
    int failed = graph_case_run(&graph, &result);
    double last_ns = -1;
    for (unsigned i = 0; failed == 0 && i < nodes; i++) {
        char id[32];
        snprintf(id, sizeof id, "node%u", i);
        double first_ns = graph_case_number(&result, id, "first_ns");
        last_ns = first_ns > last_ns ? first_ns : last_ns;
    }
    if (failed == 0 && last_ns > begin_ns) {
        figures_add(&bench->figures, bench->round, "ns", last_ns - begin_ns, "start.%u.%s", nodes,
                    tier);
    } else {
        figures_miss(&bench->figures, "it failed", "start.%u.%s", nodes, tier);
    }
    graph_case_free_result(&result);
    graph_case_fini(&graph);
}

void row_start(struct bench *bench)
{
    static const unsigned counts[] = {1, 10, 100, 500};
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        figures_add(&bench->figures, bench->round, "ns", limits_spawn_ns(counts[i]),
                    "start.%u.spawn", counts[i]);
        // The goal leaves the broker 50 ms of its own.
        double spawn_ns;
        char key[32];
        snprintf(key, sizeof key, "start.%u.spawn", counts[i]);
        if (figures_median(&bench->figures, key, &spawn_ns)) {
            figures_add(&bench->figures, bench->round, "ns",
                        2 * spawn_ns + 50 * (double)CLOCK_NS_PER_MS, "start.%u.allowed", counts[i]);
        }
        measure(bench, counts[i], "trusted");
        measure(bench, counts[i], "untrusted");
    }
}
