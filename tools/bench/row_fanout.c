// SPDX-License-Identifier: Apache-2.0
// Frames per second from one output to several consumers, each of which gets all of them.
#include <stddef.h>

#include "base/check.h"
#include "tools/bench/bench.h"
#include "tools/bench/stream_case.h"

// More processes than CPUs: everybody may sleep, a short poll before it saves most of the sleeps.
static const struct stream_case fanouts[] = {
    {"fanout.1.64", 64, false, true, true, "5us", 1, 16384, 1000},
    {"fanout.2.64", 64, false, true, true, "5us", 2, 16384, 1000},
    {"fanout.4.64", 64, false, true, true, "5us", 4, 16384, 1000},
    {"fanout.8.64", 64, false, true, true, "5us", 8, 16384, 1000},
    {"fanout.4.64.sleep", 64, false, true, true, "0", 4, 16384, 1000},
    {"fanout.4.4k.touched", 4096, true, true, true, "5us", 4, 1024, 256},
    {"fanout.4.1m.touched", 1 << 20, true, true, true, "5us", 4, 8, 8},
};

void row_fanout(struct bench *bench)
{
    for (size_t i = 0; i < ARRAY_COUNT(fanouts); i++) {
        stream_case_measure(bench, &fanouts[i]);
    }
}
