// SPDX-License-Identifier: Apache-2.0
// Between fork and exec: takes away what a worker must not inherit, then becomes the program.
#include "sandbox/launcher_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sandbox/launcher.h"
#include "sandbox/launcher_meters.h"

enum {
    CONTROL_FD = 3,
    // Above every number that is given out, so that moving one descriptor never closes another.
    PARKED_FD_MIN = 16,
    FAILED_STATUS = 127,
};

static _Noreturn void fail(int status_fd, enum launch_step step, int error)
{
    const struct launcher_child_failure failure = {.step = (int32_t)step, .error = -error};
    ssize_t written;
    do {
        written = write(status_fd, &failure, sizeof failure);
    } while (written < 0 && errno == EINTR);
    _exit(FAILED_STATUS);
}

// Ignored signals stay ignored over exec, and so does the mask.
static bool reset_signals(void)
{
    for (int number = 1; number < NSIG; number++) {
        if (number != SIGKILL && number != SIGSTOP) {
            // The C library keeps two real-time signals for itself and refuses them.
            signal(number, SIG_DFL);
        }
    }
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

// A crash of a worker leaves no file behind; the broker says how it ended.
static bool set_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) < 0) {
        return false;
    }
    limit.rlim_cur = 0;
    return setrlimit(RLIMIT_CORE, &limit) == 0;
}

static int park(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, PARKED_FD_MIN);
}

// 0 to 2, 3 where there is a control socket, and everything else closes at exec.
static bool place_descriptors(const struct launcher_child_plan *plan)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) {
        return false;
    }
    int input = park(null);
    int output = park(plan->stdout_fd >= 0 ? plan->stdout_fd : null);
    int error = park(plan->stderr_fd >= 0 ? plan->stderr_fd : null);
    int control = plan->control_fd >= 0 ? park(plan->control_fd) : -1;
    if (input < 0 || output < 0 || error < 0 || (plan->control_fd >= 0 && control < 0)) {
        return false;
    }
    if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(error, STDERR_FILENO) < 0) {
        return false;
    }
    unsigned first_closed = CONTROL_FD;
    if (control >= 0) {
        if (dup2(control, CONTROL_FD) < 0) {
            return false;
        }
        first_closed = CONTROL_FD + 1;
    }
    return close_range(first_closed, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

static bool bind_to_parent(pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) {
        return false;
    }
    // It may have gone before the kernel was told.
    if (getppid() != parent) {
        errno = ESRCH;
        return false;
    }
    return true;
}

_Noreturn void launcher_child_run(const struct launcher_child_plan *plan, int status_fd)
{
    int status = park(status_fd);
    if (status < 0) {
        fail(status_fd, LAUNCH_STEP_DESCRIPTORS, errno);
    }
    if (setpgid(0, 0) < 0) {
        fail(status, LAUNCH_STEP_GROUP, errno);
    }
    if (!bind_to_parent(plan->parent)) {
        fail(status, LAUNCH_STEP_PARENT, errno);
    }
    int failed = plan->is_metered ? launcher_meters_enter(plan->serial) : 0;
    if (failed < 0) {
        fail(status, LAUNCH_STEP_METERS, -failed);
    }
    if (!reset_signals()) {
        fail(status, LAUNCH_STEP_SIGNALS, errno);
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        fail(status, LAUNCH_STEP_PRIVILEGES, errno);
    }
    if (!set_limits()) {
        fail(status, LAUNCH_STEP_LIMITS, errno);
    }
    if (!place_descriptors(plan)) {
        fail(status, LAUNCH_STEP_DESCRIPTORS, errno);
    }
    if (plan->folder != NULL && chdir(plan->folder) < 0) {
        fail(status, LAUNCH_STEP_FOLDER, errno);
    }
    execve(plan->path, plan->arguments, plan->environment);
    fail(status, LAUNCH_STEP_EXECUTE, errno);
}
