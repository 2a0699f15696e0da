// SPDX-License-Identifier: Apache-2.0
// Prepares sandboxes, and starts their first process now or later.
#include "sandbox/launcher_prepared.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "sandbox/launcher_meters.h"

// As long as something is started now and then, nothing is made in advance: it would hold that up.
#define QUIET_NS (200 * CLOCK_NS_PER_MS)

// One launcher per process.
static struct launcher_prepared kept[LAUNCHER_SPARES_MAX];
static size_t kept_count;
static int64_t due_ns;

int launcher_prepared_open(const struct launcher_spawn *spawn, struct launcher_prepared *out,
                           enum launch_step *out_step)
{
    *out_step = LAUNCH_STEP_PROCESS;
    struct launcher_prepared prepared = {.jail = malloc(sizeof *prepared.jail)};
    if (prepared.jail == NULL) {
        return -ENOMEM;
    }
    int result = launcher_jail_open(spawn, launcher_jail_missing_walls(), prepared.jail,
                                    &prepared.child, out_step);
    if (result < 0) {
        free(prepared.jail);
        return result;
    }
    *out = prepared;
    return 0;
}

void launcher_prepared_close(struct launcher_prepared *prepared)
{
    launcher_jail_close_child(&prepared->child);
    launcher_jail_close(prepared->jail);
    free(prepared->jail);
    free(prepared->shape);
}

int launcher_prepared_fork(struct launcher_prepared *prepared, const struct cgroup_limits *limits,
                           pid_t *out_pid, enum launch_step *out_step)
{
    struct launcher_child_jail *child = &prepared->child;
    *out_step = LAUNCH_STEP_METERS;
    int result = limits != NULL ? launcher_meters_begin(limits, &child->group) : 0;
    if (result < 0) {
        launcher_prepared_close(prepared);
        return result;
    }
    child->is_metered = result > 0;
    *out_step = LAUNCH_STEP_PROCESS;
    bool is_inside = false;
    pid_t pid = child->is_metered ? launcher_meters_fork(child->group, &is_inside) : fork();
    if (pid == 0) {
        child->is_metered = child->is_metered && !is_inside;
        launcher_child_run_jail(child);
    }
    if (pid < 0) {
        int error = child->is_metered ? -pid : errno;
        struct cgroup_counts counts;
        if (child->is_metered) {
            launcher_meters_end(child->group, &counts);
        }
        launcher_prepared_close(prepared);
        return -error;
    }
    // The child does it too: whoever is first, it is done before anyone sends to the group.
    setpgid(pid, pid);
    launcher_jail_close_child(child);
    *out_pid = pid;
    return 0;
}

// --- The list ---------------------------------------------------------------------------------

void launcher_prepared_keep(struct launcher_prepared *prepared)
{
    if (kept_count == LAUNCHER_SPARES_MAX) {
        launcher_prepared_close(prepared);
        return;
    }
    kept[kept_count++] = *prepared;
}

bool launcher_prepared_is_kept(const struct launcher_shape *shape)
{
    for (size_t i = 0; i < kept_count; i++) {
        if (launcher_shape_is_same(kept[i].shape, shape)) {
            return true;
        }
    }
    return false;
}

size_t launcher_prepared_count(void)
{
    return kept_count;
}

void launcher_prepared_delay(void)
{
    due_ns = clock_now_ns() + QUIET_NS;
}

int launcher_prepared_due_ms(void)
{
    if (kept_count == 0) {
        return -1;
    }
    int64_t left_ns = due_ns - clock_now_ns();
    return left_ns > 0 ? (int)(left_ns / CLOCK_NS_PER_MS) + 1 : 0;
}

bool launcher_prepared_take(struct launcher_prepared *out)
{
    if (kept_count == 0) {
        return false;
    }
    *out = kept[--kept_count];
    return true;
}
