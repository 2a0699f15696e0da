// SPDX-License-Identifier: Apache-2.0
// System calls of source -> filter -> sink with small frames, counted by strace from the start.
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "tools/bench/bench.h"
#include "tools/bench/ours.h"

#define PROCESSES_MAX 64

// Who a traced process is: what it executed last decides.
enum who { WHO_BROKER, WHO_SOURCE, WHO_PASS, WHO_SINK, WHO_COUNT };

static const char *const programs[WHO_COUNT] = {"/streambroker\"", "/bench-source\"",
                                                "/bench-pass\"", "/bench-sink\""};
static const char *const names[WHO_COUNT] = {"broker", "source", "pass", "sink"};

struct counts {
    long pids[PROCESSES_MAX];
    enum who who[PROCESSES_MAX];
    size_t process_count;
    uint64_t calls[WHO_COUNT];
};

static size_t process_of(struct counts *counts, long pid)
{
    for (size_t i = 0; i < counts->process_count; i++) {
        if (counts->pids[i] == pid) {
            return i;
        }
    }
    if (counts->process_count == PROCESSES_MAX) {
        return 0;
    }
    counts->pids[counts->process_count] = pid;
    return counts->process_count++;
}

// A line is "PID name(arguments) = result", or the second half of a call that others interrupted.
static void count_line(struct counts *counts, const char *line)
{
    char *end;
    long pid = strtol(line, &end, 10);
    end += strspn(end, " ");
    if (end == line || !isalpha((unsigned char)*end)) {
        return;
    }
    size_t process = process_of(counts, pid);
    if (strncmp(end, "execve(", 7) == 0 || strncmp(end, "execveat(", 9) == 0) {
        for (int who = 0; who < WHO_COUNT; who++) {
            if (strstr(end, programs[who]) != NULL) {
                counts->who[process] = (enum who)who;
            }
        }
    }
    counts->calls[counts->who[process]]++;
}

static int count_file(const char *path, struct counts *out_counts)
{
    *out_counts = (struct counts){0};
    auto_file FILE *file = fopen(path, "re");
    if (file == NULL) {
        return -errno;
    }
    char line[4096];
    bool is_begin = true;
    while (fgets(line, sizeof line, file) != NULL) {
        if (is_begin) {
            count_line(out_counts, line);
        }
        is_begin = strchr(line, '\n') != NULL;
    }
    return 0;
}

static int trace(struct bench *bench, const struct pair_shape *shape,
                 const struct ours_options *options, struct counts *out_counts)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/trace", bench->folder);
    const char *const wrapper[] = {"strace", "-f",  "-qq", "-e", "signal=none",
                                   "-s",     "160", "-o",  path, NULL};
    struct graph_case graph;
    int failed = ours_graph(bench, shape, options, "", &graph);
    if (failed != 0) {
        return failed;
    }
    int log;
    struct graph_result result;
    pid_t pid = graph_case_start(&graph, wrapper, &log);
    failed = pid < 0 ? pid : graph_case_finish(&graph, pid, log, &result);
    if (failed == 0 && graph_case_number(&result, "sink0", "frames") != (double)options->frames) {
        failed = -EIO;
    }
    if (pid > 0) {
        graph_case_free_result(&result);
    }
    graph_case_fini(&graph);
    failed = failed == 0 ? count_file(path, out_counts) : failed;
    unlink(path);
    return failed;
}

// The broker's CPU time is taken without strace, which would be what costs.
static double broker_cpu(struct bench *bench, uint64_t frames)
{
    struct pair_shape shape = {
        .size = 64, .is_sleeping = true, .cpus = {-1, -1}, .readers = 1, .depth = 4096};
    struct ours_options options = {.filters = 1, .frames = frames};
    struct ours_result result;
    return ours_stream(bench, &shape, &options, &result) == 0 ? result.broker_cpu_ns : -1;
}

static void add(struct bench *bench, const char *size, uint64_t frames, const struct counts *counts)
{
    double workers = 0;
    for (int who = 0; who < WHO_COUNT; who++) {
        figures_add(&bench->figures, bench->round, "calls", (double)counts->calls[who],
                    "syscalls.%s.%s", size, names[who]);
        workers += who != WHO_BROKER ? (double)counts->calls[who] : 0;
    }
    figures_add(&bench->figures, bench->round, "calls", workers / (double)frames,
                "syscalls.%s.per_frame", size);
    figures_add(&bench->figures, bench->round, "frames", (double)frames, "syscalls.%s.frames",
                size);
}

static int trace_saturated(struct bench *bench, uint64_t frames, struct counts *out_counts)
{
    struct pair_shape shape = {
        .size = 64, .is_sleeping = true, .cpus = {-1, -1}, .readers = 1, .depth = 4096};
    struct ours_options options = {.filters = 1, .frames = frames};
    return trace(bench, &shape, &options, out_counts);
}

// A reader that polls is awake whatever strace does to the others.
static int trace_awake(struct bench *bench, uint64_t frames, struct counts *out_counts)
{
    struct pair_shape shape = {
        .size = 64, .cpus = {bench->cpus[0], bench->cpus[1]}, .readers = 1, .depth = 4096};
    struct ours_options options = {.frames = frames};
    return trace(bench, &shape, &options, out_counts);
}

static void measure_awake(struct bench *bench, uint64_t frames)
{
    struct counts many;
    struct counts few;
    uint64_t less = frames / 10 > 0 ? frames / 10 : 1;
    if (frames == less || trace_awake(bench, frames, &many) != 0 ||
        trace_awake(bench, less, &few) != 0) {
        figures_miss(&bench->figures, "it failed", "syscalls.awake.per_frame");
        return;
    }
    double calls = 0;
    for (int who = WHO_SOURCE; who < WHO_COUNT; who++) {
        calls += (double)many.calls[who] - (double)few.calls[who];
    }
    figures_add(&bench->figures, bench->round, "calls", calls / (double)(frames - less),
                "syscalls.awake.per_frame");
}

void row_syscalls(struct bench *bench)
{
    struct counts many;
    struct counts few;
    uint64_t tenth = bench->frames / 10 > 0 ? bench->frames / 10 : 1;
    if (trace_saturated(bench, bench->frames, &many) != 0 ||
        trace_saturated(bench, tenth, &few) != 0) {
        figures_miss(&bench->figures, "strace cannot be run here", "syscalls.all.per_frame");
        return;
    }
    measure_awake(bench, tenth);
    add(bench, "all", bench->frames, &many);
    add(bench, "tenth", tenth, &few);
    figures_add(&bench->figures, bench->round, "ns", broker_cpu(bench, bench->frames),
                "syscalls.all.broker_cpu");
    figures_add(&bench->figures, bench->round, "ns", broker_cpu(bench, tenth),
                "syscalls.tenth.broker_cpu");
}
