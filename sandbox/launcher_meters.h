// SPDX-License-Identifier: Apache-2.0
// The launcher's cgroups: one for each process that is metered. The machine is asked what it offers
// when the first one is wanted, or when somebody asks; a broker that only checks makes no group.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox/cgroup.h"

// The step in force.
const struct cgroup *launcher_meters_open(void);

// Makes a group, whose number is nobody else's. Returns 1 when there is one (the process enters it
// itself), 0 when this machine has none, or a negative errno.
int launcher_meters_begin(const struct cgroup_limits *limits, uint32_t *out_group);

// Other limits for a group. Returns 0 or a negative errno.
int launcher_meters_limit(uint32_t group, const struct cgroup_limits *limits);

// Forks; out_is_inside: the child is in its group already. Returns as fork(), or a negative errno.
pid_t launcher_meters_fork(uint32_t group, bool *out_is_inside);

// In the new process, between fork and exec.
int launcher_meters_enter(uint32_t group);

// The process is gone.
void launcher_meters_end(uint32_t group, struct cgroup_counts *out_counts);

// Removes groups that the kernel still held. Returns after how many ms to call it again, -1 = when
// the next one ended.
int launcher_meters_collect(void);

// Everything is dead: removes all groups.
void launcher_meters_close(void);
