// SPDX-License-Identifier: Apache-2.0
// What must stand between an untrusted worker and everything else, and whether this machine has it.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum wall {
#define WALL(NAME, name, text) WALL_##NAME,
#include "sandbox/walls.def"
#undef WALL
    WALL_COUNT
};

// Walls that bwrap makes: where one of them is missing there is no bwrap at all.
#define WALLS_OF_BWRAP                                                                             \
    (1U << WALL_BWRAP | 1U << WALL_USER_NAMESPACE | 1U << WALL_MOUNT_NAMESPACE |                   \
     1U << WALL_PID_NAMESPACE | 1U << WALL_NET_NAMESPACE | 1U << WALL_IPC_NAMESPACE |              \
     1U << WALL_UTS_NAMESPACE)

const char *walls_name(enum wall wall);
const char *walls_text(enum wall wall);

// The bits 1U << enum wall of those that are missing. Tries them in a process of its own, as the
// user uid where that is not 0: for a process without threads. shim_path is the program that is
// process 1 inside. out_is_own_uid (may be NULL): there are no user namespaces, and that user
// stands in for them: root makes the other walls, and the shim becomes the user before all else.
uint32_t walls_find_missing(const char *shim_path, uid_t uid, bool *out_is_own_uid);

// Path of bwrap on this machine, NULL when there is none.
const char *walls_bwrap_path(void);
