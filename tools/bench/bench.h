// SPDX-License-Identifier: Apache-2.0
// What all rows of streambench share.
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/bench/figures.h"
#include "tools/bench/pair.h"

struct bench {
    unsigned rounds;
    unsigned round;  // from 0
    double seconds;  // per measurement
    uint64_t frames;
    bool is_json;
    bool is_quiet;
    int cpus[2];              // the two that pinned rows use; equal on a machine with one
    char programs[PATH_MAX];  // folder of streambroker
    char folder[PATH_MAX];    // temporary, owned
    struct figures figures;
};

// One row: measures one round of everything that belongs to it.
typedef void (*bench_row_fn)(struct bench *bench);

#define ROW(name, text) void row_##name(struct bench *bench);
#include "tools/bench/rows.def"
#undef ROW
