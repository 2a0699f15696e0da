// SPDX-License-Identifier: Apache-2.0
// Forks writer and readers, lets them begin together, and reads what they measured.
#include "tools/bench/pair.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "tools/bench/stamp.h"

#define SAMPLES_MAX (1U << 21)
#define LARGE_BYTES 16384
#define LOOK_EVERY 256
#define LIMIT_S 20

struct reader_report {
    uint64_t messages;
    int64_t first_ns;
    int64_t last_ns;
    int64_t cpu_ns;
};

// Shared by the processes of one measurement.
struct common {
    _Atomic uint32_t ready;
    _Atomic uint32_t failed;
    uint32_t needed;
    int64_t writer_cpu_ns;
    struct reader_report readers[PAIR_READERS_MAX];
    double ns_per_tick;
    uint32_t count;
    uint32_t samples[SAMPLES_MAX];
};

struct run {
    const struct pair_peer *peer;
    const struct pair_shape *shape;
    struct pair_room room;
    struct common *common;
};

void pair_pin(int cpu)
{
    if (cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)cpu, &set);
        sched_setaffinity(0, sizeof set, &set);
    }
}

uint64_t pair_warmup(const struct pair_shape *shape)
{
    return shape->size < LARGE_BYTES ? 200 : 3;
}

static int64_t cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * CLOCK_NS_PER_S + used.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void pair_summarize(uint32_t *ticks, uint32_t count, double ns_per_tick, double divisor,
                    struct pair_summary *out_summary)
{
    *out_summary = (struct pair_summary){0};
    if (count == 0) {
        return;
    }
    qsort(ticks, count, sizeof *ticks, compare);
    double scale = ns_per_tick / divisor;
    out_summary->p50 = ticks[(uint32_t)(0.5 * (count - 1))] * scale;
    out_summary->p99 = ticks[(uint32_t)(0.99 * (count - 1))] * scale;
    out_summary->p999 = ticks[(uint32_t)(0.999 * (count - 1))] * scale;
    out_summary->max = ticks[count - 1] * scale;
}

static void add_sample(struct common *common, uint64_t ticks, uint64_t cost)
{
    uint64_t net = ticks > cost ? ticks - cost : 0;
    if (common->count < SAMPLES_MAX) {
        common->samples[common->count++] = net > UINT32_MAX ? UINT32_MAX : (uint32_t)net;
    }
}

// Everybody has opened its ends. A failure of one lets the others go as well.
static void meet(struct common *common)
{
    atomic_fetch_add(&common->ready, 1);
    while (atomic_load(&common->ready) < common->needed && atomic_load(&common->failed) == 0) {
        sched_yield();
    }
    if (atomic_load(&common->failed) != 0) {
        _exit(1);
    }
}

static void give_up(struct run *run)
{
    atomic_store(&run->common->failed, 1);
    _exit(1);
}

static void open_ends(struct run *run, void **first, unsigned way, int role, void **second,
                      unsigned second_way, int second_role)
{
    *first = run->peer->open(&run->room, way, role);
    if (*first == NULL) {
        give_up(run);
    }
    if (second != NULL) {
        *second = run->peer->open(&run->room, second_way, second_role);
        if (*second == NULL) {
            give_up(run);
        }
    }
    meet(run->common);
}

static void ping(struct run *run)
{
    uint64_t warmup = pair_warmup(run->shape);
    pair_pin(run->shape->cpus[0]);
    void *there;
    void *back;
    open_ends(run, &there, 0, -1, &back, 1, 0);
    uint64_t cost = stamp_cost();
    int64_t begin_ns = clock_now_ns();
    uint64_t begin = stamp_ticks();
    int64_t end_ns = begin_ns + (int64_t)(run->shape->seconds * 1e9);
    uint64_t start = begin;
    uint64_t answer;
    for (uint64_t tag = 1;; tag++) {
        if (run->peer->send(there, tag) != 0 || run->peer->receive(back, &answer) != 0) {
            give_up(run);
        }
        uint64_t now = stamp_ticks();
        if (tag > warmup) {
            add_sample(run->common, now - start, cost);
        }
        start = now;
        bool is_looking =
            tag % LOOK_EVERY == 0 || run->shape->size >= LARGE_BYTES || run->shape->is_sleeping;
        if (is_looking && clock_now_ns() >= end_ns) {
            break;
        }
        start = is_looking ? stamp_ticks() : start;
    }
    run->common->ns_per_tick =
        (double)(clock_now_ns() - begin_ns) / (double)(stamp_ticks() - begin);
    run->common->writer_cpu_ns = cpu_ns();
    run->peer->send(there, PAIR_END);
    run->peer->close(back);
    run->peer->close(there);
}

static void pong(struct run *run)
{
    pair_pin(run->shape->cpus[1]);
    void *there;
    void *back;
    open_ends(run, &there, 0, 0, &back, 1, -1);
    uint64_t tag = 0;
    struct reader_report *report = &run->common->readers[0];
    while (run->peer->receive(there, &tag) == 0 && tag != PAIR_END) {
        report->messages++;
        if (run->peer->send(back, tag) != 0) {
            give_up(run);
        }
    }
    report->cpu_ns = cpu_ns();
    run->peer->close(back);
    run->peer->close(there);
}

static void pace(int64_t due_ns)
{
    struct timespec due = {due_ns / CLOCK_NS_PER_S, due_ns % CLOCK_NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR) {
    }
}

static void write_stream(struct run *run)
{
    const struct pair_shape *shape = run->shape;
    pair_pin(shape->cpus[0]);
    void *end;
    open_ends(run, &end, 0, -1, NULL, 0, 0);
    int64_t begin_ns = clock_now_ns();
    int64_t end_ns = begin_ns + (int64_t)(shape->seconds * 1e9);
    for (uint64_t sent = 0;; sent++) {
        if (shape->rate > 0) {
            pace(begin_ns + (int64_t)(sent * (uint64_t)CLOCK_NS_PER_S / shape->rate));
        }
        bool is_looking = shape->rate > 0 || sent % LOOK_EVERY == 0 || shape->size >= LARGE_BYTES;
        if (is_looking && clock_now_ns() >= end_ns) {
            break;
        }
        if (run->peer->send(end, shape->rate > 0 ? stamp_ticks() : sent) != 0) {
            give_up(run);
        }
    }
    run->common->writer_cpu_ns = cpu_ns();
    run->peer->send(end, PAIR_END);
    run->peer->close(end);
}

static void read_stream(struct run *run, int index)
{
    const struct pair_shape *shape = run->shape;
    pair_pin(shape->cpus[1]);
    void *end;
    open_ends(run, &end, 0, index, NULL, 0, 0);
    struct reader_report *report = &run->common->readers[index];
    int64_t begin_ns = clock_now_ns();
    uint64_t begin = stamp_ticks();
    uint64_t tag;
    uint64_t messages = 0;
    while (run->peer->receive(end, &tag) == 0 && tag != PAIR_END) {
        if (shape->rate > 0 && index == 0) {
            add_sample(run->common, stamp_ticks() - tag, 0);
        }
        if (messages % LOOK_EVERY == 0 || shape->size >= LARGE_BYTES) {
            report->last_ns = clock_now_ns();
            report->messages = messages;
            report->first_ns = messages == 0 ? report->last_ns : report->first_ns;
        }
        messages++;
    }
    if (index == 0) {
        run->common->ns_per_tick =
            (double)(clock_now_ns() - begin_ns) / (double)(stamp_ticks() - begin);
    }
    report->cpu_ns = cpu_ns();
    run->peer->close(end);
}

static pid_t start(struct run *run, void (*body)(struct run *run), int reader)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        // What hangs ends by itself: a peer that lost a message must not hold up the others.
        alarm((unsigned)run->shape->seconds + LIMIT_S);
        if (body != NULL) {
            body(run);
        } else {
            read_stream(run, reader);
        }
        // Not _exit(): libraries take away what they left in the file system.
        exit(0);
    }
    return pid;
}

static int reap(const pid_t *pids, int count)
{
    int failed = 0;
    for (int i = 0; i < count; i++) {
        int status;
        if (pids[i] < 0 || waitpid(pids[i], &status, 0) < 0 || status != 0) {
            failed = -EIO;
        }
    }
    return failed;
}

static int begin(struct run *run, const struct pair_peer *peer, const struct pair_shape *shape,
                 const char *folder, uint32_t processes)
{
    static unsigned serial;
    SB_ASSERT(shape->readers >= 1 && shape->readers <= PAIR_READERS_MAX && shape->size >= 8);
    *run = (struct run){.peer = peer, .shape = shape};
    run->room = (struct pair_room){.shape = shape, .folder = folder, .serial = ++serial};
    run->common = mmap(NULL, sizeof *run->common, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (run->common == MAP_FAILED) {
        return -errno;
    }
    run->common->needed = processes;
    int failed = peer->prepare != NULL ? peer->prepare(&run->room) : 0;
    if (failed != 0) {
        munmap(run->common, sizeof *run->common);
    }
    return failed;
}

static void end(struct run *run)
{
    if (run->peer->finish != NULL) {
        run->peer->finish(&run->room);
    }
    munmap(run->common, sizeof *run->common);
}

int pair_ping_pong(const struct pair_peer *peer, const struct pair_shape *shape, const char *folder,
                   struct pair_result *out_result)
{
    struct run run;
    int failed = begin(&run, peer, shape, folder, 2);
    if (failed != 0) {
        return failed;
    }
    pid_t pids[2] = {start(&run, ping, 0), start(&run, pong, 0)};
    failed = reap(pids, 2);
    struct common *common = run.common;
    failed = failed == 0 && common->count == 0 ? -ENODATA : failed;
    if (failed == 0) {
        uint64_t messages = common->readers[0].messages;
        *out_result = (struct pair_result){.messages = messages};
        pair_summarize(common->samples, common->count, common->ns_per_tick, 2,
                       &out_result->latency);
    }
    end(&run);
    return failed;
}

int pair_stream(const struct pair_peer *peer, const struct pair_shape *shape, const char *folder,
                struct pair_result *out_result)
{
    struct run run;
    int failed = begin(&run, peer, shape, folder, shape->readers + 1);
    if (failed != 0) {
        return failed;
    }
    pid_t pids[PAIR_READERS_MAX + 1];
    for (uint32_t i = 0; i < shape->readers; i++) {
        pids[i] = start(&run, NULL, (int)i);
    }
    pids[shape->readers] = start(&run, write_stream, 0);
    failed = reap(pids, (int)shape->readers + 1);
    struct common *common = run.common;
    struct pair_result result = {.messages = common->readers[0].messages, .rate = 1e300};
    double cpu = (double)common->writer_cpu_ns;
    for (uint32_t i = 0; i < shape->readers; i++) {
        const struct reader_report *report = &common->readers[i];
        double span_ns = (double)(report->last_ns - report->first_ns);
        double rate = span_ns > 0 ? (double)report->messages * 1e9 / span_ns : 0;
        result.rate = rate < result.rate ? rate : result.rate;
        cpu += (double)report->cpu_ns;
    }
    result.cpu_ns = result.messages > 0 ? cpu / (double)result.messages : 0;
    pair_summarize(common->samples, common->count, common->ns_per_tick, 1, &result.latency);
    end(&run);
    if (failed == 0) {
        *out_result = result;
    }
    return failed;
}
