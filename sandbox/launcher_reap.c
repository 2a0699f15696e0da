// SPDX-License-Identifier: Apache-2.0
// Reaps so that no number of a process can be somebody else's, and reports each end once.
#include "sandbox/launcher_reap.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sandbox/launcher.h"
#include "sandbox/launcher_child.h"
#include "sandbox/launcher_jail.h"
#include "sandbox/launcher_meters.h"
#include "sandbox/launcher_orphans.h"
#include "sandbox/launcher_reply.h"

// The status pipe has something to say: a failure, or its end, which means that exec succeeded.
static void settle(struct launched *child)
{
    struct launcher_child_failure failure;
    ssize_t got;
    do {
        got = read(child->status_fd, &failure, sizeof failure);
    } while (got < 0 && errno == EINTR);
    cleanup_fd(&child->status_fd);
    child->has_failed = got == (ssize_t)sizeof failure;
    if (child->has_failed) {
        launcher_reply_failure(child->serial, (enum launch_step)failure.step, failure.error);
    } else {
        launcher_reply(&(struct launcher_answer){.kind = LAUNCH_SPAWNED,
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

static void report_exit(const struct launched *child, int wait_status, const struct rusage *usage,
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
    launcher_reply(&exited, -1);
}

static struct cgroup_counts take_counts(const struct launched *child)
{
    struct cgroup_counts counts = {0};
    if (child->is_metered) {
        launcher_meters_end(child->group, &counts);
    }
    return counts;
}
// --- Sandboxes --------------------------------------------------------------------------------

static void answer_jail_failure(struct launched *child)
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
    launcher_reply(&failed, -1);
}

static void hear_jail(struct launched *child)
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
        launcher_reply(&(struct launcher_answer){.kind = LAUNCH_SPAWNED,
                                                 .serial = child->serial,
                                                 .pid = jail->worker_pid,
                                                 .uid = jail->uid,
                                                 .missing_walls = jail->missing_walls},
                       jail->init_fd);
    }
}

// Gives back what was lent to a worker that is gone. Returns whether that is waited for: nobody
// hears of its end before.
static bool is_giving_back(struct launched *child)
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
static void finish_jail(struct launched *child)
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
        launched_forget(child);
        return;
    }
    if (child->jail->worker_pid > 0 && !child->has_failed) {
        report_exit(child, 0, &child->usage, &counts);
    } else if (!child->has_failed) {
        answer_jail_failure(child);
    }
    launched_forget(child);
}

bool launcher_reap_one(void)
{
    // Looked at first and taken later: while it is a zombie nobody else can get its process group.
    siginfo_t info = {.si_pid = 0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0) {
        return false;
    }
    struct launched *child = launched_find(info.si_pid);
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
        launched_forget(child);
    }
    return true;
}

void launcher_reap_all(void)
{
    bool is_any = false;
    while (launcher_reap_one()) {
        is_any = true;
    }
    if (is_any) {
        launcher_orphans_kill(launched_is_one);
    }
}

void launcher_reap_finish(void)
{
    for (size_t i = launched_count(); i > 0; i--) {
        if (launched_at(i - 1)->is_reaped) {
            finish_jail(launched_at(i - 1));
        }
    }
}

int launcher_reap_watched_fd(const struct launched *child)
{
    if (child->jail == NULL) {
        return child->status_fd;
    }
    if (child->returning > 0) {
        return -1;
    }
    return child->is_reaped ? child->jail->init_fd : child->jail->socket;
}

void launcher_reap_news(struct launched *child)
{
    if (child->jail == NULL) {
        settle(child);
    } else if (child->is_reaped) {
        finish_jail(child);
    } else {
        hear_jail(child);
    }
}
