// SPDX-License-Identifier: Apache-2.0
// The files in a cgroup. A group is named by a folder and its name in it, "." for the folder.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// Writes one value. Returns 0 or a negative errno.
int cgroup_file_write(int folder, const char *group, const char *file, const char *value);

// The number behind a key ("oom_kill 3"), or the only number of the file where key is NULL; 0 when
// there is none.
uint64_t cgroup_file_count(int folder, const char *group, const char *file, const char *key);

// Version 2: which controllers a list names, as bits of enum cgroup_controller.
uint32_t cgroup_file_controllers(int folder, const char *file);

// Version 2: switches controllers on or off for the groups below a folder. Returns 0 or a negative
// errno.
int cgroup_file_switch(int folder, uint32_t controllers, bool is_on);

// Moves a process into a group, 0 = the caller. Safe between fork and exec.
int cgroup_file_attach(int folder, const char *group, pid_t pid);

// Version 1: moves the caller, which has one thread. The kernel takes no lock of the whole machine
// for a thread that moves itself (Linux 5.5); for cgroup.procs it waits for every CPU, 6 to 10 ms.
int cgroup_file_attach_thread(int folder, const char *group);

// SIGKILL to everybody in the group. Version 2 does it at once; version 1 process by process.
void cgroup_file_kill_all(int folder, const char *group);
