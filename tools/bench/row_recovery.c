// SPDX-License-Identifier: Apache-2.0
// From the death of a worker to the first frame of its next life, and what the others notice.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "tools/bench/bench.h"
#include "tools/bench/graph_case.h"

#define DEATHS 100
#define DEATHS_SHORT 5
#define SHORT_SECONDS 0.1
#define FRAMES_BETWEEN 20
#define RATE 1000

// What the filter wrote of one death.
struct death {
    int64_t died_ns;   // CLOCK_MONOTONIC
    int64_t wall_ns;   // CLOCK_REALTIME, as log lines have it
    int64_t first_ns;  // of the next life, 0 = it had no frame
};

struct deaths {
    size_t count;
    struct death list[GRAPH_CASE_DEATHS_MAX];
};

static int compare(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;
    return *left < *right ? -1 : *left > *right;
}

static double part_of(double *values, size_t count, double part)
{
    qsort(values, count, sizeof *values, compare);
    size_t index = (size_t)(part * (double)count);
    return values[index < count ? index : count - 1];
}

// --- The least that it can take ---------------------------------------------------------------

// From just before a process kills itself to the return of poll() on its pidfd.
static double measure_pidfd_ns(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -1;
    }
    auto_fd int told = ends[0];
    auto_fd int tell = ends[1];
    pid_t pid = fork();
    if (pid == 0) {
        // It is watched before it dies.
        poll(NULL, 0, 2);
        int64_t now_ns = clock_now_ns();
        ssize_t wrote = write(tell, &now_ns, sizeof now_ns);
        kill(getpid(), wrote == (ssize_t)sizeof now_ns ? SIGKILL : SIGABRT);
    }
    auto_fd int pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) {
        return -1;
    }
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    poll(&wait, 1, -1);
    int64_t known_ns = clock_now_ns();
    waitpid(pid, NULL, 0);
    int64_t died_ns;
    return read(told, &died_ns, sizeof died_ns) == (ssize_t)sizeof died_ns
               ? (double)(known_ns - died_ns)
               : -1;
}

// --- The same without a broker ----------------------------------------------------------------

// Starts a program of the size of a worker, waits until it has said something, kills it and reaps
// it, as often as workers die in the graph. Nothing of ours takes part.
static void start_and_kill(const char *program)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        _exit(1);
    }
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDOUT_FILENO);
        execl(program, program, "--describe", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    char said[4096];
    ssize_t got = read(ends[0], said, sizeof said);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(ends[0]);
    if (got <= 0) {
        _exit(1);
    }
}

static pid_t begin_bare(const struct bench *bench)
{
    char program[PATH_MAX + 64];
    snprintf(program, sizeof program, "%s/../libexec/streambroker/bench-pass", bench->programs);
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int64_t next_ns = clock_now_ns();
    for (;;) {
        next_ns += CLOCK_NS_PER_S / RATE * FRAMES_BETWEEN;
        struct timespec until = {next_ns / CLOCK_NS_PER_S, next_ns % CLOCK_NS_PER_S};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
        }
        start_and_kill(program);
    }
}

// False when it could not be done, so that nothing was measured.
static bool end_bare(pid_t pid)
{
    int status = 0;
    bool is_running = pid > 0 && waitpid(pid, &status, WNOHANG) == 0;
    if (is_running) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return is_running;
}

// --- The graph --------------------------------------------------------------------------------

// A chain whose filter dies now and then, or never, and one beside it that nobody touches.
static int run(struct bench *bench, const char *path, bool is_dying, struct graph_result *result)
{
    struct graph_case graph;
    if (graph_case_init(&graph, bench, "") != 0) {
        return -1;
    }
    size_t frames = (DEATHS + 1) * FRAMES_BETWEEN;
    frames = bench->seconds < SHORT_SECONDS ? (DEATHS_SHORT + 1) * FRAMES_BETWEEN : frames;
    char source[128];
    char pass[PATH_MAX + 128];
    snprintf(source, sizeof source, "count: %zu, rate: %d, warmup: 0", frames, RATE);
    snprintf(pass, sizeof pass, "die_every: %d, deaths: '%s'", is_dying ? FRAMES_BETWEEN : 0,
             is_dying ? path : "");
    graph_case_node(&graph, "a", "bench-source", source, "%s", "");
    graph_case_node(&graph, "f", "bench-pass", pass,
                    ", restart: {max: unlimited, delay: 0s}, on_crash: {poison_after: %d}", 1000);
    graph_case_node(&graph, "z", "bench-sink", "", "%s", "");
    graph_case_node(&graph, "s", "bench-source", source, "%s", "");
    graph_case_node(&graph, "t", "bench-sink", "stamped: true", "%s", "");
    graph_case_link(&graph, "a.data", "f.data", "%s", "");
    graph_case_link(&graph, "f.data", "z.data", "%s", "");
    graph_case_link(&graph, "s.data", "t.data", "%s", "");
    int failed = graph_case_run(&graph, result);
    graph_case_fini(&graph);
    return failed;
}

static void read_deaths(const char *path, struct deaths *deaths)
{
    *deaths = (struct deaths){.count = 0};
    auto_file FILE *file = fopen(path, "re");
    char line[128];
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        long long mono;
        long long wall;
        if (sscanf(line, "died %lld %lld", &mono, &wall) == 2 &&
            deaths->count < GRAPH_CASE_DEATHS_MAX) {
            deaths->list[deaths->count++] = (struct death){.died_ns = mono, .wall_ns = wall};
        } else if (sscanf(line, "first %lld", &mono) == 1 && deaths->count > 0) {
            deaths->list[deaths->count - 1].first_ns = mono;
        }
    }
}

static void add_first_frames(struct bench *bench, const struct deaths *deaths)
{
    double values[GRAPH_CASE_DEATHS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < deaths->count; i++) {
        const struct death *death = &deaths->list[i];
        if (death->first_ns > 0) {
            values[count++] = (double)(death->first_ns - death->died_ns);
        }
    }
    if (count == 0) {
        figures_miss(&bench->figures, "no worker died", "recovery.first_frame.p50");
        return;
    }
    figures_add(&bench->figures, bench->round, "ns", part_of(values, count, 0.5),
                "recovery.first_frame.p50");
    figures_add(&bench->figures, bench->round, "ns", part_of(values, count, 0.99),
                "recovery.first_frame.p99");
}

static void add_known(struct bench *bench, const struct deaths *deaths,
                      const struct graph_result *result)
{
    double values[GRAPH_CASE_DEATHS_MAX];
    size_t count = result->death_count < deaths->count ? result->death_count : deaths->count;
    if (count == 0) {
        figures_miss(&bench->figures, "no worker died", "recovery.known");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = (double)(result->deaths_ns[i] - deaths->list[i].wall_ns);
    }
    double ours_ns = part_of(values, count, 0.5);
    for (size_t i = 0; i < count; i++) {
        values[i] = measure_pidfd_ns();
    }
    double bare_ns = part_of(values, count, 0.5);
    figures_add(&bench->figures, bench->round, "ns", ours_ns, "recovery.known.ours");
    figures_add(&bench->figures, bench->round, "ns", bare_ns, "recovery.known.pidfd");
    figures_add(&bench->figures, bench->round, "x", ours_ns / bare_ns, "recovery.known");
}

static void add_survivors(struct bench *bench, const struct graph_result *quiet,
                          const struct graph_result *loud, const struct graph_result *bare)
{
    double quiet_ns = graph_case_number(quiet, "t", "oneway.p99");
    double loud_ns = graph_case_number(loud, "t", "oneway.p99");
    double bare_ns = graph_case_number(bare, "t", "oneway.p99");
    if (quiet_ns <= 0 || loud_ns <= 0 || bare_ns <= 0) {
        figures_miss(&bench->figures, "nothing was measured", "recovery.survivors");
        return;
    }
    figures_add(&bench->figures, bench->round, "ns", quiet_ns, "recovery.survivors.quiet.p99");
    figures_add(&bench->figures, bench->round, "ns", loud_ns, "recovery.survivors.deaths.p99");
    figures_add(&bench->figures, bench->round, "ns", bare_ns, "recovery.survivors.bare.p99");
    figures_add(&bench->figures, bench->round, "x", loud_ns / quiet_ns, "recovery.survivors");
    figures_add(&bench->figures, bench->round, "x", bare_ns / quiet_ns, "recovery.survivors.bare");
}

static int run_beside_bare(struct bench *bench, const char *path, struct graph_result *result)
{
    pid_t bare = begin_bare(bench);
    int failed = run(bench, path, false, result);
    return end_bare(bare) ? failed : -ECHILD;
}

static void measure(struct bench *bench, const char *path)
{
    static struct graph_result quiet;
    static struct graph_result loud;
    static struct graph_result bare;
    static struct deaths deaths;
    int failed = run(bench, path, false, &quiet);
    failed = failed != 0 ? failed : run(bench, path, true, &loud);
    failed = failed != 0 ? failed : run_beside_bare(bench, path, &bare);
    if (failed == 0) {
        add_survivors(bench, &quiet, &loud, &bare);
        read_deaths(path, &deaths);
        add_first_frames(bench, &deaths);
        add_known(bench, &deaths, &loud);
    } else {
        figures_miss(&bench->figures, "it failed", "recovery.first_frame.p50");
        figures_miss(&bench->figures, "it failed", "recovery.known");
        figures_miss(&bench->figures, "it failed", "recovery.survivors");
    }
    graph_case_free_result(&quiet);
    graph_case_free_result(&loud);
    graph_case_free_result(&bare);
}

void row_recovery(struct bench *bench)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/deaths", bench->folder);
    auto_fd int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    measure(bench, path);
    unlink(path);
}
