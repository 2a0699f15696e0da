// SPDX-License-Identifier: Apache-2.0
// The last steps of a worker inside of its sandbox, from fork to its program.
#pragma once

#include <stddef.h>

#include "sandbox/shim_landlock.h"
#include "sandbox/shim_wire.h"

// The orders with their strings taken apart; all of it lies in the message.
struct shim_task {
    const struct shim_orders *orders;
    const char *filter;
    char *arguments[SHIM_STRINGS_MAX];
    char *environment[SHIM_STRINGS_MAX];
    struct shim_landlock_rule rules[SHIM_RULES_MAX];
    const char *folder;
    int fds[SHIM_FD_COUNT];  // -1 = none
};

// What a worker writes to the shim before its program runs: a step that failed, or, with step -1,
// nothing but the descriptor on which refused system calls are announced.
struct shim_worker_word {
    int step;
    int error;
};

// Waits for the launcher's byte on the socket, gives up every right, and becomes the program.
// parent is the shim's pid in its own namespace.
_Noreturn void shim_worker_run(const struct shim_task *task, int socket, int shim_fd, int parent);
