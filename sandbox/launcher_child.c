// SPDX-License-Identifier: Apache-2.0
// Between fork and exec: takes away what a worker must not inherit, then becomes the program.
#include "sandbox/launcher_child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/launcher.h"
#include "sandbox/launcher_bwrap.h"
#include "sandbox/launcher_meters.h"
#include "sandbox/launcher_uid.h"
#include "sandbox/shim_wire.h"
#include "sandbox/stage.h"

enum { CONTROL_FD = 3, FAILED_STATUS = 127 };

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

// What is more than this process may have stays as it is.
static bool set_rlimits(const struct launcher_child_plan *plan)
{
    for (size_t i = 0; i < plan->rlimit_count; i++) {
        struct rlimit limit;
        if (prlimit(0, plan->rlimits[i].resource, NULL, &limit) < 0) {
            return false;
        }
        rlim_t value = plan->rlimits[i].value;
        value = limit.rlim_max < value ? limit.rlim_max : value;
        limit = (struct rlimit){.rlim_cur = value, .rlim_max = value};
        if (prlimit(0, plan->rlimits[i].resource, &limit, NULL) < 0) {
            return false;
        }
    }
    return true;
}

static int park(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, LAUNCHER_CHILD_FD_MIN);
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
    if (parent != 0 && getppid() != parent) {
        errno = ESRCH;
        return false;
    }
    return true;
}

// The interpreter of a script reads it from the descriptor, which stays open for that; nothing else
// keeps one.
static void execute(const struct launcher_child_plan *plan)
{
    if (plan->program_fd < 0) {
        execve(plan->path, plan->arguments, plan->environment);
        return;
    }
    char start[2];
    if (pread(plan->program_fd, start, sizeof start, 0) == sizeof start &&
        memcmp(start, "#!", sizeof start) == 0) {
        fcntl(plan->program_fd, F_SETFD, 0);
    }
    syscall(SYS_execveat, plan->program_fd, "", plan->arguments, plan->environment, AT_EMPTY_PATH);
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
    int failed = plan->is_metered ? launcher_meters_enter(plan->group) : 0;
    if (failed < 0) {
        fail(status, LAUNCH_STEP_METERS, -failed);
    }
    if (!reset_signals()) {
        fail(status, LAUNCH_STEP_SIGNALS, errno);
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        fail(status, LAUNCH_STEP_PRIVILEGES, errno);
    }
    if (!set_limits() || !set_rlimits(plan)) {
        fail(status, LAUNCH_STEP_LIMITS, errno);
    }
    if (!place_descriptors(plan)) {
        fail(status, LAUNCH_STEP_DESCRIPTORS, errno);
    }
    if (plan->folder != NULL && chdir(plan->folder) < 0) {
        fail(status, LAUNCH_STEP_FOLDER, errno);
    }
    execute(plan);
    fail(status, LAUNCH_STEP_EXECUTE, errno);
}

// --- Sandboxes --------------------------------------------------------------------------------

// The shim's end of the socket is still ours: a failure is said as the shim would say it.
static _Noreturn void fail_jail(int socket, enum launch_step step, int error)
{
    const struct shim_news news = {.kind = SHIM_FAILED, .step = (int32_t)step, .error = -error};
    ssize_t sent;
    do {
        sent = send(socket, &news, sizeof news, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    _exit(FAILED_STATUS);
}

// Files of the user who started the broker, where the worker's own user can reach them. Without the
// right to mount it sees what it would see anyway.
static int stage(const struct launcher_child_jail *jail)
{
    struct stage_item items[SANDBOX_BINDS_MAX + 1];
    size_t count = 0;
    items[count++] = (struct stage_item){.fd = jail->shim_fd};
    for (size_t i = 0; i < jail->inherited_count; i++) {
        enum sandbox_bind_kind kind = jail->inherited_kinds[i];
        if (kind != SANDBOX_BIND_DATA) {
            bool is_written = kind == SANDBOX_BIND_WRITE;
            items[count++] =
                (struct stage_item){.fd = jail->inherited[i],
                                    .is_mapped = is_written || kind == SANDBOX_BIND_READ,
                                    .is_needed = is_written};
        }
    }
    size_t failed_index;
    int result = stage_enter(items, count, getuid(), jail->uid, &failed_index);
    return result == -EPERM ? 0 : result;
}

static bool place_jail_descriptors(const struct launcher_child_jail *jail)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int parked = null >= 0 ? park(null) : -1;
    if (parked < 0 || dup2(parked, STDIN_FILENO) < 0 || dup2(parked, STDOUT_FILENO) < 0 ||
        dup2(jail->errors_fd, STDERR_FILENO) < 0 || dup2(jail->socket_fd, SHIM_SOCKET_FD) < 0 ||
        dup2(jail->options_fd, LAUNCHER_CHILD_OPTIONS_FD) < 0 ||
        close_range(LAUNCHER_CHILD_OPTIONS_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0) {
        return false;
    }
    if (jail->bwrap == NULL) {
        return true;
    }
    for (size_t i = 0; i < jail->inherited_count; i++) {
        if (fcntl(jail->inherited[i], F_SETFD, 0) < 0) {
            return false;
        }
    }
    return fcntl(jail->shim_fd, F_SETFD, 0) == 0;
}

static _Noreturn void execute_bwrap(const struct launcher_child_jail *jail, char *const *none)
{
    char numbers[1 + LAUNCHER_UID_GROUPS_MAX][16];
    char *arguments[8 + LAUNCHER_UID_GROUPS_MAX] = {"bwrap", "--args", "4", "--",
                                                    LAUNCHER_BWRAP_SHIM};
    static_assert(LAUNCHER_CHILD_OPTIONS_FD == 4, "as the argument says");
    // The user that the shim becomes, and its groups.
    size_t count = 0;
    if (jail->is_late_uid) {
        snprintf(numbers[count++], sizeof numbers[0], "%u", (unsigned)jail->uid);
        for (size_t i = 0; i < jail->group_count; i++) {
            snprintf(numbers[count++], sizeof numbers[0], "%u", (unsigned)jail->groups[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        arguments[5 + i] = numbers[i];
    }
    execve(jail->bwrap, arguments, none);
    fail_jail(SHIM_SOCKET_FD, LAUNCH_STEP_SANDBOX, errno);
}

static _Noreturn void execute_jail(const struct launcher_child_jail *jail, int socket)
{
    char *none[] = {NULL};
    if (jail->bwrap != NULL) {
        execute_bwrap(jail, none);
    } else {
        char *arguments[] = {"shim", NULL};
        syscall(SYS_execveat, jail->shim_fd, "", arguments, none, AT_EMPTY_PATH);
    }
    fail_jail(socket, LAUNCH_STEP_SANDBOX, errno);
}

_Noreturn void launcher_child_run_jail(const struct launcher_child_jail *jail)
{
    int socket = jail->socket_fd;
    if (setpgid(0, 0) < 0) {
        fail_jail(socket, LAUNCH_STEP_GROUP, errno);
    }
    // While it still has the launcher's rights.
    int result = jail->is_metered ? launcher_meters_enter(jail->group) : 0;
    if (result < 0) {
        fail_jail(socket, LAUNCH_STEP_METERS, -result);
    }
    for (size_t i = 0; i < jail->lend_count && result == 0; i++) {
        result = lend_give(&jail->lends[i]);
    }
    if (result == 0 && jail->uid != 0 && jail->bwrap != NULL) {
        result = stage(jail);
    }
    if (result < 0) {
        fail_jail(socket, LAUNCH_STEP_STAGE, -result);
    }
    result = jail->uid != 0 && !jail->is_late_uid
                 ? launcher_uid_become(jail->uid, jail->groups, jail->group_count)
                 : 0;
    if (result < 0) {
        fail_jail(socket, LAUNCH_STEP_UID, -result);
    }
    // bwrap has no death signal: its child waits for a word of it without end, and would be left
    // when it dies in between. Whatever becomes of the launcher, it makes the sandbox, and there
    // the shim finds its socket closed. After the user: the kernel forgets the signal at that.
    if (jail->bwrap == NULL && !bind_to_parent(jail->parent)) {
        fail_jail(socket, LAUNCH_STEP_PARENT, errno);
    }
    if (!reset_signals()) {
        fail_jail(socket, LAUNCH_STEP_SIGNALS, errno);
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        fail_jail(socket, LAUNCH_STEP_PRIVILEGES, errno);
    }
    if (!set_limits()) {
        fail_jail(socket, LAUNCH_STEP_LIMITS, errno);
    }
    // The launcher's folder may be one that this user cannot reach.
    if (chdir("/") < 0) {
        fail_jail(socket, LAUNCH_STEP_FOLDER, errno);
    }
    if (!place_jail_descriptors(jail)) {
        fail_jail(socket, LAUNCH_STEP_DESCRIPTORS, errno);
    }
    execute_jail(jail, socket);
}
