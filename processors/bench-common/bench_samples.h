// SPDX-License-Identifier: Apache-2.0
// Durations that were measured, and their percentiles, exact.
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define BENCH_SAMPLES_MAX (1U << 21)

struct bench_samples {
    uint32_t *ticks;  // owned
    uint32_t count;
};

static inline int bench_samples_init(struct bench_samples *samples)
{
    samples->ticks = malloc(BENCH_SAMPLES_MAX * sizeof *samples->ticks);
    samples->count = 0;
    return samples->ticks == NULL ? -1 : 0;
}

static inline void bench_samples_add(struct bench_samples *samples, uint64_t ticks)
{
    if (samples->count < BENCH_SAMPLES_MAX) {
        samples->ticks[samples->count++] = ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
    }
}

static inline int bench_samples_compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

// Prints {"count":...,"p50":...} in nanoseconds; cost is taken off each.
static inline void bench_samples_print(struct bench_samples *samples, double ns_per_tick,
                                       uint64_t cost)
{
    static const struct {
        const char *name;
        double share;
    } points[] = {{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1.0}};
    qsort(samples->ticks, samples->count, sizeof *samples->ticks, bench_samples_compare);
    printf("{\"count\":%u", samples->count);
    for (size_t i = 0; i < sizeof points / sizeof points[0] && samples->count > 0; i++) {
        uint32_t at = (uint32_t)(points[i].share * (samples->count - 1));
        double ticks = (double)samples->ticks[at] - (double)cost;
        printf(",\"%s\":%.1f", points[i].name, ticks * ns_per_tick);
    }
    printf("}");
}
