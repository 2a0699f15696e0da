// SPDX-License-Identifier: Apache-2.0
// What happens between a request and the first instruction of a program, and what a failure of it
// is called. Seen by the broker, the launcher, and the shim.
#pragma once

#define LAUNCH_STEPS(X)                                                                            \
    X(REQUEST, "cannot read the request")                                                          \
    X(PROCESS, "cannot make a process")                                                            \
    X(GROUP, "cannot make a process group")                                                        \
    X(PARENT, "cannot bind it to the launcher's life")                                             \
    X(METERS, "cannot meter it in a cgroup")                                                       \
    X(SIGNALS, "cannot reset its signals")                                                         \
    X(PRIVILEGES, "cannot set no_new_privs")                                                       \
    X(LIMITS, "cannot set its limits")                                                             \
    X(DESCRIPTORS, "cannot place its descriptors")                                                 \
    X(FOLDER, "cannot enter its folder")                                                           \
    X(EXECUTE, "cannot execute it")                                                                \
    X(WALLS, "a wall of its sandbox is missing")                                                   \
    X(PROGRAM, "cannot copy its program")                                                          \
    X(UID, "cannot become a user of its own")                                                      \
    X(STAGE, "cannot hand what it was granted to a user of its own")                               \
    X(SANDBOX, "cannot make its sandbox")                                                          \
    X(LANDLOCK, "cannot enter Landlock")                                                           \
    X(SECCOMP, "cannot enter its system call policy")

enum launch_step {
#define X(name, text) LAUNCH_STEP_##name,
    LAUNCH_STEPS(X)
#undef X
};
