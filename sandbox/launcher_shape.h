// SPDX-License-Identifier: Apache-2.0
// What a sandbox is built of, as bytes that can be compared: two plans with the same shape can use
// each other's sandbox before a worker is in it.
//
// Only sandboxes without grants have one: what is granted is opened anew at each start, and a
// sandbox that waits would keep showing what was there when it was made.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "sandbox/plan.h"

#define LAUNCHER_SHAPE_BYTES 4096

struct launcher_shape {
    size_t count;
    char bytes[LAUNCHER_SHAPE_BYTES];
};

// Returns false for a plan that has no shape.
bool launcher_shape_of(const struct sandbox_plan *plan, struct launcher_shape *out_shape);

bool launcher_shape_is_same(const struct launcher_shape *a, const struct launcher_shape *b);
