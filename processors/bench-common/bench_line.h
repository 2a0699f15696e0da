// SPDX-License-Identifier: Apache-2.0
// The way back of a latency measurement: one cache line in a small file that both ends map.
//
// A graph has no cycles, so a round trip needs a way back outside of it: as cheap as the hardware
// can be, so that it can be measured alone and subtracted. The answering end stores what it saw;
// the asking end spins on it, or sleeps on it when both ends share a CPU.
#pragma once

#include <fcntl.h>
#include <linux/futex.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct bench_line {
    alignas(64) _Atomic uint32_t answer;
};

// Maps the file, which the one who started the graph made. NULL for no path or when it fails.
static inline struct bench_line *bench_line_map(const char *path)
{
    if (path[0] == '\0') {
        return NULL;
    }
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    void *bytes = mmap(NULL, sizeof(struct bench_line), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return bytes == MAP_FAILED ? NULL : bytes;
}

static inline void bench_line_answer(struct bench_line *line, uint32_t value, bool is_sleeping)
{
    atomic_store_explicit(&line->answer, value, memory_order_release);
    if (is_sleeping) {
        syscall(SYS_futex, &line->answer, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
}

// Waits until the answer is value. False when `limit` looks have passed, so that a caller can see
// whether it should stop.
static inline bool bench_line_wait(struct bench_line *line, uint32_t value, bool is_sleeping,
                                   uint32_t limit)
{
    for (uint32_t look = 0; look < limit; look++) {
        uint32_t seen = atomic_load_explicit(&line->answer, memory_order_acquire);
        if (seen == value) {
            return true;
        }
        if (is_sleeping) {
            syscall(SYS_futex, &line->answer, FUTEX_WAIT, seen, NULL, NULL, 0);
        } else {
#if defined(__x86_64__)
            __builtin_ia32_pause();
#endif
        }
    }
    return false;
}
