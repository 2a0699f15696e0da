// SPDX-License-Identifier: Apache-2.0
// When a worker died and when its next life had a frame: lines in a file that all its lives write.
//
//   died MONOTONIC_NS REALTIME_NS
//   first MONOTONIC_NS
#pragma once

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static inline long long bench_deaths_now(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

// Opens the file, which the one who started the graph made. -1 for no path or when it fails.
static inline int bench_deaths_open(const char *path)
{
    return path[0] == '\0' ? -1 : open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
}

// The last thing before the end. The line is written before, its times are those of then: what the
// write takes counts.
static inline void bench_deaths_die(int fd)
{
    dprintf(fd, "died %lld %lld\n", bench_deaths_now(CLOCK_MONOTONIC),
            bench_deaths_now(CLOCK_REALTIME));
}

// The first frame of a life.
static inline void bench_deaths_live(int fd)
{
    dprintf(fd, "first %lld\n", bench_deaths_now(CLOCK_MONOTONIC));
}
