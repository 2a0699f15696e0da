// SPDX-License-Identifier: Apache-2.0
// Starts iox-roudi with pools for the sizes that are measured, and ends it.
#include "tools/bench/roudi.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define START_NS (10 * CLOCK_NS_PER_S)

static pid_t daemon_pid = -1;

// Chunks: a full queue and what writer and readers hold, for each size.
static const char *const config = "[general]\nversion = 1\n\n[[segment]]\n\n"
                                  "[[segment.mempool]]\nsize = 128\ncount = 4096\n\n"
                                  "[[segment.mempool]]\nsize = 4352\ncount = 2048\n\n"
                                  "[[segment.mempool]]\nsize = 1049088\ncount = 64\n\n"
                                  "[[segment.mempool]]\nsize = 8389120\ncount = 24\n";

static int write_config(const char *path)
{
    auto_file FILE *file = fopen(path, "we");
    if (file == NULL) {
        return -errno;
    }
    return fputs(config, file) < 0 ? -EIO : 0;
}

// It says that it is ready on its output.
static int wait_ready(int fd)
{
    char text[4096];
    size_t length = 0;
    int64_t end_ns = clock_now_ns() + START_NS;
    while (clock_now_ns() < end_ns && length < sizeof text - 1) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, 100) <= 0) {
            continue;
        }
        ssize_t got = read(fd, text + length, sizeof text - 1 - length);
        if (got <= 0) {
            return -ENOENT;
        }
        length += (size_t)got;
        text[length] = '\0';
        if (strstr(text, "RouDi is ready") != NULL) {
            return 0;
        }
    }
    return -ETIMEDOUT;
}

int roudi_start(const char *folder)
{
    if (daemon_pid > 0) {
        return 0;
    }
    char path[PATH_MAX];
    int output[2];
    snprintf(path, sizeof path, "%s/roudi.toml", folder);
    int failed = write_config(path);
    if (failed != 0 || pipe2(output, O_CLOEXEC) != 0) {
        return failed != 0 ? failed : -errno;
    }
    daemon_pid = fork();
    if (daemon_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        dup2(output[1], STDOUT_FILENO);
        dup2(output[1], STDERR_FILENO);
        execlp("iox-roudi", "iox-roudi", "-c", path, (char *)NULL);
        _exit(127);
    }
    close(output[1]);
    failed = wait_ready(output[0]);
    // It keeps the other end: what it says later goes into a pipe that is large enough.
    (void)fcntl(output[0], F_SETFL, O_NONBLOCK);
    if (failed != 0) {
        close(output[0]);
        roudi_stop();
    }
    return failed;
}

void roudi_stop(void)
{
    if (daemon_pid > 0) {
        kill(daemon_pid, SIGTERM);
        waitpid(daemon_pid, NULL, 0);
    }
    daemon_pid = -1;
}
