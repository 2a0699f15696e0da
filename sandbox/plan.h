// SPDX-License-Identifier: Apache-2.0
// What is taken away from one worker, and what it is granted: plain data from the broker, through
// the launcher, into the shim that runs inside of the sandbox.
//
// Who fills what:
//   broker/lives/cage.c
//                      tier, degrade, policy, program, libraries of the program, resource limits
//   grants of a node   binds, grants, tmpfs_bytes, rootfs_fd: resolved with the rights of the user
//                      who started the broker; a source is opened by the broker as O_PATH, so that
//                      a worker's own uid needs no way to it. Inside, a grant has its outer path.
//   broker/lives/metering.c
//                      meters: what the launcher's cgroup of this worker is made with, and
//                      resource limits where the machine has no cgroups.
//   launcher           the worker's own uid and gid, where it may take one (launcher_uid.h): the
//                      event SPAWNED says which. What has to be given to that uid (write grants) is
//                      given in launcher_process.c before the fork, and taken back after the end.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/cgroup.h"

#define SANDBOX_BINDS_MAX 96
#define SANDBOX_RLIMITS_MAX 16
#define SANDBOX_FILTER_BYTES_MAX 32768
#define SANDBOX_TMPFS_NONE UINT64_C(0)

enum sandbox_tier {
    SANDBOX_TRUSTED =
        0,  // own process, no_new_privs, dies with the broker: only meters and rlimits are read
    SANDBOX_UNTRUSTED = 1,
};

// Grants that change the system call policy; what they add to the binds is in the binds.
enum sandbox_grant {
    SANDBOX_GRANT_NETWORK = 1U << 0,  // also keeps the network of the host
    SANDBOX_GRANT_DISPLAY = 1U << 1,
    SANDBOX_GRANT_GPU = 1U << 2,
    SANDBOX_GRANT_CAMERA = 1U << 3,
    SANDBOX_GRANT_SOUND = 1U << 4,
    SANDBOX_GRANT_NONE = 1U << 30,  // what every worker has; never set in a plan
};

enum sandbox_bind_kind {
    SANDBOX_BIND_READ,     // file or folder, read-only
    SANDBOX_BIND_EXECUTE,  // read-only, and programs and libraries in it may be mapped and executed
    SANDBOX_BIND_WRITE,    // file or folder
    SANDBOX_BIND_DEVICE,   // device node, or socket
    SANDBOX_BIND_DATA,     // fd is no file: its bytes are copied into a read-only file
    SANDBOX_BIND_PUBLIC,   // as READ, and everybody may read it: no owner needs to be mapped
};

// Whether another sandbox of the same shape (launcher_shape.h) is made before it is asked for.
enum sandbox_again {
    SANDBOX_ONCE,
    SANDBOX_AGAIN_SOON,   // at once
    SANDBOX_AGAIN_LATER,  // when nothing was started for a while
};

struct sandbox_bind {
    enum sandbox_bind_kind kind;
    int fd;              // borrowed, O_PATH; -1 = by path
    const char *source;  // read when fd is -1: a path that every uid can reach, such as /usr
    const char *target;  // absolute path inside
};

struct sandbox_rlimit {
    int resource;    // RLIMIT_*
    uint64_t value;  // soft and hard
};

struct sandbox_plan {
    enum sandbox_tier tier;
    bool is_degrade;  // run it also where a wall cannot be had
    enum sandbox_again again;
    uint32_t grants;  // enum sandbox_grant
    size_t bind_count;
    struct sandbox_bind binds[SANDBOX_BINDS_MAX];  // in order: a later one covers an earlier one
    uint64_t tmpfs_bytes;  // size of a private /tmp, SANDBOX_TMPFS_NONE = no /tmp
    int rootfs_fd;  // borrowed, O_PATH folder that is / instead of the host's /usr; -1 = none
    size_t rlimit_count;
    struct sandbox_rlimit rlimits[SANDBOX_RLIMITS_MAX];
    bool is_metered;              // in a cgroup of its own; also read for SANDBOX_TRUSTED
    struct cgroup_limits meters;  // of that cgroup, as the launcher can enforce them
    int program_fd;               // borrowed: sealed memfd with the bytes that were verified, or
                                  // a file whose bytes the launcher seals before anything runs;
                                  // up to 2 = none, of a trusted one only
    const uint8_t *filter;        // borrowed: BPF, an array of struct sock_filter
    size_t filter_bytes;
};
