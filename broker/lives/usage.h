// SPDX-License-Identifier: Apache-2.0
// CPU time and memory of a worker, of its whole process tree: a sandbox has processes of its own
// around it.
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct usage {
    uint64_t cpu_ns;        // user and system time
    uint64_t memory_bytes;  // resident and its own: shared memory and files are not counted
    uint32_t process_count;
};

// Reads /proc. What has ended meanwhile counts as nothing. pid 0 gives zeros.
struct usage usage_read(pid_t pid);
