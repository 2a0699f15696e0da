// SPDX-License-Identifier: Apache-2.0
// Measures memory bandwidth, the start of processes and timers, each as bare as can be.
#include "tools/bench/limits.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "tools/bench/stamp.h"

#define PASSES_MAX 100000
#define SPAWN_MAX 1000
#define TICKS_MAX 100000

static void pass(enum limits_memory kind, uint8_t *to, const uint8_t *from, size_t size_bytes,
                 uint64_t round)
{
    uint64_t kept = 0;
    switch (kind) {
    case LIMITS_WRITE:
        stamp_write_all(to, size_bytes, round);
        kept = to[round % size_bytes];
        break;
    case LIMITS_READ:
        kept = stamp_read_all(from, size_bytes);
        break;
    case LIMITS_COPY:
    default:
        memcpy(to, from, size_bytes);
        kept = to[round % size_bytes];
        break;
    }
    // Nobody wants the value; without this the compiler would leave the work out.
    __asm__ volatile("" : : "r"(kept) : "memory");
}

double limits_memory_ns(enum limits_memory kind, size_t size_bytes, double seconds)
{
    uint8_t *bytes = mmap(NULL, 2 * size_bytes, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    uint32_t *samples = calloc(PASSES_MAX, sizeof *samples);
    if (bytes == MAP_FAILED || samples == NULL) {
        free(samples);
        return 0;
    }
    memset(bytes, 1, 2 * size_bytes);
    int64_t begin_ns = clock_now_ns();
    int64_t now_ns = begin_ns;
    uint32_t count = 0;
    while (now_ns - begin_ns < (int64_t)(seconds * 1e9) && count < PASSES_MAX) {
        pass(kind, bytes, bytes + size_bytes, size_bytes, count);
        int64_t then_ns = now_ns;
        now_ns = clock_now_ns();
        samples[count++] = (uint32_t)(now_ns - then_ns);
    }
    struct pair_summary summary;
    pair_summarize(samples, count, 1, 1, &summary);
    munmap(bytes, 2 * size_bytes);
    free(samples);
    return summary.p50;
}

double limits_spawn_ns(unsigned count)
{
    SB_ASSERT(count <= SPAWN_MAX);
    pid_t pids[SPAWN_MAX];
    char *const arguments[] = {(char *)(uintptr_t) "true", NULL};
    char *const environment[] = {NULL};
    int64_t begin_ns = clock_now_ns();
    for (unsigned i = 0; i < count; i++) {
        if (posix_spawn(&pids[i], "/bin/true", NULL, NULL, arguments, environment) != 0) {
            pids[i] = -1;
        }
    }
    for (unsigned i = 0; i < count; i++) {
        if (pids[i] > 0) {
            waitpid(pids[i], NULL, 0);
        }
    }
    return (double)(clock_now_ns() - begin_ns);
}

double limits_bwrap_ns(void)
{
    static const char *const words[] = {
        "bwrap", "--unshare-all", "--ro-bind", "/usr",   "/usr",          "--symlink", "usr/lib",
        "/lib",  "--symlink",     "usr/lib64", "/lib64", "/usr/bin/true", NULL};
    char *const environment[] = {NULL};
    pid_t pid;
    int status = -1;
    int64_t begin_ns = clock_now_ns();
    if (posix_spawn(&pid, "/usr/bin/bwrap", NULL, NULL, (char *const *)(uintptr_t)words,
                    environment) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0) {
        return 0;
    }
    return (double)(clock_now_ns() - begin_ns);
}

static int64_t cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * CLOCK_NS_PER_S + used.tv_nsec;
}

void limits_timer(uint32_t rate_hz, double seconds, struct pair_summary *out_lateness,
                  double *out_cpu_share)
{
    uint32_t wanted = (uint32_t)(seconds * rate_hz);
    wanted = wanted < TICKS_MAX ? wanted : TICKS_MAX;
    uint32_t *samples = calloc(wanted + 1, sizeof *samples);
    if (samples == NULL) {
        *out_lateness = (struct pair_summary){0};
        return;
    }
    // As a worker has it: what is waited for at an instant should not be rounded to 50 us.
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    int64_t begin_ns = clock_now_ns();
    int64_t begin_cpu_ns = cpu_ns();
    for (uint32_t i = 0; i < wanted; i++) {
        int64_t due_ns = begin_ns + (int64_t)(i + 1) * CLOCK_NS_PER_S / rate_hz;
        struct timespec due = {due_ns / CLOCK_NS_PER_S, due_ns % CLOCK_NS_PER_S};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR) {
        }
        samples[i] = (uint32_t)(clock_now_ns() - due_ns);
    }
    prctl(PR_SET_TIMERSLACK, 0, 0, 0, 0);
    *out_cpu_share = (double)(cpu_ns() - begin_cpu_ns) / (double)(clock_now_ns() - begin_ns);
    pair_summarize(samples, wanted, 1, 1, out_lateness);
    free(samples);
}
