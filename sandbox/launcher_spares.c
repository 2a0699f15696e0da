// SPDX-License-Identifier: Apache-2.0
// Makes sandboxes, some of them before anybody wants them.
#include "sandbox/launcher_spares.h"

#include <errno.h>
#include <stdlib.h>

#include "sandbox/launcher_jail.h"
#include "sandbox/launcher_prepared.h"
#include "sandbox/launcher_request.h"
#include "sandbox/launcher_shape.h"

int launcher_spares_fork(struct launcher_prepared *prepared, const struct cgroup_limits *limits,
                         struct launched **out_child, enum launch_step *out_step)
{
    *out_step = LAUNCH_STEP_PROCESS;
    if (launched_count() == LAUNCHED_MAX) {
        launcher_prepared_close(prepared);
        return -EAGAIN;
    }
    pid_t pid;
    int result = launcher_prepared_fork(prepared, limits, &pid, out_step);
    if (result < 0) {
        return result;
    }
    *out_child = launched_add();
    **out_child = (struct launched){.pid = pid,
                                    .status_fd = -1,
                                    .pidfd = -1,
                                    .is_metered = prepared->child.is_metered,
                                    .group = prepared->child.group,
                                    .jail = prepared->jail,
                                    .waits_as = prepared->shape};
    return 0;
}

// Whether it waits, and is not on its way out.
static bool is_spare(const struct launched *child)
{
    return child->waits_as != NULL && !child->is_reaped && !child->jail->is_killed;
}

static bool is_spare_wanted(const struct launcher_shape *shape)
{
    size_t count = launcher_prepared_count();
    bool is_there = launcher_prepared_is_kept(shape);
    for (size_t i = 0; i < launched_count(); i++) {
        const struct launched *child = launched_at(i);
        count += is_spare(child);
        is_there = is_there || (is_spare(child) && launcher_shape_is_same(child->waits_as, shape));
    }
    return !is_there && count < LAUNCHER_SPARES_MAX;
}

// That there is none is nobody's failure.
static void make_spare(struct launcher_prepared *prepared)
{
    static const struct cgroup_limits none;
    struct launched *child;
    enum launch_step step;
    launcher_spares_fork(prepared, &none, &child, &step);
}

void launcher_spares_plan(const struct launcher_spawn *spawn, const struct launcher_shape *shape)
{
    launcher_prepared_delay();
    if (spawn->sandbox.again == SANDBOX_ONCE || !is_spare_wanted(shape)) {
        return;
    }
    struct launcher_prepared prepared;
    enum launch_step step;
    if (launcher_prepared_open(spawn, &prepared, &step) < 0) {
        return;
    }
    prepared.shape = malloc(sizeof *shape);
    if (prepared.shape == NULL) {
        launcher_prepared_close(&prepared);
        return;
    }
    *prepared.shape = *shape;
    if (spawn->sandbox.again == SANDBOX_AGAIN_SOON) {
        make_spare(&prepared);
    } else {
        launcher_prepared_keep(&prepared);
    }
}

void launcher_spares_make(void)
{
    struct launcher_prepared prepared;
    while (launcher_prepared_due_ms() == 0 && launcher_prepared_take(&prepared)) {
        make_spare(&prepared);
    }
}

struct launched *launcher_spares_find(const struct launcher_shape *shape)
{
    for (size_t i = 0; i < launched_count(); i++) {
        struct launched *child = launched_at(i);
        if (is_spare(child) && launcher_shape_is_same(child->waits_as, shape)) {
            return child;
        }
    }
    return NULL;
}
