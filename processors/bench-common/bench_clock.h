// SPDX-License-Identifier: Apache-2.0
// Time stamps that cost little, and the CPU time of this process.
#pragma once

#include <stdint.h>
#include <sys/resource.h>
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

static inline int64_t bench_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

// The time stamp counter where there is one, which all CPUs of a machine share; else nanoseconds.
static inline uint64_t bench_clock_ticks(void)
{
#if defined(__x86_64__)
    unsigned cpu;
    return __rdtscp(&cpu);
#else
    return (uint64_t)bench_clock_ns();
#endif
}

// Two clocks read at the same moment, and nanoseconds per tick since then.
struct bench_clock {
    int64_t ns;
    uint64_t ticks;
};

static inline struct bench_clock bench_clock_begin(void)
{
    struct bench_clock begin = {.ns = bench_clock_ns(), .ticks = bench_clock_ticks()};
    return begin;
}

static inline double bench_clock_ratio(const struct bench_clock *begin)
{
    uint64_t ticks = bench_clock_ticks() - begin->ticks;
    return ticks == 0 ? 1 : (double)(bench_clock_ns() - begin->ns) / (double)ticks;
}

// What one look at the counter adds to a chain of stamps.
static inline uint64_t bench_clock_cost(void)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 1000; i++) {
        uint64_t start = bench_clock_ticks();
        uint64_t cost = bench_clock_ticks() - start;
        least = cost < least ? cost : least;
    }
    return least;
}

static inline int64_t bench_clock_cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * INT64_C(1000000000) + used.tv_nsec;
}
