// SPDX-License-Identifier: Apache-2.0
// Where the cgroups of this process lie in the file system: two texts of /proc, taken apart.
#pragma once

#include <limits.h>
#include <stdint.h>

// The controllers that meter a worker: enum value, name in the kernel.
#define CGROUP_CONTROLLERS(X) X(MEMORY, "memory") X(CPU, "cpu") X(PIDS, "pids")

enum cgroup_controller {
#define X(NAME, name) CGROUP_##NAME,
    CGROUP_CONTROLLERS(X)
#undef X
        CGROUP_CONTROLLERS_COUNT
};

// Folders of the cgroups that this process is in; empty where there is none that it can name.
struct cgroup_places {
    char v2[PATH_MAX];
    char v2_top[PATH_MAX];  // where cgroup v2 is mounted
    char v1[CGROUP_CONTROLLERS_COUNT][PATH_MAX];
};

const char *cgroup_find_controller_name(enum cgroup_controller controller);

// mountinfo and self: the texts of /proc/self/mountinfo and /proc/self/cgroup. What cannot be read
// is skipped. Both are changed while they are read.
void cgroup_find(char *mountinfo, char *self, struct cgroup_places *out_places);
