// SPDX-License-Identifier: Apache-2.0
// Handing a 1080p frame from one worker's device to that of another one: beside a batch of nothing
// and its wait, and one way of a frame that no device had, all of the same run.
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "tools/bench/bench.h"
#include "tools/bench/graph_case.h"

static bool is_built(const struct bench *bench)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/../libexec/streambroker/bench-gpu-source", bench->programs);
    return access(path, X_OK) == 0;
}

static void add(struct bench *bench, const struct graph_result *result)
{
    static const struct {
        const char *name;
        const char *node;
        const char *path;
    } spans[] = {{"handed", "sink", "handed"}, {"hop", "sink", "bare"}, {"wait", "source", "wait"}};
    static const char *const points[] = {"p50", "p99"};
    double medians[ARRAY_COUNT(spans)];
    for (size_t i = 0; i < ARRAY_COUNT(spans); i++) {
        for (size_t j = 0; j < ARRAY_COUNT(points); j++) {
            char path[32];
            snprintf(path, sizeof path, "%s.%s", spans[i].path, points[j]);
            double value = graph_case_number(result, spans[i].node, path);
            medians[i] = j == 0 ? value : medians[i];
            figures_add(&bench->figures, bench->round, "ns", value, "gpu.1080p.%s.%s",
                        spans[i].name, points[j]);
        }
    }
    figures_add(&bench->figures, bench->round, "ns", medians[1] + medians[2],
                "gpu.1080p.allowed.p50");
    double copies =
        graph_case_number(result, "source", "copies") + graph_case_number(result, "sink", "copies");
    figures_add(&bench->figures, bench->round, "copies", copies, "gpu.1080p.host_copies");
}

void row_gpu(struct bench *bench)
{
    if (!is_built(bench)) {
        figures_miss(&bench->figures, "built without Vulkan", "gpu.1080p.handed.p50");
        return;
    }
    struct graph_case graph;
    struct graph_result result;
    char config[64];
    if (graph_case_init(&graph, bench, "") != 0) {
        return;
    }
    snprintf(config, sizeof config, "time: %dms", (int)(8 * bench->seconds * 1000));
    graph_case_node(&graph, "source", "bench-gpu-source", config, "%s", "");
    graph_case_node(&graph, "sink", "bench-gpu-sink", "copy: false", "%s", "");
    graph_case_link(&graph, "source.video", "sink.video", ", depth: 4");
    if (graph_case_run(&graph, &result) == 0) {
        add(bench, &result);
    } else {
        figures_miss(&bench->figures, "there is no Vulkan driver, or it failed",
                     "gpu.1080p.handed.p50");
    }
    graph_case_free_result(&result);
    graph_case_fini(&graph);
}
