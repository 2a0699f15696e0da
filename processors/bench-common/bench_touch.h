// SPDX-License-Identifier: Apache-2.0
// Writes and reads every byte of a payload, as fast as memory allows.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void bench_touch_write(void *bytes, size_t count, uint64_t tag)
{
    memset(bytes, (int)(tag & 0xff), count);
}

typedef uint64_t bench_vector __attribute__((vector_size(32), aligned(8), may_alias));

static inline uint64_t bench_touch_read(const void *bytes, size_t count)
{
    const bench_vector *vectors = bytes;
    bench_vector sums[4] = {{0}, {0}, {0}, {0}};
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
    bench_vector sum = sums[0] + sums[1] + sums[2] + sums[3];
    return sum[0] + sum[1] + sum[2] + sum[3];
}
