// SPDX-License-Identifier: Apache-2.0
// Time in nanoseconds.
#pragma once

#include <stdint.h>

#define CLOCK_NS_PER_US INT64_C(1000)
#define CLOCK_NS_PER_MS INT64_C(1000000)
#define CLOCK_NS_PER_S INT64_C(1000000000)

// CLOCK_MONOTONIC now. Every deadline and time stamp inside a graph is on this clock.
int64_t clock_now_ns(void);

// CLOCK_REALTIME now: for people who read logs, never for deadlines.
int64_t clock_wall_ns(void);

// CPU time that this thread has used.
int64_t clock_thread_cpu_ns(void);

// Tells the CPU that this is a polling loop.
static inline void clock_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}
