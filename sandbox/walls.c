// SPDX-License-Identifier: Apache-2.0
// Tries each wall of the untrusted tier.
#include "sandbox/walls.h"

#include <errno.h>
#include <grp.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "sandbox/shim_landlock.h"

static const struct {
    const char *name;
    const char *text;
} rows[] = {
#define WALL(NAME, name, text) [WALL_##NAME] = {name, text},
#include "sandbox/walls.def"
#undef WALL
};

static const struct {
    int flag;
    enum wall wall;
} namespaces[] = {
    {CLONE_NEWUSER, WALL_USER_NAMESPACE}, {CLONE_NEWNS, WALL_MOUNT_NAMESPACE},
    {CLONE_NEWPID, WALL_PID_NAMESPACE},   {CLONE_NEWNET, WALL_NET_NAMESPACE},
    {CLONE_NEWIPC, WALL_IPC_NAMESPACE},   {CLONE_NEWUTS, WALL_UTS_NAMESPACE},
};

const char *walls_name(enum wall wall)
{
    SB_ASSERT((size_t)wall < ARRAY_COUNT(rows));
    return rows[wall].name;
}

const char *walls_text(enum wall wall)
{
    SB_ASSERT((size_t)wall < ARRAY_COUNT(rows));
    return rows[wall].text;
}

const char *walls_bwrap_path(void)
{
    static const char *const paths[] = {"/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap"};
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        if (access(paths[i], X_OK) == 0) {
            return paths[i];
        }
    }
    return NULL;
}

// As bwrap does it: the user namespace first, which gives the right to the others; or without it,
// with the rights that this process has.
static _Noreturn void try_namespaces(int out, uid_t uid, bool is_own_uid)
{
    uint32_t missing = 0;
    if (uid != 0 && !is_own_uid &&
        (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)) {
        missing |= 1U << WALL_USER_NAMESPACE;
    }
    for (size_t i = 0; i < ARRAY_COUNT(namespaces); i++) {
        bool is_user = namespaces[i].wall == WALL_USER_NAMESPACE;
        if (!(is_own_uid && is_user) && unshare(namespaces[i].flag) < 0) {
            missing |= 1U << namespaces[i].wall;
        }
    }
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        missing |= 1U << WALL_MOUNT_NAMESPACE;
    }
    ssize_t written = write(out, &missing, sizeof missing);
    _exit(written == (ssize_t)sizeof missing ? 0 : 1);
}

static uint32_t find_missing_namespaces(uid_t uid, bool is_own_uid)
{
    uint32_t missing = WALLS_OF_BWRAP & ~(1U << WALL_BWRAP);
    int ends[2];
    if (pipe(ends) < 0) {
        return missing;
    }
    auto_fd int reading = ends[0];
    auto_fd int writing = ends[1];
    pid_t pid = fork();
    if (pid == 0) {
        try_namespaces(writing, uid, is_own_uid);
    }
    cleanup_fd(&writing);
    uint32_t found;
    ssize_t got = pid > 0 ? read(reading, &found, sizeof found) : -1;
    if (got == (ssize_t)sizeof found) {
        missing = found;
    }
    if (pid > 0) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    return missing;
}

uint32_t walls_find_missing(const char *shim_path, uid_t uid, bool *out_is_own_uid)
{
    uint32_t missing = find_missing_namespaces(uid, false);
    bool is_own_uid = false;
    if ((missing >> WALL_USER_NAMESPACE & 1) != 0 && uid != 0) {
        uint32_t others = find_missing_namespaces(uid, true);
        is_own_uid = others == 0;
        missing = is_own_uid ? 0 : missing;
    }
    if (out_is_own_uid != NULL) {
        *out_is_own_uid = is_own_uid;
    }
    if (walls_bwrap_path() == NULL) {
        missing |= 1U << WALL_BWRAP;
    }
    if (shim_path == NULL || access(shim_path, X_OK) < 0) {
        missing |= 1U << WALL_SHIM;
    }
    uint32_t action = SECCOMP_RET_ERRNO;
    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0) {
        missing |= 1U << WALL_SECCOMP;
    }
    if (shim_landlock_version() == 0) {
        missing |= 1U << WALL_LANDLOCK;
    }
    return missing;
}
