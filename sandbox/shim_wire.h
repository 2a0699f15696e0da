// SPDX-License-Identifier: Apache-2.0
// What the launcher and the shim say to each other, one datagram each, over a socket pair of their
// own. Both are ours, so these are plain structs; they are bounded and checked all the same.
//
//   1. HELLO   the shim is process 1 of its sandbox. The message carries its credentials, which the
//              kernel translates: that is how the launcher knows its pid.
//   2.         struct shim_orders, with its descriptors.
//   3. WORKER  the process that will be the worker; again with its credentials. It waits for one
//              byte, so that its pid is still its own when the launcher opens its pidfd.
//   4. FAILED  a step before its program and its error; or, in the end,
//      EXITED  how it ended, exactly. The shim ends, and with it whatever is left in the sandbox.
//
// The end of the socket ends the shim at any moment.
#pragma once

#include <stdint.h>

#define SHIM_SOCKET_FD 3
// The program is executed from this descriptor, and the system call policy allows no other. As the
// limit of open files is lower by then, nothing can be executed from it a second time.
#define SHIM_PROGRAM_FD 1000

#define SHIM_RLIMITS_MAX 16
#define SHIM_RULES_MAX 128
#define SHIM_STRINGS_MAX 257
#define SHIM_ORDERS_BYTES_MAX 131072

enum shim_news_kind {
    SHIM_HELLO = 1,
    SHIM_WORKER = 2,
    SHIM_FAILED = 3,
    SHIM_EXITED = 4,
};

// Steps of FAILED: those of enum launch_step.
struct shim_news {
    uint32_t kind;
    int32_t step;
    int32_t error;         // negative errno
    int32_t wait_status;   // EXITED
    int32_t denied_call;   // EXITED: number of the system call that it was killed for, -1 = none
    uint32_t denied_arch;  // AUDIT_ARCH_* of that call
    int64_t user_ns;
    int64_t system_ns;
    uint64_t resident_bytes_max;
};

struct shim_rlimit {
    uint32_t resource;
    uint32_t reserved;
    uint64_t value;
};

enum shim_fd { SHIM_FD_PROGRAM, SHIM_FD_STDOUT, SHIM_FD_STDERR, SHIM_FD_CONTROL, SHIM_FD_COUNT };

// Descriptors in the order of enum shim_fd; the control socket may be left out.
struct shim_orders {
    uint32_t argument_count;
    uint32_t environment_count;
    uint32_t rule_count;  // of Landlock: each is one byte (enum sandbox_bind_kind) and a path
    uint32_t rlimit_count;
    uint32_t has_control;
    uint32_t has_landlock;
    uint32_t has_network;
    uint32_t filter_bytes;  // 0 = no system call policy
    uint32_t string_bytes;
    struct shim_rlimit rlimits[SHIM_RLIMITS_MAX];
    // The filter; then arguments, environment, rules and the folder, each with its terminator.
    char bytes[SHIM_ORDERS_BYTES_MAX];
};
