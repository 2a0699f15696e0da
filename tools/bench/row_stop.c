// SPDX-License-Identifier: Apache-2.0
// From a signal to the broker until it and all of its workers are gone.
#include <stddef.h>

#include "base/check.h"
#include "tools/bench/bench.h"
#include "tools/bench/idle_graph.h"

void row_stop(struct bench *bench)
{
    static const unsigned counts[] = {1, 10, 100, 500};
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        struct idle_graph graph;
        double seconds = -1;
        if (idle_graph_start(bench, counts[i], &graph) == 0) {
            seconds = idle_graph_stop(&graph);
        }
        if (seconds >= 0) {
            figures_add(&bench->figures, bench->round, "ns", seconds * 1e9, "stop.%u.trusted",
                        counts[i]);
        } else {
            figures_miss(&bench->figures, "it failed", "stop.%u.trusted", counts[i]);
        }
    }
}
