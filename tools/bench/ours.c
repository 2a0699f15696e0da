// SPDX-License-Identifier: Apache-2.0
// Writes the graphs of the shapes and reads the reports of their workers.
#include "tools/bench/ours.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "tools/bench/bench.h"

static void run_text(const struct pair_shape *shape, const struct ours_options *options, int cpu,
                     char *out, size_t size_bytes)
{
    const char *spin = options->spin;
    if (spin == NULL) {
        spin = shape->is_sleeping ? "0" : "1s";
    }
    if (cpu >= 0 && !options->is_free) {
        snprintf(out, size_bytes, ", run: {spin: %s, cpus: [%d]}", spin, cpu);
    } else {
        snprintf(out, size_bytes, ", run: {spin: %s}", spin);
    }
}

static const char *truth(bool value)
{
    return value ? "true" : "false";
}

static void add_source(struct graph_case *graph, const struct pair_shape *shape,
                       const struct ours_options *options, const char *line, const char *run)
{
    char config[PATH_MAX + 512];
    int length = snprintf(config, sizeof config, "size: %llu, touch: %s, rate: %u, warmup: %llu",
                          (unsigned long long)shape->size, truth(shape->is_touched), shape->rate,
                          (unsigned long long)pair_warmup(shape));
    size_t left = sizeof config - (size_t)length;
    char *end = config + length;
    if (options->frames > 0) {
        length = snprintf(end, left, ", count: %llu", (unsigned long long)options->frames);
    } else {
        length = snprintf(end, left, ", time: %dms", (int)(shape->seconds * 1000));
    }
    if (line[0] != '\0') {
        // On a CPU of its own a reader would not have fallen asleep when the next frame comes.
        bool is_apart = shape->is_sleeping && shape->cpus[0] != shape->cpus[1];
        snprintf(end + length, left - (size_t)length, ", line: \"%s\", sleep: %s, gap: %s", line,
                 truth(shape->is_sleeping), is_apart ? "30us" : "0s");
    }
    graph_case_node(graph, "source", "bench-source", config, "%s", run);
}

static void add_sinks(struct graph_case *graph, const struct pair_shape *shape, const char *line,
                      const char *run)
{
    char config[PATH_MAX + 512];
    snprintf(config, sizeof config, "touch: %s, stamped: %s, line: \"%s\", sleep: %s",
             truth(shape->is_touched), truth(shape->rate > 0), line, truth(shape->is_sleeping));
    for (uint32_t i = 0; i < shape->readers; i++) {
        char id[32];
        snprintf(id, sizeof id, "sink%u", i);
        graph_case_node(graph, id, "bench-sink", config, "%s", run);
    }
}

static void add_links(struct graph_case *graph, const struct pair_shape *shape,
                      const struct ours_options *options)
{
    char from[32];
    char to[32];
    char more[96] = "";
    if (options->transport != NULL) {
        snprintf(more, sizeof more, ", transport: %s, max_payload: %llu", options->transport,
                 (unsigned long long)shape->size);
    }
    snprintf(from, sizeof from, "source.data");
    for (uint32_t i = 0; i < options->filters; i++) {
        snprintf(to, sizeof to, "pass%u.data", i);
        graph_case_link(graph, from, to, ", depth: %u%s", shape->depth, more);
        snprintf(from, sizeof from, "%s", to);
    }
    for (uint32_t i = 0; i < shape->readers; i++) {
        snprintf(to, sizeof to, "sink%u.data", i);
        graph_case_link(graph, from, to, ", depth: %u%s", shape->depth, more);
    }
}

int ours_graph(struct bench *bench, const struct pair_shape *shape,
               const struct ours_options *options, const char *line, struct graph_case *out_graph)
{
    int failed = graph_case_init(out_graph, bench, "");
    if (failed != 0) {
        return failed;
    }
    if (options->is_untrusted && line[0] != '\0') {
        snprintf(out_graph->tier, sizeof out_graph->tier, "{tier: untrusted, write: [\"%s\"]}",
                 line);
    } else if (options->is_untrusted) {
        snprintf(out_graph->tier, sizeof out_graph->tier, "untrusted");
    }
    char run[128];
    run_text(shape, options, shape->cpus[0], run, sizeof run);
    add_source(out_graph, shape, options, line, run);
    for (uint32_t i = 0; i < options->filters; i++) {
        char id[32];
        char config[128];
        snprintf(id, sizeof id, "pass%u", i);
        snprintf(config, sizeof config, "size: %llu, touch: %s", (unsigned long long)shape->size,
                 truth(options->is_filter_touching));
        // Every second one beside the sink: hand-overs cross from CPU to CPU.
        run_text(shape, options, shape->cpus[i % 2 == 0 ? 1 : 0], run, sizeof run);
        graph_case_node(out_graph, id, "bench-pass", config, "%s", run);
    }
    run_text(shape, options, shape->cpus[1], run, sizeof run);
    size_t length = strlen(run);
    if (options->transport != NULL) {
        // A transport keeps fewer frames for a reader that dies than a deep link has.
        snprintf(run + length, sizeof run - length, ", on_crash: {frame: skip}");
    }
    add_sinks(out_graph, shape, line, run);
    add_links(out_graph, shape, options);
    return 0;
}

static double cpu_of_filters(const struct graph_result *result, uint32_t filters)
{
    double sum = 0;
    for (uint32_t i = 0; i < filters; i++) {
        char id[32];
        snprintf(id, sizeof id, "pass%u", i);
        sum += graph_case_number(result, id, "cpu_ns");
    }
    return sum;
}

static void read_result(const struct pair_shape *shape, const struct ours_options *options,
                        const struct graph_result *result, struct ours_result *out_result)
{
    double frames = graph_case_number(result, "source", "frames");
    double source = graph_case_number(result, "source", "cpu_ns");
    double sinks = 0;
    *out_result = (struct ours_result){.rate = 1e300};
    for (uint32_t i = 0; i < shape->readers; i++) {
        char id[32];
        snprintf(id, sizeof id, "sink%u", i);
        double rate = graph_case_number(result, id, "rate");
        out_result->rate = rate < out_result->rate ? rate : out_result->rate;
        sinks += graph_case_number(result, id, "cpu_ns");
    }
    out_result->frames = frames > 0 ? (uint64_t)frames : 0;
    if (frames > 0) {
        out_result->source_cpu_ns = source / frames;
        out_result->sink_cpu_ns = sinks / frames;
        out_result->cpu_ns = (source + sinks + cpu_of_filters(result, options->filters)) / frames;
    }
    out_result->broker_cpu_ns = result->broker_cpu_ns;
}

// Frames that were too few to measure leave a report without percentiles.
static int read_latency(const struct graph_result *result, const char *node, const char *what,
                        double off_ns, struct pair_summary *out_summary)
{
    struct {
        const char *name;
        double *to;
    } points[] = {{"p50", &out_summary->p50},
                  {"p99", &out_summary->p99},
                  {"p999", &out_summary->p999},
                  {"max", &out_summary->max}};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        char path[32];
        snprintf(path, sizeof path, "%s.%s", what, points[i].name);
        double value = graph_case_number(result, node, path);
        if (value < 0) {
            return -ENODATA;
        }
        *points[i].to = value - off_ns;
    }
    return 0;
}

static int make_line(const struct bench *bench, char path[PATH_MAX + 16])
{
    snprintf(path, PATH_MAX + 16, "%s/line", bench->folder);
    auto_fd int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return fd < 0 || ftruncate(fd, 4096) != 0 ? -errno : 0;
}

int ours_ping(struct bench *bench, const struct pair_shape *shape,
              const struct ours_options *options, double back_ns, struct ours_result *out_result)
{
    char line[PATH_MAX + 16];
    struct graph_case graph;
    int failed = make_line(bench, line);
    failed = failed != 0 ? failed : ours_graph(bench, shape, options, line, &graph);
    if (failed != 0) {
        return failed;
    }
    struct graph_result result;
    failed = graph_case_run(&graph, &result);
    if (failed == 0) {
        read_result(shape, options, &result, out_result);
        failed = read_latency(&result, "source", "rtt", back_ns, &out_result->latency);
    }
    graph_case_free_result(&result);
    graph_case_fini(&graph);
    return failed;
}

int ours_stream(struct bench *bench, const struct pair_shape *shape,
                const struct ours_options *options, struct ours_result *out_result)
{
    struct graph_case graph;
    int failed = ours_graph(bench, shape, options, "", &graph);
    if (failed != 0) {
        return failed;
    }
    struct graph_result result;
    failed = graph_case_run(&graph, &result);
    if (failed == 0) {
        read_result(shape, options, &result, out_result);
        if (shape->rate > 0) {
            failed = read_latency(&result, "sink0", "oneway", 0, &out_result->latency);
        }
    }
    graph_case_free_result(&result);
    graph_case_fini(&graph);
    return failed;
}
