// SPDX-License-Identifier: Apache-2.0
// What was measured: one value per key and round, and the reasons of what could not be.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define FIGURES_MAX 1024
#define FIGURES_KEY_BYTES 64
#define FIGURES_ROUNDS_MAX 64

struct json_t;

struct figure {
    char key[FIGURES_KEY_BYTES];  // row.shape.who.what, for example latency.64.spin.ours.p50
    const char *unit;             // static
    double values[FIGURES_ROUNDS_MAX];
    bool has_value[FIGURES_ROUNDS_MAX];
    char missing[128];  // why there is no value
};

struct figures {
    struct figure list[FIGURES_MAX];
    size_t count;
};

// Rounds count from 0. A key that is added twice in a round keeps the last value.
void figures_add(struct figures *figures, unsigned round, const char *unit, double value,
                 const char *key, ...) __attribute__((format(printf, 5, 6)));
void figures_miss(struct figures *figures, const char *reason, const char *key, ...)
    __attribute__((format(printf, 3, 4)));

const struct figure *figures_find(const struct figures *figures, const char *key);

// Median over the rounds. False when there is no value.
bool figures_median(const struct figures *figures, const char *key, double *out_median);

// Median of the ratios within each round. False when no round has both.
bool figures_ratio(const struct figures *figures, const char *above, const char *below,
                   double *out_ratio);

// An owned JSON object of everything.
struct json_t *figures_json(const struct figures *figures);

// The table on stdout: key, median, lowest and highest of the rounds.
void figures_print(const struct figures *figures);
