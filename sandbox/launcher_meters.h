// SPDX-License-Identifier: Apache-2.0
// The launcher's cgroups: one for each process that is metered. The machine is asked what it offers
// when the first one is wanted, or when somebody asks; a broker that only checks makes no group.
#pragma once

#include <stdint.h>

#include "sandbox/cgroup.h"

// The step in force.
const struct cgroup *launcher_meters_open(void);

// Returns 1 when the process gets a group (it enters it itself), 0 when this machine has none, or
// a negative errno.
int launcher_meters_begin(uint32_t serial, const struct cgroup_limits *limits);

// In the new process, between fork and exec.
int launcher_meters_enter(uint32_t serial);

// The process is gone.
void launcher_meters_end(uint32_t serial, struct cgroup_counts *out_counts);

// Removes groups that the kernel still held. Returns after how many ms to call it again, -1 = when
// the next one ended.
int launcher_meters_collect(void);

// Everything is dead: removes all groups.
void launcher_meters_close(void);
