// SPDX-License-Identifier: Apache-2.0
// Process 1 of a sandbox: starts the worker, reports exactly how it ended, and takes whatever is
// left in the sandbox with it.
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/shim_wire.h"
#include "sandbox/shim_worker.h"

enum { STATUS_LOST = 1, GROUPS_MAX = 16, NS_PER_S = 1000000000, NS_PER_US = 1000 };

static struct shim_orders orders;
static struct shim_task task;
static struct shim_news end;  // how the worker ended
static int news_fd = SHIM_SOCKET_FD;
static int worker_fd = -1;  // what the worker says before its program runs; -1 = it runs
static int listener_fd = -1;
static int signal_fd = -1;
static pid_t worker;
static bool has_failed;

static void tell(const struct shim_news *news)
{
    ssize_t sent;
    do {
        sent = send(news_fd, news, sizeof *news, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
}

// Outside of a pid namespace nothing ends with the shim by itself but what has its death signal.
static _Noreturn void leave(int status)
{
    if (worker > 0) {
        kill(worker, SIGKILL);
    }
    _exit(status);
}

// --- Orders -----------------------------------------------------------------------------------

static char *next_string(char **at, const char *limit)
{
    char *string = *at;
    size_t length = strnlen(string, (size_t)(limit - string));
    if (string + length >= limit) {
        return NULL;
    }
    *at = string + length + 1;
    return string;
}

static bool take_list(char **at, const char *limit, uint32_t count, char **strings)
{
    if (count >= SHIM_STRINGS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        strings[i] = next_string(at, limit);
        if (strings[i] == NULL) {
            return false;
        }
    }
    strings[count] = NULL;
    return true;
}

static bool take_rules(char **at, const char *limit)
{
    if (orders.rule_count > SHIM_RULES_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < orders.rule_count; i++) {
        char *rule = next_string(at, limit);
        if (rule == NULL || rule[0] == '\0') {
            return false;
        }
        task.rules[i] = (struct shim_landlock_rule){.kind = rule[0] - '0', .path = rule + 1};
    }
    return true;
}

static bool take_orders(size_t size_bytes, const int *fds, size_t fd_count)
{
    size_t fixed_bytes = offsetof(struct shim_orders, bytes);
    if (size_bytes < fixed_bytes || orders.filter_bytes > SHIM_ORDERS_BYTES_MAX ||
        orders.string_bytes > SHIM_ORDERS_BYTES_MAX || orders.rlimit_count > SHIM_RLIMITS_MAX ||
        size_bytes - fixed_bytes != (size_t)orders.filter_bytes + orders.string_bytes ||
        fd_count != SHIM_FD_COUNT - (orders.has_control != 0 ? 0U : 1U)) {
        return false;
    }
    for (size_t i = 0; i < SHIM_FD_COUNT; i++) {
        task.fds[i] = i < fd_count ? fds[i] : -1;
    }
    task.orders = &orders;
    task.filter = orders.bytes;
    char *at = orders.bytes + orders.filter_bytes;
    const char *limit = at + orders.string_bytes;
    if (!take_list(&at, limit, orders.argument_count, task.arguments) ||
        !take_list(&at, limit, orders.environment_count, task.environment) ||
        !take_rules(&at, limit)) {
        return false;
    }
    task.folder = next_string(&at, limit);
    return task.folder != NULL && at == limit;
}

static ssize_t receive(int socket, void *bytes, size_t size_bytes, int *fds, size_t *fd_count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * SHIM_FD_COUNT)];
    struct iovec part = {.iov_base = bytes, .iov_len = size_bytes};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t got;
    do {
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    *fd_count = 0;
    if (got < 0 || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        return -1;
    }
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
            *fd_count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(fds, CMSG_DATA(header), *fd_count * sizeof(int));
        }
    }
    return got;
}

// --- The worker -------------------------------------------------------------------------------

static void fail(int step, int error)
{
    has_failed = true;
    tell(&(struct shim_news){.kind = SHIM_FAILED, .step = step, .error = error});
}

static void start_worker(void)
{
    int pair[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        leave(STATUS_LOST);
    }
    worker = fork();
    if (worker < 0) {
        leave(STATUS_LOST);
    }
    if (worker == 0) {
        close(pair[0]);
        shim_worker_run(&task, news_fd, pair[1], parent);
    }
    close(pair[1]);
    worker_fd = pair[0];
    for (size_t i = 0; i < SHIM_FD_COUNT; i++) {
        if (task.fds[i] >= 0) {
            close(task.fds[i]);
        }
    }
}

// What the worker says before its program runs; the end of it says that the program runs.
static void hear_worker(void)
{
    struct shim_worker_word word;
    int fds[SHIM_FD_COUNT];
    size_t fd_count;
    ssize_t got = receive(worker_fd, &word, sizeof word, fds, &fd_count);
    if (got == (ssize_t)sizeof word && word.step < 0 && fd_count == 1) {
        listener_fd = fds[0];
        return;
    }
    if (got == (ssize_t)sizeof word) {
        fail(word.step, word.error);
    }
    close(worker_fd);
    worker_fd = -1;
}

// A call that is answered by death. It is not made: nobody answers it before the worker is gone.
static void hear_denied_call(void)
{
    struct seccomp_notif call;
    memset(&call, 0, sizeof call);
    if (ioctl(listener_fd, SECCOMP_IOCTL_NOTIF_RECV, &call) == 0 && end.denied_call < 0) {
        end.denied_call = call.data.nr;
        end.denied_arch = call.data.arch;
    }
    kill(worker, SIGKILL);
}

static int64_t ns_of(struct timeval time)
{
    return time.tv_sec * (int64_t)NS_PER_S + time.tv_usec * (int64_t)NS_PER_US;
}

static void reap(void)
{
    struct signalfd_siginfo info[8];
    while (read(signal_fd, info, sizeof info) > 0) {
    }
    int status;
    struct rusage usage;
    pid_t pid;
    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        if (pid != worker) {
            continue;
        }
        while (worker_fd >= 0) {
            hear_worker();
        }
        if (!has_failed) {
            end.kind = SHIM_EXITED;
            end.wait_status = status;
            end.user_ns = ns_of(usage.ru_utime);
            end.system_ns = ns_of(usage.ru_stime);
            end.resident_bytes_max = (uint64_t)usage.ru_maxrss * 1024;
            tell(&end);
        }
        _exit(0);
    }
}

static void watch(void)
{
    for (;;) {
        struct pollfd polled[] = {{.fd = news_fd},
                                  {.fd = worker_fd, .events = POLLIN},
                                  {.fd = signal_fd, .events = POLLIN},
                                  {.fd = listener_fd, .events = POLLIN}};
        if (poll(polled, 4, -1) < 0) {
            continue;
        }
        if ((polled[0].revents & (POLLHUP | POLLERR)) != 0) {
            leave(STATUS_LOST);
        }
        if (polled[1].revents != 0) {
            hear_worker();
        }
        if ((polled[3].revents & POLLIN) != 0) {
            hear_denied_call();
        } else if (polled[3].revents != 0) {
            // Nobody is left whom it could announce.
            close(listener_fd);
            listener_fd = -1;
        }
        if (polled[2].revents != 0) {
            reap();
        }
    }
}

// Where there is no user namespace bwrap is root, and so is this process until here. Nothing of it
// is left afterwards: no capability, no way back, no group but those that are named.
static bool become(int count, char **numbers)
{
    uid_t uid = (uid_t)strtoul(numbers[0], NULL, 10);
    gid_t groups[GROUPS_MAX];
    size_t group_count = 0;
    for (int i = 1; i < count && group_count < GROUPS_MAX; i++) {
        groups[group_count++] = (gid_t)strtoul(numbers[i], NULL, 10);
    }
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) {
            return false;
        }
    }
    if (uid == 0 || setgroups(group_count, groups) < 0 || setresgid(uid, uid, uid) < 0 ||
        setresuid(uid, uid, uid) < 0 || setuid(0) == 0) {
        return false;
    }
    // What may be used went with the user; what may be inherited did not.
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (syscall(SYS_capset, &header, none) < 0) {
        return false;
    }
    // The kernel forgets it when the user changes. A launcher that is gone is seen by the socket.
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !become(argc - 1, argv + 1)) {
        return STATUS_LOST;
    }
    sigset_t all;
    sigfillset(&all);
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    // Nobody inside reads this process or waits in its place.
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || sigprocmask(SIG_SETMASK, &all, NULL) < 0 ||
        close_range(SHIM_SOCKET_FD + 1, ~0U, 0) < 0) {
        return STATUS_LOST;
    }
    end.denied_call = -1;
    tell(&(struct shim_news){.kind = SHIM_HELLO});
    int fds[SHIM_FD_COUNT];
    size_t fd_count;
    ssize_t got = receive(news_fd, &orders, sizeof orders, fds, &fd_count);
    signal_fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    if (got <= 0 || !take_orders((size_t)got, fds, fd_count) || signal_fd < 0) {
        return STATUS_LOST;
    }
    start_worker();
    watch();
    return 0;
}
