// SPDX-License-Identifier: Apache-2.0
// What a broker and its workers use while nothing happens, and the memory of a worker.
#include <stddef.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "tools/bench/bench.h"
#include "tools/bench/idle_graph.h"

static void use_of(const struct idle_graph *graph, struct process_use *out_broker,
                   struct process_use *out_workers)
{
    *out_broker = process_tree_use(graph->broker);
    *out_workers = (struct process_use){0};
    for (size_t i = 1; i < graph->tree.count; i++) {
        struct process_use use = process_tree_use(graph->tree.pids[i]);
        out_workers->cpu_ns += use.cpu_ns;
        out_workers->switches += use.switches;
    }
}

static void measure(struct bench *bench, unsigned workers)
{
    struct idle_graph graph;
    if (idle_graph_start(bench, workers, &graph) != 0) {
        figures_miss(&bench->figures, "the workers did not start", "idle.%u.broker.cpu", workers);
        return;
    }
    struct process_use broker[2];
    struct process_use others[2];
    use_of(&graph, &broker[0], &others[0]);
    int64_t begin_ns = clock_now_ns();
    struct timespec span = {1 + (time_t)bench->seconds, 0};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
    use_of(&graph, &broker[1], &others[1]);
    double seconds = (double)(clock_now_ns() - begin_ns) / 1e9;
    idle_graph_stop(&graph);
    figures_add(&bench->figures, bench->round, "%",
                (broker[1].cpu_ns - broker[0].cpu_ns) / seconds / 1e7, "idle.%u.broker.cpu",
                workers);
    figures_add(&bench->figures, bench->round, "1/s",
                (broker[1].switches - broker[0].switches) / seconds, "idle.%u.broker.wakes",
                workers);
    figures_add(&bench->figures, bench->round, "%",
                (others[1].cpu_ns - others[0].cpu_ns) / seconds / 1e7, "idle.%u.workers.cpu",
                workers);
    figures_add(&bench->figures, bench->round, "1/s",
                (others[1].switches - others[0].switches) / seconds, "idle.%u.workers.wakes",
                workers);
}

void row_idle(struct bench *bench)
{
    static const unsigned counts[] = {1, 100, 500};
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        measure(bench, counts[i]);
    }
}
