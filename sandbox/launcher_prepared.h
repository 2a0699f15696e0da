// SPDX-License-Identifier: Apache-2.0
// A sandbox before its first process exists, and the list of those that are to be made when nothing
// else is being started.
//
// Life: launcher_prepared_open(); then launcher_prepared_fork(), launcher_prepared_close() or
// launcher_prepared_keep(), each of which takes it, also when it fails.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "sandbox/launcher_jail.h"
#include "sandbox/launcher_shape.h"

// Sandboxes that wait for a worker, made or in the list.
#define LAUNCHER_SPARES_MAX 4

struct launcher_prepared {
    struct launcher_jail *jail;        // owned
    struct launcher_child_jail child;  // is_metered and group are set by the fork
    struct launcher_shape *shape;      // owned, NULL = it is for one worker only
};

// Returns 0, or a negative errno and the step.
int launcher_prepared_open(const struct launcher_spawn *spawn, struct launcher_prepared *out,
                           enum launch_step *out_step);

void launcher_prepared_close(struct launcher_prepared *prepared);

// Makes its first process, in a group of its own (limits NULL = without one). The caller owns jail
// and shape then. Returns 0, or a negative errno and the step.
int launcher_prepared_fork(struct launcher_prepared *prepared, const struct cgroup_limits *limits,
                           pid_t *out_pid, enum launch_step *out_step);

// Puts it into the list, which has room for LAUNCHER_SPARES_MAX; closes it where there is none.
void launcher_prepared_keep(struct launcher_prepared *prepared);

bool launcher_prepared_is_kept(const struct launcher_shape *shape);
size_t launcher_prepared_count(void);

// Something was started: the list waits again.
void launcher_prepared_delay(void);

// After how many ms those in the list are to be made, -1 = there are none.
int launcher_prepared_due_ms(void);

// Takes one out of the list. Returns false when there is none.
bool launcher_prepared_take(struct launcher_prepared *out);
