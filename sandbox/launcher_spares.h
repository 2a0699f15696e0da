// SPDX-License-Identifier: Apache-2.0
// To make a sandbox takes ten times as long as to start a program in it. So one that will be wanted
// again is made while nobody waits for it, up to the point where it is told which worker it is for.
// Nothing of a worker has been in it, its user and its group are nobody else's, it is used once.
#pragma once

#include "sandbox/cgroup.h"
#include "sandbox/launch_steps.h"
#include "sandbox/launched.h"

struct launcher_prepared;
struct launcher_spawn;

// Makes the first process of a sandbox. What was prepared is taken, also when that fails.
int launcher_spares_fork(struct launcher_prepared *prepared, const struct cgroup_limits *limits,
                         struct launched **out_child, enum launch_step *out_step);

// One that waits and is of this shape, NULL.
struct launched *launcher_spares_find(const struct launcher_shape *shape);

// A worker of this shape was started: another one is made ahead, now or when nothing else is to do.
void launcher_spares_plan(const struct launcher_spawn *spawn, const struct launcher_shape *shape);

// Makes those whose time has come.
void launcher_spares_make(void);
