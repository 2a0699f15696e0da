// SPDX-License-Identifier: Apache-2.0
// Latency and throughput inside the sandbox against trusted.
#include "tools/bench/bench.h"

void row_isolation(struct bench *bench)
{
    figures_miss(&bench->figures, "the sandbox is not part of this build yet", "isolation.latency");
    figures_miss(&bench->figures, "the sandbox is not part of this build yet",
                 "isolation.throughput");
    figures_miss(&bench->figures, "the sandbox is not part of this build yet", "isolation.start");
}
