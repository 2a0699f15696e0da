// SPDX-License-Identifier: Apache-2.0
// A SPAWN as bytes: the broker's end fills it, the launcher's end takes it apart.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sandbox/launcher_child.h"
#include "sandbox/launcher_wire.h"

// A SPAWN taken apart. Strings and filter stay in the request.
struct launcher_spawn {
    struct launcher_child_plan plan;
    char *arguments[LAUNCH_ARGUMENTS_MAX + 1];
    char *environment[LAUNCH_ARGUMENTS_MAX + 1];
    struct sandbox_plan sandbox;
};

// Returns 0, -EINVAL or -E2BIG for a plan that is out of bounds. out_fds gets the descriptors.
int launcher_request_fill(struct launcher_request *request, const struct launch_plan *plan,
                          int out_fds[LAUNCHER_FDS_MAX], size_t *out_fd_count);

size_t launcher_request_bytes(const struct launcher_request *request);

// Takes apart what came as size_bytes with these descriptors, which stay the caller's. False when
// it is not what launcher_request_fill() makes.
bool launcher_request_take(struct launcher_request *request, const int *fds, size_t fd_count,
                           struct launcher_spawn *out);
