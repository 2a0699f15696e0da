// SPDX-License-Identifier: Apache-2.0
// A graph that is written, run by a real broker with real workers, and listened to.
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct bench;
struct json_t;

#define GRAPH_CASE_TEXT_BYTES (512 * 1024)
#define GRAPH_CASE_DEATHS_MAX 512

struct graph_case {
    struct bench *bench;  // borrowed
    char *text;           // owned
    size_t length;
    bool has_links;
    char tier[PATH_MAX + 64];  // what its nodes say of their sandbox, "trusted" at first
};

// What a run gave. Free it with graph_case_free().
struct graph_result {
    int status;              // exit status of the broker
    double seconds;          // from its start to its end
    double broker_cpu_ns;    // of the broker without its workers
    double children_cpu_ns;  // of everything that it started
    struct json_t *nodes;    // owned: node id -> what its processor printed at its end
    char error[512];         // the last log line that was no report
    size_t death_count;      // of workers that were started again
    int64_t deaths_ns[GRAPH_CASE_DEATHS_MAX];  // when the broker told of them, CLOCK_REALTIME
};

// head: lines before the nodes, such as the clock; "" = none.
int graph_case_init(struct graph_case *graph, struct bench *bench, const char *head);
void graph_case_fini(struct graph_case *graph);

// Lines of the file. Nodes first, then links.
void graph_case_node(struct graph_case *graph, const char *id, const char *exec, const char *config,
                     const char *more, ...) __attribute__((format(printf, 5, 6)));
void graph_case_link(struct graph_case *graph, const char *from, const char *to, const char *more,
                     ...) __attribute__((format(printf, 4, 5)));

// Runs it to its end. Returns 0 when the broker exited with 0 and every report was read.
int graph_case_run(struct graph_case *graph, struct graph_result *out_result);

// Starts the broker; returns its pid. Its log comes out of out_log, which the caller closes.
pid_t graph_case_start(struct graph_case *graph, const char *const *wrapper, int *out_log);
int graph_case_finish(struct graph_case *graph, pid_t pid, int log,
                      struct graph_result *out_result);
void graph_case_free_result(struct graph_result *result);

// A number of a node's report ("rate", "rtt.p50"), or -1.
double graph_case_number(const struct graph_result *result, const char *node, const char *path);
