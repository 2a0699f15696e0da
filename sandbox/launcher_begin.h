// SPDX-License-Identifier: Apache-2.0
// How the launcher starts what it was asked for.
#pragma once

#include <stdint.h>

#include "sandbox/launch_steps.h"

struct launcher_spawn;

// Starts one process, with its sandbox and its meters. Returns 0; or a negative errno and the step
// that failed, with nothing left of it.
int launcher_begin(struct launcher_spawn *spawn, uint32_t serial, enum launch_step *out_step);
