// SPDX-License-Identifier: Apache-2.0
// Counts of durations, for percentiles that are right to 3 %.
#pragma once

#include <stdint.h>

#define HISTOGRAM_SUB 32  // steps per power of two
#define HISTOGRAM_BUCKETS (HISTOGRAM_SUB * 60)

struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
    int64_t smallest;
    int64_t largest;
};

// Adds one value; a negative one counts as 0.
void histogram_add(struct histogram *histogram, int64_t value);

// The value that `share` (0 to 1) of all values do not exceed; 0 without values.
int64_t histogram_percentile(const struct histogram *histogram, double share);
