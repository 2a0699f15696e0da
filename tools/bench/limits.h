// SPDX-License-Identifier: Apache-2.0
// Limits of the machine that are not messages.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tools/bench/pair.h"

enum limits_memory { LIMITS_WRITE, LIMITS_READ, LIMITS_COPY };

// Nanoseconds per pass over size_bytes, the median of passes within `seconds`.
double limits_memory_ns(enum limits_memory kind, size_t size_bytes, double seconds);

// Nanoseconds from the first posix_spawn of count processes to the end of the last one.
double limits_spawn_ns(unsigned count);

// The same for one process inside of a plain bubblewrap with all namespaces, 0 = there is none.
double limits_bwrap_ns(void);

// Lateness of a bare clock_nanosleep to absolute instants at a rate.
void limits_timer(uint32_t rate_hz, double seconds, struct pair_summary *out_lateness,
                  double *out_cpu_share);
