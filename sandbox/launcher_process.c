// SPDX-License-Identifier: Apache-2.0
// The launcher process: forks on request, reaps, and leaves nothing behind when the broker is gone.
#include "sandbox/launcher_process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "sandbox/launcher_child.h"
#include "sandbox/launcher_domain.h"
#include "sandbox/launcher_jail.h"
#include "sandbox/launcher_meters.h"
#include "sandbox/launcher_orphans.h"
#include "sandbox/launcher_owned.h"
#include "sandbox/launcher_prepared.h"
#include "sandbox/launcher_request.h"
#include "sandbox/launcher_setup.h"
#include "sandbox/launcher_shape.h"
#include "sandbox/launcher_uid.h"
#include "sandbox/launcher_wire.h"
#include "sandbox/lend.h"
#include "sandbox/walls.h"

enum {
    CHILDREN_MAX = 4096,
    ROUND_MS = 20,
};

#define END_NS (1800 * CLOCK_NS_PER_MS)  // everything is gone within two seconds

struct child {
    pid_t pid;
    uint32_t serial;
    int status_fd;  // owned; open until it is known whether the program runs
    int pidfd;      // owned until it was sent
    bool has_failed;
    bool is_metered;
    uint32_t group;   // where it is metered
    bool is_reaped;   // only the rest of its sandbox is waited for
    pid_t returning;  // gives back what was lent to it, 0 = nobody does
    bool is_returned;
    struct rusage usage;
    struct launcher_jail *jail;       // owned, NULL = trusted
    struct launcher_shape *waits_as;  // owned; a sandbox without a worker yet, NULL = it has one
};

struct process {
    int socket;
    int signal_fd;
    pid_t pid;
    size_t child_count;
    struct child children[CHILDREN_MAX];
    bool is_ending;
};

// One launcher per process: too large for a stack.
static struct process self;
static struct launcher_request request;

// --- Answers ----------------------------------------------------------------------------------

// Waits while the queue is full: nothing is more urgent, and a broker that is gone ends the wait.
static void answer(const struct launcher_answer *what, int fd)
{
    if (self.is_ending) {
        return;
    }
    for (;;) {
        int result = fd_send_message(self.socket, what, sizeof *what, &fd, fd >= 0 ? 1 : 0);
        if (result != -EAGAIN) {
            self.is_ending = result < 0;
            return;
        }
        struct pollfd writable = {.fd = self.socket, .events = POLLOUT};
        poll(&writable, 1, -1);
    }
}

static void answer_failure(uint32_t serial, enum launch_step step, int error)
{
    answer(
        &(struct launcher_answer){
            .kind = LAUNCH_FAILED, .serial = serial, .step = (int32_t)step, .error = error},
        -1);
}

// --- Children ---------------------------------------------------------------------------------

static struct child *find_child(pid_t pid)
{
    for (size_t i = 0; i < self.child_count; i++) {
        if (self.children[i].pid == pid || self.children[i].returning == pid) {
            return &self.children[i];
        }
    }
    return NULL;
}

static void forget_child(struct child *child)
{
    cleanup_fd(&child->status_fd);
    cleanup_fd(&child->pidfd);
    if (child->jail != NULL) {
        launcher_jail_close(child->jail);
        free(child->jail);
    }
    free(child->waits_as);
    *child = self.children[--self.child_count];
}

// The status pipe has something to say: a failure, or its end, which means that exec succeeded.
static void settle(struct child *child)
{
    struct launcher_child_failure failure;
    ssize_t got;
    do {
        got = read(child->status_fd, &failure, sizeof failure);
    } while (got < 0 && errno == EINTR);
    cleanup_fd(&child->status_fd);
    child->has_failed = got == (ssize_t)sizeof failure;
    if (child->has_failed) {
        answer_failure(child->serial, (enum launch_step)failure.step, failure.error);
    } else {
        answer(&(struct launcher_answer){.kind = LAUNCH_SPAWNED,
                                         .serial = child->serial,
                                         .pid = child->pid},
               child->pidfd);
    }
    cleanup_fd(&child->pidfd);
}

static int64_t ns_of(struct timeval time)
{
    return time.tv_sec * CLOCK_NS_PER_S + time.tv_usec * CLOCK_NS_PER_US;
}

static void report_exit(const struct child *child, int wait_status, const struct rusage *usage,
                        const struct cgroup_counts *counts)
{
    struct launcher_answer exited = {
        .kind = LAUNCH_EXITED,
        .serial = child->serial,
        .pid = child->pid,
        .wait_status = wait_status,
        .denied_call = -1,
        .usage = {.user_ns = ns_of(usage->ru_utime),
                  .system_ns = ns_of(usage->ru_stime),
                  .resident_bytes_max = (uint64_t)usage->ru_maxrss * 1024},
    };
    if (child->jail != NULL) {
        const struct shim_news *end = &child->jail->end;
        exited.pid = child->jail->worker_pid;
        exited.wait_status = launcher_jail_wait_status(child->jail);
        if (end->kind == SHIM_EXITED) {
            exited.denied_call = end->denied_call;
            exited.denied_arch = end->denied_arch;
            exited.usage = (struct launch_usage){.user_ns = end->user_ns,
                                                 .system_ns = end->system_ns,
                                                 .resident_bytes_max = end->resident_bytes_max};
        }
    }
    exited.usage.counts = *counts;
    answer(&exited, -1);
}

static struct cgroup_counts take_counts(const struct child *child)
{
    struct cgroup_counts counts = {0};
    if (child->is_metered) {
        launcher_meters_end(child->group, &counts);
    }
    return counts;
}

// --- Sandboxes --------------------------------------------------------------------------------

static void answer_jail_failure(struct child *child)
{
    const struct launcher_jail *jail = child->jail;
    struct launcher_answer failed = {.kind = LAUNCH_FAILED,
                                     .serial = child->serial,
                                     .step = LAUNCH_STEP_SANDBOX,
                                     .error = -EPERM};
    if (jail->failure.kind == SHIM_FAILED) {
        failed.step = jail->failure.step;
        failed.error = jail->failure.error;
    } else if (jail->is_killed) {
        failed.error = -ECANCELED;
    } else {
        launcher_jail_read_errors(jail, failed.text, sizeof failed.text);
    }
    child->has_failed = true;
    answer(&failed, -1);
}

static void hear_jail(struct child *child)
{
    struct launcher_jail *jail = child->jail;
    enum launcher_jail_event event;
    while ((event = launcher_jail_receive(jail)) != LAUNCHER_JAIL_NOTHING) {
        if (event == LAUNCHER_JAIL_FAILED) {
            if (child->waits_as == NULL) {
                answer_jail_failure(child);
            }
            return;
        }
        answer(&(struct launcher_answer){.kind = LAUNCH_SPAWNED,
                                         .serial = child->serial,
                                         .pid = jail->worker_pid,
                                         .uid = jail->uid,
                                         .missing_walls = jail->missing_walls},
               jail->init_fd);
    }
}

// Gives back what was lent to a worker that is gone. Returns whether that is waited for: nobody
// hears of its end before.
static bool is_giving_back(struct child *child)
{
    if (child->jail->lend_count == 0 || child->is_returned) {
        return false;
    }
    if (child->returning == 0) {
        pid_t pid = fork();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
            _exit(launcher_jail_take_back(child->jail) == 0 ? 0 : 1);
        }
        child->returning = pid > 0 ? pid : 0;
    }
    if (child->returning == 0) {
        launcher_jail_take_back(child->jail);
    }
    return child->returning > 0;
}

// Its first process is gone. Whatever is left inside goes now; it is reported when that is done.
static void finish_jail(struct child *child)
{
    if (!child->has_failed) {
        hear_jail(child);
    }
    launcher_jail_kill(child->jail);
    if (!launcher_jail_is_over(child->jail) || is_giving_back(child)) {
        return;
    }
    struct cgroup_counts counts = take_counts(child);
    if (child->waits_as != NULL) {
        forget_child(child);
        return;
    }
    if (child->jail->worker_pid > 0 && !child->has_failed) {
        report_exit(child, 0, &child->usage, &counts);
    } else if (!child->has_failed) {
        answer_jail_failure(child);
    }
    forget_child(child);
}

// Takes one process that has ended. Returns false when there is none.
static bool reap_one(void)
{
    // Looked at first and taken later: while it is a zombie nobody else can get its process group.
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0) {
        return false;
    }
    struct child *child = find_child(info.si_pid);
    if (child != NULL && child->returning == info.si_pid) {
        int status = 0;
        child->is_returned = waitpid(info.si_pid, &status, 0) == info.si_pid;
        child->returning = 0;
        if (WIFSIGNALED(status)) {
            launcher_jail_take_back(child->jail);
        }
        finish_jail(child);
        return true;
    }
    if (child != NULL) {
        if (child->status_fd >= 0) {
            settle(child);
        }
        kill(-child->pid, SIGKILL);
    }
    int wait_status = 0;
    struct rusage usage = {.ru_maxrss = 0};
    if (wait4(info.si_pid, &wait_status, 0, &usage) == info.si_pid && child != NULL) {
        if (child->jail != NULL) {
            child->is_reaped = true;
            child->usage = usage;
            finish_jail(child);
            return true;
        }
        struct cgroup_counts counts = take_counts(child);
        if (!child->has_failed) {
            report_exit(child, wait_status, &usage, &counts);
        }
        forget_child(child);
    }
    return true;
}

// Processes that a worker left behind outside of its group have become ours. Workers do not fork,
// so nobody misses them.
static bool is_child(pid_t pid)
{
    return find_child(pid) != NULL;
}

static void reap_all(void)
{
    bool is_any = false;
    while (reap_one()) {
        is_any = true;
    }
    if (is_any) {
        launcher_orphans_kill(is_child);
    }
}

static void drain_signals(void)
{
    struct signalfd_siginfo info[16];
    while (read(self.signal_fd, info, sizeof info) > 0) {
    }
}

// --- Requests ---------------------------------------------------------------------------------

static int start_child(struct launcher_spawn *spawn)
{
    if (self.child_count == CHILDREN_MAX) {
        return -EAGAIN;
    }
    int status[2];
    if (pipe2(status, O_CLOEXEC) < 0) {
        return -errno;
    }
    auto_fd int reading = status[0];
    auto_fd int writing = status[1];
    pid_t pid = launcher_domain_fork(&spawn->plan);
    if (pid < 0) {
        return pid;
    }
    if (pid == 0) {
        launcher_child_run(&spawn->plan, writing);
    }
    // The child does it too: whoever is first, it is done before anyone sends to the group.
    setpgid(pid, pid);
    int pidfd = pidfd_open(pid, 0);
    if (pidfd < 0) {
        int error = errno;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return -error;
    }
    self.children[self.child_count++] = (struct child){.pid = pid,
                                                       .serial = request.serial,
                                                       .status_fd = steal_fd(&reading),
                                                       .pidfd = pidfd,
                                                       .is_metered = spawn->plan.is_metered,
                                                       .group = spawn->plan.group};
    return 0;
}

// --- Starting sandboxes -----------------------------------------------------------------------

// Makes the first process of a sandbox. What was prepared is taken, also when that fails.
static int fork_prepared(struct launcher_prepared *prepared, const struct cgroup_limits *limits,
                         struct child **out_child, enum launch_step *out_step)
{
    *out_step = LAUNCH_STEP_PROCESS;
    if (self.child_count == CHILDREN_MAX) {
        launcher_prepared_close(prepared);
        return -EAGAIN;
    }
    pid_t pid;
    int result = launcher_prepared_fork(prepared, limits, &pid, out_step);
    if (result < 0) {
        return result;
    }
    *out_child = &self.children[self.child_count++];
    **out_child = (struct child){.pid = pid,
                                 .status_fd = -1,
                                 .pidfd = -1,
                                 .is_metered = prepared->child.is_metered,
                                 .group = prepared->child.group,
                                 .jail = prepared->jail,
                                 .waits_as = prepared->shape};
    return 0;
}

// --- Spares -----------------------------------------------------------------------------------
//
// To make a sandbox takes ten times as long as to start a program in it. So one that will be wanted
// again is made while nobody waits for it, up to the point where it is told which worker it is for.
// Nothing of a worker has been in it, its user and its group are nobody else's, it is used once.

// Whether it waits, and is not on its way out.
static bool is_spare(const struct child *child)
{
    return child->waits_as != NULL && !child->is_reaped && !child->jail->is_killed;
}

static bool is_spare_wanted(const struct launcher_shape *shape)
{
    size_t count = launcher_prepared_count();
    bool is_there = launcher_prepared_is_kept(shape);
    for (size_t i = 0; i < self.child_count; i++) {
        const struct child *child = &self.children[i];
        count += is_spare(child);
        is_there = is_there || (is_spare(child) && launcher_shape_is_same(child->waits_as, shape));
    }
    return !is_there && count < LAUNCHER_SPARES_MAX;
}

// That there is none is nobody's failure.
static void make_spare(struct launcher_prepared *prepared)
{
    static const struct cgroup_limits none;
    struct child *child;
    enum launch_step step;
    fork_prepared(prepared, &none, &child, &step);
}

static void plan_spare(const struct launcher_spawn *spawn, const struct launcher_shape *shape)
{
    launcher_prepared_delay();
    if (spawn->sandbox.again == SANDBOX_ONCE || !is_spare_wanted(shape)) {
        return;
    }
    struct launcher_prepared prepared;
    enum launch_step step;
    if (launcher_prepared_open(spawn, &prepared, &step) < 0) {
        return;
    }
    prepared.shape = malloc(sizeof *shape);
    if (prepared.shape == NULL) {
        launcher_prepared_close(&prepared);
        return;
    }
    *prepared.shape = *shape;
    if (spawn->sandbox.again == SANDBOX_AGAIN_SOON) {
        make_spare(&prepared);
    } else {
        launcher_prepared_keep(&prepared);
    }
}

static void make_spares(void)
{
    struct launcher_prepared prepared;
    while (launcher_prepared_due_ms() == 0 && launcher_prepared_take(&prepared)) {
        make_spare(&prepared);
    }
}

static struct child *find_spare(const struct launcher_shape *shape)
{
    for (size_t i = 0; i < self.child_count; i++) {
        struct child *child = &self.children[i];
        if (is_spare(child) && launcher_shape_is_same(child->waits_as, shape)) {
            return child;
        }
    }
    return NULL;
}

// Gives a sandbox that waits to a worker. One that fails here ends, and another is made.
static bool use_spare(struct child *child, const struct launcher_spawn *spawn)
{
    if ((spawn->sandbox.is_metered &&
         (!child->is_metered ||
          launcher_meters_limit(child->group, &spawn->sandbox.meters) != 0)) ||
        launcher_jail_order(child->jail, spawn) != 0) {
        launcher_jail_kill(child->jail);
        return false;
    }
    free(child->waits_as);
    child->waits_as = NULL;
    child->serial = request.serial;
    return true;
}

static int start_jail(const struct launcher_spawn *spawn, enum launch_step *out_step)
{
    static struct launcher_shape shape;
    bool has_shape = (launcher_jail_missing_walls() & WALLS_OF_BWRAP) == 0 &&
                     launcher_shape_of(&spawn->sandbox, &shape);
    struct child *child = has_shape ? find_spare(&shape) : NULL;
    if (child == NULL || !use_spare(child, spawn)) {
        struct launcher_prepared prepared;
        int result = launcher_prepared_open(spawn, &prepared, out_step);
        if (result < 0) {
            return result;
        }
        *out_step = LAUNCH_STEP_SANDBOX;
        result = launcher_jail_order(prepared.jail, spawn);
        if (result < 0) {
            launcher_prepared_close(&prepared);
            return result;
        }
        const struct cgroup_limits *limits =
            spawn->sandbox.is_metered ? &spawn->sandbox.meters : NULL;
        result = fork_prepared(&prepared, limits, &child, out_step);
        if (result < 0) {
            return result;
        }
        child->serial = request.serial;
    }
    if (has_shape) {
        plan_spare(spawn, &shape);
    }
    return 0;
}

static int start(struct launcher_spawn *spawn, enum launch_step *out_step)
{
    *out_step = LAUNCH_STEP_PROCESS;
    if (spawn->sandbox.tier == SANDBOX_UNTRUSTED) {
        return start_jail(spawn, out_step);
    }
    if (!spawn->sandbox.is_metered) {
        return start_child(spawn);
    }
    *out_step = LAUNCH_STEP_METERS;
    int result = launcher_meters_begin(&spawn->sandbox.meters, &spawn->plan.group);
    if (result < 0) {
        return result;
    }
    spawn->plan.is_metered = result > 0;
    *out_step = LAUNCH_STEP_PROCESS;
    result = start_child(spawn);
    if (result < 0 && spawn->plan.is_metered) {
        struct cgroup_counts counts;
        launcher_meters_end(spawn->plan.group, &counts);
    }
    return result;
}

static void on_spawn(const int *fds, size_t fd_count)
{
    static struct launcher_spawn spawn;
    if (!launcher_request_take(&request, fds, fd_count, &spawn)) {
        answer_failure(request.serial, LAUNCH_STEP_REQUEST, -EPROTO);
        return;
    }
    spawn.plan.parent = self.pid;
    if (spawn.sandbox.tier == SANDBOX_UNTRUSTED) {
        struct launcher_answer failed = {.kind = LAUNCH_FAILED,
                                         .serial = request.serial,
                                         .step = LAUNCH_STEP_WALLS,
                                         .error = -EOPNOTSUPP};
        struct text text = TEXT_OVER(failed.text);
        if (!launcher_jail_is_walled(&spawn.sandbox, &text)) {
            answer(&failed, -1);
            return;
        }
    }
    enum launch_step step;
    int result = start(&spawn, &step);
    if (result < 0) {
        answer_failure(request.serial, step, result);
    }
}

static void on_meters(void)
{
    const struct cgroup *cgroup = launcher_meters_open();
    struct launcher_answer said = {.kind = LAUNCH_METERS,
                                   .serial = request.serial,
                                   .meters = {.step = cgroup->step,
                                              .has = cgroup->has,
                                              .is_own_uid = launcher_uid_can_claim()}};
    text_copy(said.meters.why, sizeof said.meters.why, cgroup->why);
    answer(&said, -1);
}

static void on_ready(void)
{
    if (request.sandbox.tier == SANDBOX_UNTRUSTED) {
        launcher_jail_missing_walls();
    }
    if (request.sandbox.is_metered != 0) {
        launcher_meters_open();
    }
}

static void kill_child(struct child *child)
{
    if (child->jail != NULL) {
        launcher_jail_kill(child->jail);
    }
    if (!child->is_reaped) {
        kill(-child->pid, SIGKILL);
        kill(child->pid, SIGKILL);
    }
}

static void on_kill(void)
{
    for (size_t i = 0; i < self.child_count; i++) {
        if (self.children[i].serial == request.serial && self.children[i].waits_as == NULL) {
            kill_child(&self.children[i]);
        }
    }
}

static void on_own_socket(void)
{
    size_t length = strnlen(request.strings, request.string_bytes);
    if (length < request.string_bytes) {
        launcher_owned_set(request.strings, length, request.device, request.inode);
    }
}

static void on_readable(void)
{
    int fds[LAUNCHER_FDS_MAX];
    size_t fd_count = 0;
    int size_bytes =
        fd_receive_message(self.socket, &request, sizeof request, fds, LAUNCHER_FDS_MAX, &fd_count);
    if (size_bytes == -EAGAIN) {
        return;
    }
    size_t fixed_bytes = offsetof(struct launcher_request, strings);
    if (size_bytes <= 0 || (size_t)size_bytes < fixed_bytes ||
        request.string_bytes > sizeof request.strings ||
        request.filter_bytes > sizeof request.strings ||
        (size_t)size_bytes != launcher_request_bytes(&request)) {
        // The broker is gone, or it is not our broker any more.
        self.is_ending = true;
    } else if (request.kind == LAUNCHER_SPAWN) {
        on_spawn(fds, fd_count);
    } else if (request.kind == LAUNCHER_KILL) {
        on_kill();
    } else if (request.kind == LAUNCHER_OWN_SOCKET) {
        on_own_socket();
    } else if (request.kind == LAUNCHER_METERS) {
        on_meters();
    } else if (request.kind == LAUNCHER_READY) {
        on_ready();
    } else {
        self.is_ending = true;
    }
    for (size_t i = 0; i < fd_count; i++) {
        close(fds[i]);
    }
}

// --- The life of the launcher -----------------------------------------------------------------

// What news of this child comes through, -1 = its end only.
static int watched_fd(const struct child *child)
{
    if (child->jail == NULL) {
        return child->status_fd;
    }
    if (child->returning > 0) {
        return -1;
    }
    return child->is_reaped ? child->jail->init_fd : child->jail->socket;
}

static void settle_ready(const struct pollfd *polled, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (polled[i].revents == 0) {
            continue;
        }
        for (size_t j = 0; j < self.child_count; j++) {
            struct child *child = &self.children[j];
            if (child->jail == NULL && child->status_fd == polled[i].fd) {
                settle(child);
                break;
            }
            if (child->jail != NULL && watched_fd(child) == polled[i].fd) {
                if (child->is_reaped) {
                    finish_jail(child);
                } else {
                    hear_jail(child);
                }
                break;
            }
        }
    }
}

static void run_round(void)
{
    static struct pollfd polled[CHILDREN_MAX + 2];
    polled[0] = (struct pollfd){.fd = self.socket, .events = POLLIN};
    polled[1] = (struct pollfd){.fd = self.signal_fd, .events = POLLIN};
    size_t count = 2;
    for (size_t i = 0; i < self.child_count; i++) {
        int fd = watched_fd(&self.children[i]);
        if (fd >= 0) {
            polled[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
    }
    int collect_ms = launcher_meters_collect();
    int quiet_ms = launcher_prepared_due_ms();
    int wait_ms =
        collect_ms < 0 || (quiet_ms >= 0 && quiet_ms < collect_ms) ? quiet_ms : collect_ms;
    if (poll(polled, (nfds_t)count, wait_ms) < 0) {
        SB_ASSERT(errno == EINTR || errno == ENOMEM);
        return;
    }
    make_spares();
    settle_ready(polled + 2, count - 2);
    if (polled[1].revents != 0) {
        drain_signals();
        reap_all();
    }
    if (polled[0].revents != 0) {
        on_readable();
    }
}

static void finish_reaped(void)
{
    for (size_t i = self.child_count; i > 0; i--) {
        if (self.children[i - 1].is_reaped) {
            finish_jail(&self.children[i - 1]);
        }
    }
}

// Kills until nobody is left. A process that hangs in the kernel is left to its death signal.
static _Noreturn void end(void)
{
    launcher_owned_unlink();
    struct launcher_prepared prepared;
    while (launcher_prepared_take(&prepared)) {
        launcher_prepared_close(&prepared);
    }
    int64_t deadline_ns = clock_now_ns() + END_NS;
    for (;;) {
        for (size_t i = 0; i < self.child_count; i++) {
            kill_child(&self.children[i]);
        }
        launcher_orphans_kill(is_child);
        while (reap_one()) {
        }
        finish_reaped();
        siginfo_t info;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD) {
            launcher_meters_close();
            _exit(0);
        }
        if (clock_now_ns() >= deadline_ns) {
            launcher_meters_close();
            _exit(1);
        }
        struct pollfd signals = {.fd = self.signal_fd, .events = POLLIN};
        poll(&signals, 1, ROUND_MS);
        drain_signals();
    }
}

_Noreturn void launcher_process_run(int socket)
{
    self.pid = getpid();
    prctl(PR_SET_NAME, "sb-launcher", 0, 0, 0);
    // No terminal: its signals go to the broker, and no worker can open it.
    setsid();
    self.socket = LAUNCHER_SETUP_SOCKET_FD;
    self.signal_fd = launcher_setup(socket);
    if (self.signal_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
        _exit(1);
    }
    // What others left, before it is lent again.
    lend_sweep();
    while (!self.is_ending) {
        run_round();
    }
    end();
}
