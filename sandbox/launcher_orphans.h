// SPDX-License-Identifier: Apache-2.0
// Children that a process did not make itself: they came to it because it is a subreaper and their
// parents died.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

// Sends SIGKILL to each child of this process (which has one thread, or had one when they came)
// that is not known; is_known may be NULL. Returns how many there are.
unsigned launcher_orphans_kill(bool (*is_known)(pid_t pid));

// For who has no children of its own any more: kills and reaps until none is left, for at most
// limit_ms each. What does not die is left to the kernel.
void launcher_orphans_end(int limit_ms);
