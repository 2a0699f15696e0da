// SPDX-License-Identifier: Apache-2.0
// The child of the shim: takes its own rights away, one after the other, and becomes the program.
#include "sandbox/shim_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/launch_steps.h"

enum { CONTROL_FD = 3, FAILED_STATUS = 127 };

static void send_word(int shim_fd, int step, int error, int fd)
{
    struct shim_worker_word word = {.step = step, .error = error};
    struct iovec part = {.iov_base = &word, .iov_len = sizeof word};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {0};
    if (fd >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    ssize_t sent;
    do {
        sent = sendmsg(shim_fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
}

static _Noreturn void fail(int shim_fd, enum launch_step step, int error)
{
    send_word(shim_fd, (int)step, -error, -1);
    _exit(FAILED_STATUS);
}

// The launcher answers when it can end this process: a launcher that is gone never does.
static bool wait_for_launcher(int socket)
{
    const struct shim_news news = {.kind = SHIM_WORKER};
    if (send(socket, &news, sizeof news, MSG_NOSIGNAL) < 0) {
        return false;
    }
    char byte;
    ssize_t got;
    do {
        got = recv(socket, &byte, 1, 0);
    } while (got < 0 && errno == EINTR);
    return got == 1;
}

// 0 to 2, 3 where there is a control socket, the program and the shim; nothing else is left open.
static bool place_descriptors(const struct shim_task *task, int *shim_fd)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    // Every one is moved up before one is put down: no number is closed that is still needed.
    int program = fcntl(task->fds[SHIM_FD_PROGRAM], F_DUPFD_CLOEXEC, SHIM_PROGRAM_FD);
    int shim = fcntl(*shim_fd, F_DUPFD_CLOEXEC, SHIM_PROGRAM_FD + 1);
    int output = fcntl(task->fds[SHIM_FD_STDOUT], F_DUPFD_CLOEXEC, SHIM_PROGRAM_FD + 2);
    int error = fcntl(task->fds[SHIM_FD_STDERR], F_DUPFD_CLOEXEC, SHIM_PROGRAM_FD + 2);
    int control = task->fds[SHIM_FD_CONTROL];
    if (control >= 0) {
        control = fcntl(control, F_DUPFD_CLOEXEC, SHIM_PROGRAM_FD + 2);
    }
    if (program != SHIM_PROGRAM_FD || shim < 0 || output < 0 || error < 0 ||
        (task->fds[SHIM_FD_CONTROL] >= 0 && control < 0)) {
        return false;
    }
    unsigned first_closed = CONTROL_FD;
    if (dup2(output, STDOUT_FILENO) < 0 || dup2(error, STDERR_FILENO) < 0) {
        return false;
    }
    if (control >= 0) {
        if (dup2(control, CONTROL_FD) < 0) {
            return false;
        }
        first_closed++;
    }
    *shim_fd = shim;
    return close_range(first_closed, SHIM_PROGRAM_FD - 1, 0) == 0 &&
           close_range(SHIM_PROGRAM_FD + 2, ~0U, 0) == 0;
}

// A hard limit that is lower already is kept: it cannot be raised.
static bool set_limits(const struct shim_orders *orders)
{
    for (uint32_t i = 0; i < orders->rlimit_count; i++) {
        __rlimit_resource_t resource = (__rlimit_resource_t)orders->rlimits[i].resource;
        struct rlimit limit;
        if (getrlimit(resource, &limit) < 0) {
            return false;
        }
        rlim_t wanted = (rlim_t)orders->rlimits[i].value;
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        limit.rlim_max = limit.rlim_cur;
        if (setrlimit(resource, &limit) < 0) {
            return false;
        }
    }
    return true;
}

// With a listener, so that the shim learns which call a worker was killed for. Another filter
// above may have the only one there can be: then those calls fail instead.
static bool enter_filter(const struct shim_task *task, int shim_fd)
{
    struct sock_fprog program = {
        .len = (unsigned short)(task->orders->filter_bytes / sizeof(struct sock_filter)),
        .filter = (struct sock_filter *)(uintptr_t)task->filter};
    long listener =
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (listener >= 0) {
        send_word(shim_fd, -1, 0, (int)listener);
        close((int)listener);
        return true;
    }
    return errno == EBUSY && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

_Noreturn void shim_worker_run(const struct shim_task *task, int socket, int shim_fd, int parent)
{
    const struct shim_orders *orders = task->orders;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent ||
        !wait_for_launcher(socket)) {
        _exit(FAILED_STATUS);
    }
    if (!place_descriptors(task, &shim_fd)) {
        fail(shim_fd, LAUNCH_STEP_DESCRIPTORS, errno);
    }
    if (!set_limits(orders)) {
        fail(shim_fd, LAUNCH_STEP_LIMITS, errno);
    }
    // Not every node grants its folder.
    if (chdir(task->folder) < 0 && chdir("/") < 0) {
        fail(shim_fd, LAUNCH_STEP_FOLDER, errno);
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        fail(shim_fd, LAUNCH_STEP_PRIVILEGES, errno);
    }
    if (orders->has_landlock != 0) {
        int result = shim_landlock_enter(task->rules, orders->rule_count, orders->has_network != 0);
        if (result < 0) {
            fail(shim_fd, LAUNCH_STEP_LANDLOCK, -result);
        }
    }
    sigset_t none;
    sigemptyset(&none);
    if (sigprocmask(SIG_SETMASK, &none, NULL) < 0) {
        fail(shim_fd, LAUNCH_STEP_SIGNALS, errno);
    }
    if (orders->filter_bytes > 0 && !enter_filter(task, shim_fd)) {
        fail(shim_fd, LAUNCH_STEP_SECCOMP, errno);
    }
    syscall(SYS_execveat, SHIM_PROGRAM_FD, "", task->arguments, task->environment, AT_EMPTY_PATH);
    fail(shim_fd, LAUNCH_STEP_EXECUTE, errno);
}
