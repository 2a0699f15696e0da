// SPDX-License-Identifier: Apache-2.0
// One table: every process, until it was reaped and reported.
#include "sandbox/launched.h"

#include <signal.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "sandbox/launcher_jail.h"
#include "sandbox/launcher_shape.h"

// One launcher per process: too large for a stack.
static struct launched all[LAUNCHED_MAX];
static size_t count;

size_t launched_count(void)
{
    return count;
}

struct launched *launched_at(size_t index)
{
    return &all[index];
}

struct launched *launched_add(void)
{
    SB_ASSERT(count < LAUNCHED_MAX);
    all[count] = (struct launched){.pid = 0};
    return &all[count++];
}

struct launched *launched_find(pid_t pid)
{
    for (size_t i = 0; i < count; i++) {
        if (all[i].pid == pid || all[i].returning == pid) {
            return &all[i];
        }
    }
    return NULL;
}

bool launched_is_one(pid_t pid)
{
    return launched_find(pid) != NULL;
}

void launched_forget(struct launched *child)
{
    cleanup_fd(&child->status_fd);
    cleanup_fd(&child->pidfd);
    if (child->jail != NULL) {
        launcher_jail_close(child->jail);
        free(child->jail);
    }
    free(child->waits_as);
    *child = all[--count];
}

void launched_kill(struct launched *child)
{
    if (child->jail != NULL) {
        launcher_jail_kill(child->jail);
    }
    if (!child->is_reaped) {
        kill(-child->pid, SIGKILL);
        kill(child->pid, SIGKILL);
    }
}
