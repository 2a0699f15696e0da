// SPDX-License-Identifier: Apache-2.0
// What the processes below one process have used, as the kernel counts it.
#pragma once

#include <stddef.h>
#include <sys/types.h>

#define PROCESS_TREE_MAX 4096

struct process_tree {
    pid_t pids[PROCESS_TREE_MAX];  // the root first
    size_t count;
};

struct process_use {
    double cpu_ns;
    double switches;  // times that a thread slept
};

void process_tree_read(pid_t root, struct process_tree *out_tree);

// Of all threads of one process.
struct process_use process_tree_use(pid_t pid);

// Proportional set size in bytes, -1 when it cannot be read.
double process_tree_pss(pid_t pid);

// True when the program of a process has this name.
int process_tree_is(pid_t pid, const char *program);
