// SPDX-License-Identifier: Apache-2.0
// Forks a process that is inside of another one's namespaces, and a child of the launcher all the
// same: so its end is reaped, its signals and its pidfd are as those of any other.
#pragma once

#include <sys/types.h>

#include "sandbox/launcher_child.h"

// As fork(), into the namespaces of plan->domain_fd where the plan has one. Returns 0 in the new
// process, where the plan says what is still to be done; its pid as the launcher sees it; or a
// negative errno (-ESRCH: the domain is gone).
pid_t launcher_domain_fork(struct launcher_child_plan *plan);
