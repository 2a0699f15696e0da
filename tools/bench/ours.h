// SPDX-License-Identifier: Apache-2.0
// The shapes of pair.h through a broker and worker processes: bench-source, filters, bench-sinks.
#pragma once

#include "tools/bench/graph_case.h"
#include "tools/bench/pair.h"

struct bench;

struct ours_options {
    const char *spin;  // NULL: 1s when the reader polls, else 0
    uint32_t filters;  // bench-pass between source and sink
    bool is_filter_touching;
    bool is_free;           // without pinning, whatever the shape says
    bool is_untrusted;      // every worker in a sandbox
    uint64_t frames;        // instead of a time
    const char *transport;  // of the links, NULL: what is usual
};

struct ours_result {
    struct pair_summary latency;
    double rate;
    double cpu_ns;         // of all workers, per frame
    double source_cpu_ns;  // per frame
    double sink_cpu_ns;
    double broker_cpu_ns;  // in all
    uint64_t frames;
};

// One frame at a time; back_ns is the one-way time of the way back, which is taken off.
int ours_ping(struct bench *bench, const struct pair_shape *shape,
              const struct ours_options *options, double back_ns, struct ours_result *out_result);
int ours_stream(struct bench *bench, const struct pair_shape *shape,
                const struct ours_options *options, struct ours_result *out_result);

// The same graph, not run yet. line is the file of the way back, or "".
int ours_graph(struct bench *bench, const struct pair_shape *shape,
               const struct ours_options *options, const char *line, struct graph_case *out_graph);
