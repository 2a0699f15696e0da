// SPDX-License-Identifier: Apache-2.0
// Walks a process tree in /proc.
#include "broker/lives/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"

// A hostile worker makes as many processes as its limits allow: the look at them stays short.
#define PROCESSES_MAX 64
#define FILE_BYTES_MAX 4096

static void add_cpu(pid_t pid, struct usage *usage)
{
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &time) == 0) {
        usage->cpu_ns += (uint64_t)time.tv_sec * CLOCK_NS_PER_S + (uint64_t)time.tv_nsec;
    }
}

static char *read_text(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    char *text = NULL;
    size_t count;
    return fd_read_file(path, FILE_BYTES_MAX, &text, &count) < 0 ? NULL : text;
}

static void add_memory(pid_t pid, struct usage *usage)
{
    auto_free char *text = read_text(pid, "statm");
    unsigned long long all;
    unsigned long long resident;
    unsigned long long shared;
    if (text != NULL && sscanf(text, "%llu %llu %llu", &all, &resident, &shared) == 3 &&
        resident > shared) {
        usage->memory_bytes += (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
    }
}

// Appends the children of a process, those of its first thread: nothing that we start forks from
// another one.
static size_t add_children(pid_t pid, pid_t *pids, size_t count)
{
    char name[48];
    snprintf(name, sizeof name, "task/%d/children", (int)pid);
    auto_free char *text = read_text(pid, name);
    char *at = text;
    while (at != NULL && count < PROCESSES_MAX) {
        char *end;
        long child = strtol(at, &end, 10);
        if (end == at || child <= 0) {
            break;
        }
        pids[count++] = (pid_t)child;
        at = end;
    }
    return count;
}

struct usage usage_read(pid_t pid)
{
    struct usage usage = {0};
    pid_t pids[PROCESSES_MAX] = {pid};
    size_t count = pid > 0 ? 1 : 0;
    for (size_t i = 0; i < count; i++) {
        add_cpu(pids[i], &usage);
        add_memory(pids[i], &usage);
        count = add_children(pids[i], pids, count);
    }
    usage.process_count = (uint32_t)count;
    return usage;
}
