// SPDX-License-Identifier: Apache-2.0
// Finds the children of this process and ends those that nobody knows.
#include "sandbox/launcher_orphans.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

enum { LIST_BYTES_MAX = 1 << 20 };

// Calls visit for each child; returns how many there are.
static unsigned each_child(void (*visit)(pid_t pid, void *context), void *context)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    auto_free char *list = NULL;
    size_t count = 0;
    if (fd_read_file(path, LIST_BYTES_MAX, &list, &count) < 0) {
        return 0;
    }
    unsigned found = 0;
    for (char *next = list; *next != '\0';) {
        char *end = NULL;
        long pid = strtol(next, &end, 10);
        if (end == next) {
            break;
        }
        if (pid > 1) {
            visit((pid_t)pid, context);
            found++;
        }
        next = *end == ' ' ? end + 1 : end;
    }
    return found;
}

struct killing {
    bool (*is_known)(pid_t pid);
    unsigned count;
};

static void kill_unknown(pid_t pid, void *context)
{
    struct killing *killing = context;
    if (killing->is_known == NULL || !killing->is_known(pid)) {
        kill(pid, SIGKILL);
        killing->count++;
    }
}

unsigned launcher_orphans_kill(bool (*is_known)(pid_t pid))
{
    struct killing killing = {.is_known = is_known};
    each_child(kill_unknown, &killing);
    return killing.count;
}

static void end_one(pid_t pid, void *context)
{
    const int *limit_ms = context;
    auto_fd int fd = pidfd_open(pid, 0);
    kill(pid, SIGKILL);
    struct pollfd gone = {.fd = fd, .events = POLLIN};
    if (fd >= 0) {
        poll(&gone, 1, *limit_ms);
    }
    waitpid(pid, NULL, WNOHANG);
}

void launcher_orphans_end(int limit_ms)
{
    // Each one that goes may leave its own children behind.
    for (unsigned round = 0; round < 64 && each_child(end_one, &limit_ms) > 0; round++) {
    }
}
