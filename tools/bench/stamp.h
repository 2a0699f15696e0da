// SPDX-License-Identifier: Apache-2.0
// Time stamps that cost little, and bytes that are written and read as fast as memory allows.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "base/clock.h"

// The time stamp counter where there is one, which all CPUs of a machine share; else nanoseconds.
static inline uint64_t stamp_ticks(void)
{
#if defined(__x86_64__)
    unsigned cpu;
    return __rdtscp(&cpu);
#else
    return (uint64_t)clock_now_ns();
#endif
}

// What one look at the counter adds to a chain of stamps.
static inline uint64_t stamp_cost(void)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 1000; i++) {
        uint64_t start = stamp_ticks();
        uint64_t cost = stamp_ticks() - start;
        least = cost < least ? cost : least;
    }
    return least;
}

static inline void stamp_write_all(void *bytes, size_t count, uint64_t tag)
{
    memset(bytes, (int)(tag & 0xff), count);
}

typedef uint64_t stamp_vector __attribute__((vector_size(32), aligned(8), may_alias));

static inline uint64_t stamp_read_all(const void *bytes, size_t count)
{
    const stamp_vector *vectors = bytes;
    stamp_vector sums[4] = {{0}, {0}, {0}, {0}};
    size_t whole = count / sizeof *vectors;
    size_t i = 0;
    for (; i + 4 <= whole; i += 4) {
        sums[0] += vectors[i];
        sums[1] += vectors[i + 1];
        sums[2] += vectors[i + 2];
        sums[3] += vectors[i + 3];
    }
    for (; i < whole; i++) {
        sums[0] += vectors[i];
    }
    stamp_vector sum = sums[0] + sums[1] + sums[2] + sums[3];
    return sum[0] + sum[1] + sum[2] + sum[3];
}
