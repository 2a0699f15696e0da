// SPDX-License-Identifier: Apache-2.0
// What the broker keeps of the limits of nodes (metering.h).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/launcher.h"

struct metering {
    bool is_open;
    bool is_refused;  // a node requires what this machine does not have
    struct launch_meters meters;
    int64_t due_ns;  // next look at the memory of workers, INT64_MAX = none
};
