// SPDX-License-Identifier: Apache-2.0
// Forks a trusted worker, or gives an untrusted one a sandbox: one that waits, or a new one.
#include "sandbox/launcher_begin.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/launched.h"
#include "sandbox/launcher_child.h"
#include "sandbox/launcher_domain.h"
#include "sandbox/launcher_jail.h"
#include "sandbox/launcher_meters.h"
#include "sandbox/launcher_prepared.h"
#include "sandbox/launcher_request.h"
#include "sandbox/launcher_shape.h"
#include "sandbox/launcher_spares.h"
#include "sandbox/sealed_copy.h"
#include "sandbox/walls.h"

static int start_child(struct launcher_spawn *spawn, uint32_t serial)
{
    if (launched_count() == LAUNCHED_MAX) {
        return -EAGAIN;
    }
    int status[2];
    if (pipe2(status, O_CLOEXEC) < 0) {
        return -errno;
    }
    auto_fd int reading = status[0];
    auto_fd int writing = status[1];
    pid_t pid = launcher_domain_fork(&spawn->plan);
    if (pid < 0) {
        return pid;
    }
    if (pid == 0) {
        launcher_child_run(&spawn->plan, writing);
    }
    // The child does it too: whoever is first, it is done before anyone sends to the group.
    setpgid(pid, pid);
    int pidfd = pidfd_open(pid, 0);
    if (pidfd < 0) {
        int error = errno;
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return -error;
    }
    *launched_add() = (struct launched){.pid = pid,
                                        .serial = serial,
                                        .status_fd = steal_fd(&reading),
                                        .pidfd = pidfd,
                                        .is_metered = spawn->plan.is_metered,
                                        .group = spawn->plan.group};
    return 0;
}
// Gives a sandbox that waits to a worker. One that fails here ends, and another is made.
static bool use_spare(struct launched *child, const struct launcher_spawn *spawn, uint32_t serial)
{
    if ((spawn->sandbox.is_metered &&
         (!child->is_metered ||
          launcher_meters_limit(child->group, &spawn->sandbox.meters) != 0)) ||
        launcher_jail_order(child->jail, spawn) != 0) {
        launcher_jail_kill(child->jail);
        return false;
    }
    free(child->waits_as);
    child->waits_as = NULL;
    child->serial = serial;
    return true;
}

static int start_jail(const struct launcher_spawn *spawn, uint32_t serial,
                      enum launch_step *out_step)
{
    static struct launcher_shape shape;
    bool has_shape = (launcher_jail_missing_walls() & WALLS_OF_BWRAP) == 0 &&
                     launcher_shape_of(&spawn->sandbox, &shape);
    struct launched *child = has_shape ? launcher_spares_find(&shape) : NULL;
    if (child == NULL || !use_spare(child, spawn, serial)) {
        struct launcher_prepared prepared;
        int result = launcher_prepared_open(spawn, &prepared, out_step);
        if (result < 0) {
            return result;
        }
        *out_step = LAUNCH_STEP_SANDBOX;
        result = launcher_jail_order(prepared.jail, spawn);
        if (result < 0) {
            launcher_prepared_close(&prepared);
            return result;
        }
        const struct cgroup_limits *limits =
            spawn->sandbox.is_metered ? &spawn->sandbox.meters : NULL;
        result = launcher_spares_fork(&prepared, limits, &child, out_step);
        if (result < 0) {
            return result;
        }
        child->serial = serial;
    }
    if (has_shape) {
        launcher_spares_plan(spawn, &shape);
    }
    return 0;
}

// What an untrusted worker runs is never what somebody can still change. Bytes that were verified
// are sealed already; a file is copied here, where no frame and no client waits for that.
static int seal_program(int program_fd, int *out_copy)
{
    int seals = fcntl(program_fd, F_GET_SEALS);
    if (seals >= 0 && (seals & F_SEAL_WRITE) != 0) {
        return 0;
    }
    uint64_t size_bytes;
    return sealed_copy(program_fd, SEALED_PROGRAM_BYTES_MAX, out_copy, &size_bytes);
}

static int start_sealed(struct launcher_spawn *spawn, uint32_t serial, enum launch_step *out_step)
{
    auto_fd int copy = -1;
    *out_step = LAUNCH_STEP_PROGRAM;
    int result = seal_program(spawn->sandbox.program_fd, &copy);
    if (result < 0) {
        return result;
    }
    if (copy >= 0) {
        spawn->sandbox.program_fd = copy;
    }
    *out_step = LAUNCH_STEP_PROCESS;
    return start_jail(spawn, serial, out_step);
}

int launcher_begin(struct launcher_spawn *spawn, uint32_t serial, enum launch_step *out_step)
{
    *out_step = LAUNCH_STEP_PROCESS;
    if (spawn->sandbox.tier == SANDBOX_UNTRUSTED) {
        return start_sealed(spawn, serial, out_step);
    }
    if (!spawn->sandbox.is_metered) {
        return start_child(spawn, serial);
    }
    *out_step = LAUNCH_STEP_METERS;
    int result = launcher_meters_begin(&spawn->sandbox.meters, &spawn->plan.group);
    if (result < 0) {
        return result;
    }
    spawn->plan.is_metered = result > 0;
    *out_step = LAUNCH_STEP_PROCESS;
    result = start_child(spawn, serial);
    if (result < 0 && spawn->plan.is_metered) {
        struct cgroup_counts counts;
        launcher_meters_end(spawn->plan.group, &counts);
    }
    return result;
}
