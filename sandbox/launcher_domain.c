// SPDX-License-Identifier: Apache-2.0
// Enters a domain by a helper: who moves into a pid namespace is not in it, only its children are.
#include "sandbox/launcher_domain.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/launcher_meters.h"

static int enter(int domain_fd)
{
    const int spaces = CLONE_NEWNS | CLONE_NEWPID;
    // Where the domain was made without privilege it has a user namespace, which comes first and
    // gives the right to the others. Our own cannot be entered again.
    if (setns(domain_fd, CLONE_NEWUSER | spaces) == 0) {
        return 0;
    }
    return errno == EINVAL && setns(domain_fd, spaces) == 0 ? 0 : -errno;
}

// In the helper. Returns 0 in the process that is inside, else never.
static pid_t move(struct launcher_child_plan *plan, int told_fd)
{
    // Groups are entered by the paths outside.
    int32_t result = plan->is_metered ? launcher_meters_enter(plan->group) : 0;
    result = result == 0 ? enter(plan->domain_fd) : result;
    if (result == 0) {
        // A child of our parent, not of ours.
        long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
        if (pid == 0) {
            close(told_fd);
            plan->parent = 0;  // outside, where no number reaches
            plan->is_metered = false;
            return 0;
        }
        result = pid < 0 ? -errno : (int32_t)pid;
    }
    ssize_t written;
    do {
        written = write(told_fd, &result, sizeof result);
    } while (written < 0 && errno == EINTR);
    _exit(0);
}

pid_t launcher_domain_fork(struct launcher_child_plan *plan)
{
    if (plan->domain_fd < 0) {
        bool is_inside = false;
        if (!plan->is_metered) {
            pid_t pid = fork();
            return pid < 0 ? -errno : pid;
        }
        pid_t pid = launcher_meters_fork(plan->group, &is_inside);
        plan->is_metered = pid != 0 || !is_inside;
        return pid;
    }
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) < 0) {
        return -errno;
    }
    auto_fd int reading = pair[0];
    auto_fd int writing = pair[1];
    pid_t helper = fork();
    if (helper < 0) {
        return -errno;
    }
    if (helper == 0) {
        return move(plan, writing);
    }
    cleanup_fd(&writing);
    int32_t result = 0;
    ssize_t got;
    do {
        got = read(reading, &result, sizeof result);
    } while (got < 0 && errno == EINTR);
    int status;
    while (waitpid(helper, &status, 0) < 0 && errno == EINTR) {
    }
    return got == sizeof result ? result : -ECHILD;
}
