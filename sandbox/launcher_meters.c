// SPDX-License-Identifier: Apache-2.0
// Opens the cgroups of the launcher when they are wanted, and closes them at its end.
#include "sandbox/launcher_meters.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

enum { AGAIN_MS = 10 };

// One launcher per process.
static struct cgroup cgroup;
static bool is_open;

const struct cgroup *launcher_meters_open(void)
{
    if (!is_open) {
        cgroup_open(&cgroup, getppid());
        is_open = true;
    }
    return &cgroup;
}

int launcher_meters_begin(const struct cgroup_limits *limits, uint32_t *out_group)
{
    static uint32_t made;
    if (launcher_meters_open()->step == CGROUP_STEP_RLIMITS) {
        return 0;
    }
    int failed = cgroup_make(&cgroup, ++made, limits);
    *out_group = made;
    return failed == 0 ? 1 : failed;
}

int launcher_meters_limit(uint32_t group, const struct cgroup_limits *limits)
{
    return cgroup_limit(&cgroup, group, limits);
}

pid_t launcher_meters_fork(uint32_t group, bool *out_is_inside)
{
    pid_t pid = cgroup_clone(&cgroup, group);
    *out_is_inside = pid >= 0;
    if (pid < 0) {
        pid = fork();
    }
    return pid < 0 ? -errno : pid;
}

int launcher_meters_enter(uint32_t group)
{
    return cgroup_enter(&cgroup, group);
}

void launcher_meters_end(uint32_t group, struct cgroup_counts *out_counts)
{
    cgroup_take(&cgroup, group, out_counts);
}

int launcher_meters_collect(void)
{
    return is_open && cgroup_collect(&cgroup) > 0 ? AGAIN_MS : -1;
}

void launcher_meters_close(void)
{
    if (is_open) {
        cgroup_close(&cgroup);
        is_open = false;
    }
}
