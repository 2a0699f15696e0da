// SPDX-License-Identifier: Apache-2.0
// The processes that the launcher has started, and the sandboxes that wait for a worker.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct launcher_jail;
struct launcher_shape;

#define LAUNCHED_MAX 4096

struct launched {
    pid_t pid;
    uint32_t serial;
    int status_fd;  // owned; open until it is known whether the program runs
    int pidfd;      // owned until it was sent
    bool has_failed;
    bool is_metered;
    uint32_t group;   // where it is metered
    bool is_reaped;   // only the rest of its sandbox is waited for
    pid_t returning;  // gives back what was lent to it, 0 = nobody does
    bool is_returned;
    struct rusage usage;
    struct launcher_jail *jail;       // owned, NULL = trusted
    struct launcher_shape *waits_as;  // owned; a sandbox without a worker yet, NULL = it has one
};

size_t launched_count(void);
struct launched *launched_at(size_t index);

// Room for one more, all zero. There are fewer than LAUNCHED_MAX.
struct launched *launched_add(void);

// The one of this process, also when that gives back what was lent to it. NULL when there is none.
struct launched *launched_find(pid_t pid);
bool launched_is_one(pid_t pid);

// Closes what it has and takes it away; another one may be in its place afterwards.
void launched_forget(struct launched *child);

// SIGKILL, for all of its sandbox or process group.
void launched_kill(struct launched *child);
