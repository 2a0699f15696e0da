// SPDX-License-Identifier: Apache-2.0
// The command line of bwrap: namespaces and mounts of one sandbox.
#pragma once

#include "sandbox/plan.h"

#define LAUNCHER_BWRAP_SHIM "/shim"  // where the shim is inside

// Writes the options into a fresh memfd, which bwrap reads with --args. The descriptors of the plan
// and shim_fd (O_PATH) are named by their numbers: they must be inherited. Returns the memfd, which
// the caller owns, or a negative errno.
int launcher_bwrap_options(const struct sandbox_plan *plan, int shim_fd, bool is_late_uid);
