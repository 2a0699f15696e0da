// SPDX-License-Identifier: Apache-2.0
// Starts and stops brokers whose workers only wait.
#include "tools/bench/idle_graph.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tools/bench/bench.h"
#include "tools/bench/graph_case.h"

#define START_NS (60 * CLOCK_NS_PER_S)
#define LOOK_NS (20 * CLOCK_NS_PER_MS)

static void pause_ns(int64_t ns)
{
    struct timespec span = {ns / CLOCK_NS_PER_S, ns % CLOCK_NS_PER_S};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
}

static size_t count_workers(struct idle_graph *graph)
{
    size_t count = 0;
    process_tree_read(graph->broker, &graph->tree);
    for (size_t i = 0; i < graph->tree.count; i++) {
        count += process_tree_is(graph->tree.pids[i], "bench-sink") ? 1 : 0;
    }
    return count;
}

// All are up when all run their program and nobody used the CPU since the last look.
static int wait_idle(struct idle_graph *graph, unsigned workers)
{
    int64_t end_ns = clock_now_ns() + START_NS;
    double last = -1;
    while (clock_now_ns() < end_ns) {
        pause_ns(LOOK_NS);
        if (waitpid(graph->broker, NULL, WNOHANG) != 0) {
            graph->broker = -1;
            return -ECHILD;
        }
        graph->workers = count_workers(graph);
        double cpu = 0;
        for (size_t i = 0; i < graph->tree.count; i++) {
            cpu += process_tree_use(graph->tree.pids[i]).cpu_ns;
        }
        if (graph->workers == workers && cpu == last) {
            return 0;
        }
        last = cpu;
    }
    return -ETIMEDOUT;
}

int idle_graph_start(struct bench *bench, unsigned workers, struct idle_graph *out_graph)
{
    struct graph_case graph;
    int failed = graph_case_init(&graph, bench, "");
    if (failed != 0) {
        return failed;
    }
    for (unsigned i = 0; i < workers; i++) {
        char id[32];
        snprintf(id, sizeof id, "idle%u", i);
        graph_case_node(&graph, id, "bench-sink", "", "%s", "");
    }
    out_graph->broker = graph_case_start(&graph, NULL, &out_graph->log);
    graph_case_fini(&graph);
    if (out_graph->broker < 0) {
        return (int)out_graph->broker;
    }
    failed = wait_idle(out_graph, workers);
    if (failed != 0) {
        idle_graph_stop(out_graph);
    }
    return failed;
}

double idle_graph_stop(struct idle_graph *graph)
{
    int64_t begin_ns = clock_now_ns();
    int status = 0;
    if (graph->broker > 0) {
        kill(graph->broker, SIGTERM);
        // Its log has to be taken, or it would wait for that.
        char text[65536];
        while (read(graph->log, text, sizeof text) > 0) {
        }
        waitpid(graph->broker, &status, 0);
    }
    close(graph->log);
    bool is_ok = graph->broker > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return is_ok ? (double)(clock_now_ns() - begin_ns) / 1e9 : -1;
}
