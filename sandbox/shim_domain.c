// SPDX-License-Identifier: Apache-2.0
// Process 1 of a domain: runs iceoryx's daemon RouDi, says when it is ready and whether it answers,
// and takes everything in the domain with it when RouDi is gone.
//
//   streambroker-domain ROUDI PROBE
//
// PROBE is a program that joins RouDi and leaves it again; it has PROBE_MS for that.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/domain_wire.h"

enum { PROBE_MS = 2000, LINE_BYTES = 1024, STATUS_LOST = 1 };

static const char ready_words[] = "RouDi is ready for clients";

static const char *roudi_path;
static const char *probe_path;
static pid_t roudi;  // 0 = not started
static int roudi_fd = -1;
static bool is_ready;
static char line[LINE_BYTES];
static size_t line_bytes;
static pid_t probe;  // 0 = none runs
static int64_t probe_due_ms;

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void tell(enum domain_message_kind kind, uint32_t value, const char *text)
{
    struct domain_message message = {.kind = (uint32_t)kind, .value = value};
    size_t length = strnlen(text, sizeof message.text - 1);
    memcpy(message.text, text, length);
    send(DOMAIN_FD, &message, offsetof(struct domain_message, text) + length + 1, MSG_NOSIGNAL);
}

// A handle of ourselves: our number means nothing outside of this pid namespace.
static bool tell_here(void)
{
    int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    struct domain_message message = {.kind = DOMAIN_HERE};
    struct iovec part = {.iov_base = &message, .iov_len = offsetof(struct domain_message, text)};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.bytes = {0}};
    struct msghdr datagram = {.msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&datagram);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof pidfd);
    memcpy(CMSG_DATA(header), &pidfd, sizeof pidfd);
    bool is_told = pidfd >= 0 && sendmsg(DOMAIN_FD, &datagram, MSG_NOSIGNAL) > 0;
    if (pidfd >= 0) {
        close(pidfd);
    }
    return is_told;
}

static _Noreturn void leave(const char *why)
{
    tell(DOMAIN_FAILED, 0, why);
    // Whatever is in the domain ends with its process 1.
    _exit(STATUS_LOST);
}

static pid_t start(const char *path, char *const *arguments, int output_fd)
{
    char *none[] = {NULL};
    pid_t pid = fork();
    if (pid == 0) {
        sigset_t all;
        sigemptyset(&all);
        sigprocmask(SIG_SETMASK, &all, NULL);
        if (output_fd >= 0) {
            dup2(output_fd, STDOUT_FILENO);
            dup2(output_fd, STDERR_FILENO);
        }
        execve(path, arguments, none);
        _exit(127);
    }
    return pid;
}

static void start_roudi(const char *config)
{
    int fd = open(DOMAIN_CONFIG, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t length = strlen(config);
    if (fd < 0 || write(fd, config, length) != (ssize_t)length || close(fd) < 0) {
        leave("cannot write the configuration of RouDi");
    }
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) < 0) {
        leave("no pipe");
    }
    char *arguments[] = {"iox-roudi", "-c", DOMAIN_CONFIG, NULL};
    roudi = start(roudi_path, arguments, pair[1]);
    close(pair[1]);
    roudi_fd = pair[0];
    if (roudi < 0) {
        leave("no process");
    }
}

static void start_probe(void)
{
    if (probe != 0) {
        return;
    }
    char *arguments[] = {(char *)(uintptr_t)probe_path, NULL};
    probe = start(probe_path, arguments, -1);
    probe_due_ms = now_ms() + PROBE_MS;
    if (probe < 0) {
        probe = 0;
        tell(DOMAIN_PROBED, 0, "no process");
    }
}

static void hear_broker(void)
{
    static struct domain_message message;
    ssize_t got = recv(DOMAIN_FD, &message, sizeof message - 1, 0);
    if (got <= 0) {
        if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
            _exit(STATUS_LOST);  // nobody is left to do this for
        }
        return;
    }
    ((char *)&message)[got] = '\0';
    if (message.kind == DOMAIN_START && roudi == 0) {
        start_roudi(message.text);
    } else if (message.kind == DOMAIN_PROBE) {
        start_probe();
    }
}

// RouDi's output: the one line that is waited for, and the last one for the case that it fails.
static void hear_roudi(void)
{
    char bytes[512];
    ssize_t got = read(roudi_fd, bytes, sizeof bytes);
    if (got <= 0) {
        close(roudi_fd);
        roudi_fd = -1;
        return;
    }
    for (ssize_t i = 0; i < got; i++) {
        if (bytes[i] != '\n') {
            if (line_bytes < sizeof line - 1) {
                line[line_bytes++] = bytes[i];
            }
            continue;
        }
        line[line_bytes] = '\0';
        line_bytes = 0;
        if (!is_ready && strstr(line, ready_words) != NULL) {
            is_ready = true;
            tell(DOMAIN_READY, 0, "");
        }
    }
}

static void reap(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == roudi) {
            char why[LINE_BYTES + 64];
            snprintf(why, sizeof why, "RouDi ended with %s %d%s%s",
                     WIFSIGNALED(status) ? "signal" : "exit code",
                     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                     is_ready || line[0] == '\0' ? "" : ": ", is_ready ? "" : line);
            leave(why);
        }
        if (pid == probe) {
            probe = 0;
            bool is_fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;
            tell(DOMAIN_PROBED, is_fine ? 1 : 0, is_fine ? "" : "the probe failed");
        }
    }
}

static void look_at_probe(void)
{
    if (probe != 0 && now_ms() >= probe_due_ms) {
        kill(probe, SIGKILL);
        probe_due_ms = now_ms() + PROBE_MS;
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 2;
    }
    roudi_path = argv[1];
    probe_path = argv[2];
    sigset_t watched;
    sigemptyset(&watched);
    sigaddset(&watched, SIGCHLD);
    sigprocmask(SIG_BLOCK, &watched, NULL);
    int signal_fd = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
    fcntl(DOMAIN_FD, F_SETFD, FD_CLOEXEC);
    prctl(PR_SET_NAME, "domain");
    if (signal_fd < 0 || !tell_here()) {
        return STATUS_LOST;
    }
    for (;;) {
        struct pollfd polled[] = {{.fd = DOMAIN_FD, .events = POLLIN},
                                  {.fd = signal_fd, .events = POLLIN},
                                  {.fd = roudi_fd, .events = POLLIN}};
        poll(polled, 3, probe != 0 ? PROBE_MS / 10 : -1);
        if ((polled[2].revents & (POLLIN | POLLHUP)) != 0) {
            hear_roudi();
        }
        if ((polled[1].revents & POLLIN) != 0) {
            struct signalfd_siginfo info;
            while (read(signal_fd, &info, sizeof info) > 0) {
            }
            reap();
        }
        look_at_probe();
        if ((polled[0].revents & (POLLIN | POLLHUP)) != 0) {
            hear_broker();
        }
    }
}
