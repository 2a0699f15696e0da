// SPDX-License-Identifier: Apache-2.0
// Descriptors and signals of the launcher process.
#include "sandbox/launcher_setup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/check.h"

static int set_descriptors(int socket)
{
    if (socket != LAUNCHER_SETUP_SOCKET_FD &&
        dup3(socket, LAUNCHER_SETUP_SOCKET_FD, O_CLOEXEC) < 0) {
        return -errno;
    }
    if (close_range(LAUNCHER_SETUP_SOCKET_FD + 1, ~0U, 0) < 0) {
        return -errno;
    }
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0) {
        return -errno;
    }
    close(null);
    return 0;
}

int launcher_setup(int socket)
{
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
    int failed = set_descriptors(socket);
    if (failed != 0) {
        return failed;
    }
    for (size_t i = 0; i < ARRAY_COUNT(ignored); i++) {
        signal(ignored[i], SIG_IGN);
    }
    signal(SIGCHLD, SIG_DFL);
    sigset_t children;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_SETMASK, &children, NULL);
    int fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}
