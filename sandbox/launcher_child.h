// SPDX-License-Identifier: Apache-2.0
// What a new process does between fork and exec. Nothing here allocates, logs or returns.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox/launcher_uid.h"
#include "sandbox/lend.h"
#include "sandbox/plan.h"

// A plan as the child has it: everything is in memory already.
struct launcher_child_plan {
    const char *path;
    char *const *arguments;
    char *const *environment;
    const char *folder;  // NULL = stay
    int program_fd;      // is executed in place of path, -1 = none
    int control_fd;      // -1 = none
    int stdout_fd;       // -1 = /dev/null
    int stderr_fd;       // -1 = /dev/null
    int domain_fd;       // pidfd: whose namespaces it enters, -1 = none
    pid_t parent;        // the launcher: gone means end; 0 = it is outside of our pid namespace
    bool is_metered;     // has a cgroup, which it enters
    uint32_t group;      // the number of that
    size_t rlimit_count;
    const struct sandbox_rlimit *rlimits;
};

// What the child writes into the status pipe when a step failed. A pipe that closes without it
// (close-on-exec) says that the program runs.
struct launcher_child_failure {
    int32_t step;   // enum launch_step
    int32_t error;  // negative errno
};

_Noreturn void launcher_child_run(const struct launcher_child_plan *plan, int status_fd);

// The first process of a sandbox: bwrap, or without it the shim itself. All descriptors are above
// LAUNCHER_CHILD_FD_MIN, so that placing one never closes another.
#define LAUNCHER_CHILD_FD_MIN 16
#define LAUNCHER_CHILD_OPTIONS_FD 4  // where bwrap reads its options

struct launcher_child_jail {
    const char *bwrap;  // path; NULL = the shim alone
    int shim_fd;        // O_PATH
    int socket_fd;      // the shim's end
    int options_fd;     // for bwrap
    int errors_fd;      // what bwrap complains into
    uid_t uid;          // 0 = stay
    bool is_late_uid;   // the shim becomes that user, since bwrap needs root
    bool is_metered;    // has a cgroup, which it enters
    uint32_t group;     // the number of that
    size_t inherited_count;
    int inherited[SANDBOX_BINDS_MAX];  // of the binds
    enum sandbox_bind_kind inherited_kinds[SANDBOX_BINDS_MAX];
    size_t lend_count;
    const struct lend *lends;  // borrowed: what is given to that user
    size_t group_count;        // of the devices that it was granted
    gid_t groups[LAUNCHER_UID_GROUPS_MAX];
    pid_t parent;
};

_Noreturn void launcher_child_run_jail(const struct launcher_child_jail *jail);
