// SPDX-License-Identifier: Apache-2.0
// A histogram with 32 steps per power of two.
#include "processors/common/histogram.h"

static uint32_t bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_SUB) {
        return (uint32_t)value;
    }
    uint32_t top = 63 - (uint32_t)__builtin_clzll(value);
    uint32_t shift = top - 5;  // 2^5 steps
    return (shift + 1) * HISTOGRAM_SUB + (uint32_t)(value >> shift) - HISTOGRAM_SUB;
}

// The largest value of a bucket.
static int64_t end_of(uint32_t bucket)
{
    if (bucket < HISTOGRAM_SUB) {
        return bucket;
    }
    uint32_t shift = bucket / HISTOGRAM_SUB - 1;
    uint64_t first = (uint64_t)(bucket % HISTOGRAM_SUB + HISTOGRAM_SUB) << shift;
    return (int64_t)(first + (UINT64_C(1) << shift) - 1);
}

void histogram_add(struct histogram *histogram, int64_t value)
{
    int64_t counted = value < 0 ? 0 : value;
    histogram->counts[bucket_of((uint64_t)counted)]++;
    if (histogram->total == 0 || counted < histogram->smallest) {
        histogram->smallest = counted;
    }
    if (counted > histogram->largest) {
        histogram->largest = counted;
    }
    histogram->total++;
}

int64_t histogram_percentile(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->total);
    uint64_t seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > 0 && seen >= wanted) {
            int64_t end = end_of(i);
            return end < histogram->largest ? end : histogram->largest;
        }
    }
    return histogram->largest;
}
