// SPDX-License-Identifier: Apache-2.0
// What the broker and the launcher say to each other, one datagram each. Both ends are one program,
// so these are plain structs; they are bounded and checked all the same.
#pragma once

#include <stdint.h>

#include "sandbox/launcher.h"

enum launcher_request_kind {
    LAUNCHER_SPAWN = 1,
    LAUNCHER_KILL = 2,
    LAUNCHER_OWN_SOCKET = 3,  // strings: the path; device and inode: which file it is
    LAUNCHER_METERS = 4,
};

// Descriptors of a SPAWN, in this order; those that the plan does not have are left out.
enum launcher_fd { LAUNCHER_FD_CONTROL, LAUNCHER_FD_STDOUT, LAUNCHER_FD_STDERR, LAUNCHER_FD_COUNT };

struct launcher_request {
    uint32_t kind;
    uint32_t serial;
    uint32_t argument_count;
    uint32_t environment_count;
    uint32_t has_folder;
    uint32_t has_fd[LAUNCHER_FD_COUNT];
    uint32_t string_bytes;
    uint32_t is_metered;
    struct cgroup_limits meters;
    uint64_t device;
    uint64_t inode;
    // SPAWN: path, arguments, environment, folder, each with its terminator. Sent as long as it is.
    char strings[LAUNCH_STRINGS_BYTES_MAX];
};

// One event. SPAWNED carries the pidfd.
struct launcher_answer {
    uint32_t kind;
    uint32_t serial;
    int32_t pid;
    int32_t step;
    int32_t error;
    int32_t wait_status;
    struct launch_usage usage;
    struct launch_meters meters;
};
