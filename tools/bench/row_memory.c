// SPDX-License-Identifier: Apache-2.0
// Memory of an idle worker, and of the payloads of a fan-out against the arithmetic.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "tools/bench/bench.h"
#include "tools/bench/idle_graph.h"
#include "tools/bench/ours.h"

#define FAN 4
#define DEPTH 64
#define SIZE 4096
#define CLAIMS 2
#define LINE 64
#define PAGE 4096
#define LIMIT_NS (10 * CLOCK_NS_PER_S)

static void measure_worker(struct bench *bench)
{
    struct idle_graph graph;
    if (idle_graph_start(bench, 10, &graph) != 0) {
        figures_miss(&bench->figures, "the workers did not start", "memory.worker.pss");
        return;
    }
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < graph.tree.count; i++) {
        double pss = process_tree_pss(graph.tree.pids[i]);
        if (process_tree_is(graph.tree.pids[i], "bench-sink") && pss > 0) {
            sum += pss;
            count++;
        }
    }
    figures_add(&bench->figures, bench->round, "bytes", process_tree_pss(graph.broker),
                "memory.broker.pss");
    idle_graph_stop(&graph);
    if (count > 0) {
        figures_add(&bench->figures, bench->round, "bytes", sum / (double)count,
                    "memory.worker.pss");
    }
}

// The largest segment that a process has mapped to write: the pool of its output.
static double pool_of(pid_t pid)
{
    char path[64];
    char line[512];
    double largest = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    auto_file FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        unsigned long from;
        unsigned long to;
        char rights[8];
        if (strstr(line, "/memfd:") != NULL &&
            sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && rights[1] == 'w') {
            double size = (double)(to - from);
            largest = size > largest ? size : largest;
        }
    }
    return largest;
}

static double find_pool(pid_t broker)
{
    int64_t end_ns = clock_now_ns() + LIMIT_NS;
    struct process_tree tree;
    while (clock_now_ns() < end_ns) {
        process_tree_read(broker, &tree);
        for (size_t i = 0; i < tree.count; i++) {
            double size = process_tree_is(tree.pids[i], "bench-source") ? pool_of(tree.pids[i]) : 0;
            if (size >= (double)DEPTH * SIZE) {
                return size;
            }
        }
    }
    return -1;
}

static void measure_pool(struct bench *bench)
{
    struct pair_shape shape = {.size = SIZE,
                               .is_sleeping = true,
                               .cpus = {-1, -1},
                               .readers = FAN,
                               .depth = DEPTH,
                               .rate = 10,
                               .seconds = 60};
    struct ours_options options = {0};
    struct graph_case graph;
    if (ours_graph(bench, &shape, &options, "", &graph) != 0) {
        return;
    }
    int log;
    pid_t pid = graph_case_start(&graph, NULL, &log);
    double size = pid > 0 ? find_pool(pid) : -1;
    struct idle_graph running = {.broker = pid, .log = log};
    idle_graph_stop(&running);
    graph_case_fini(&graph);
    double slots = DEPTH + FAN * CLAIMS + 1;
    double pages = (slots * (LINE + SIZE) + PAGE - 1) / PAGE;
    figures_add(&bench->figures, bench->round, "bytes", (double)(long)pages * PAGE,
                "memory.fan4.arithmetic");
    if (size > 0) {
        figures_add(&bench->figures, bench->round, "bytes", size, "memory.fan4.pool");
    } else {
        figures_miss(&bench->figures, "the pool was not found", "memory.fan4.pool");
    }
}

void row_memory(struct bench *bench)
{
    measure_worker(bench);
    measure_pool(bench);
}
