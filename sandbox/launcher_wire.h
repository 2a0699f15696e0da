// SPDX-License-Identifier: Apache-2.0
// What the broker and the launcher say to each other, one datagram each. Both ends are one program,
// so these are plain structs; they are bounded and checked all the same.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "sandbox/launcher.h"
#include "sandbox/plan.h"

#define LAUNCHER_SANDBOX_STRINGS_BYTES_MAX 32768

enum launcher_request_kind {
    LAUNCHER_SPAWN = 1,
    LAUNCHER_KILL = 2,
    LAUNCHER_OWN_SOCKET = 3,  // strings: the path; device and inode: which file it is
    LAUNCHER_METERS = 4,
    LAUNCHER_READY = 5,  // sandbox.tier and sandbox.is_metered: what will be wanted
};

// Descriptors of a SPAWN, in this order; those that the plan does not have are left out. Those of
// the binds follow.
enum launcher_fd {
    LAUNCHER_FD_CONTROL,
    LAUNCHER_FD_STDOUT,
    LAUNCHER_FD_STDERR,
    LAUNCHER_FD_PROGRAM,
    LAUNCHER_FD_ROOTFS,
    LAUNCHER_FD_DOMAIN,
    LAUNCHER_FD_COUNT
};
#define LAUNCHER_FDS_MAX (LAUNCHER_FD_COUNT + SANDBOX_BINDS_MAX)

// struct sandbox_plan without its strings, its filter and its descriptors.
struct launcher_sandbox {
    uint32_t tier;
    uint32_t is_degrade;
    uint32_t again;
    uint32_t grants;
    uint32_t bind_count;
    uint32_t rlimit_count;
    uint32_t is_metered;
    struct cgroup_limits meters;
    uint64_t tmpfs_bytes;
    struct sandbox_rlimit rlimits[SANDBOX_RLIMITS_MAX];
    uint8_t bind_kinds[SANDBOX_BINDS_MAX];
    uint8_t bind_has_fd[SANDBOX_BINDS_MAX];
};

struct launcher_request {
    uint32_t kind;
    uint32_t serial;
    uint32_t argument_count;
    uint32_t environment_count;
    uint32_t has_folder;
    uint32_t has_fd[LAUNCHER_FD_COUNT];
    uint32_t string_bytes;
    uint32_t filter_bytes;
    uint64_t device;
    uint64_t inode;
    struct launcher_sandbox sandbox;
    // SPAWN: path, arguments, environment, folder, source and target of each bind, each with its
    // terminator; then the filter. Sent as long as it is.
    char strings[LAUNCH_STRINGS_BYTES_MAX + LAUNCHER_SANDBOX_STRINGS_BYTES_MAX +
                 SANDBOX_FILTER_BYTES_MAX];
};

// One event. SPAWNED carries the pidfd.
struct launcher_answer {
    uint32_t kind;
    uint32_t serial;
    int32_t pid;
    int32_t step;
    int32_t error;
    int32_t wait_status;
    uint32_t uid;
    uint32_t missing_walls;
    int32_t denied_call;
    uint32_t denied_arch;
    struct launch_usage usage;
    struct launch_meters meters;
    char text[LAUNCH_TEXT_BYTES_MAX];  // FAILED: instead of the error, empty = the error
};
