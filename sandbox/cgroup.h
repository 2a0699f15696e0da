// SPDX-License-Identifier: Apache-2.0
// The meters of the kernel: a cgroup per worker, below a folder of our own below our own cgroup.
//
// Life, in the launcher, which alone may have the right:
//   1. cgroup_open() once finds the strongest step that this machine offers, by trying it. What
//      brokers that are gone left behind is removed then.
//   2. cgroup_make() for one spawn, cgroup_enter() between fork and exec. A group is never used
//      twice: one that was killed once kills whoever is born into it.
//   3. cgroup_take() after the process is gone: kills what is left in it, and gives the counters.
//   4. cgroup_collect() until it returns 0: the kernel lets go of a group some ms after its last
//      process. cgroup_close() removes the folder of our own.
//
// The folder is locked (flock) for as long as its launcher lives: that, and no number of a process,
// says whether a folder is a leftover. One thread. Nothing here allocates, except reading /proc in
// cgroup_open().
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sandbox/cgroup_find.h"

#define CGROUP_DOOMED_MAX 256
#define CGROUP_NAME_BYTES 64

// What meters memory, CPU time and processes: enum value, word, what it is.
#define CGROUP_STEPS(X)                                                                            \
    X(RLIMITS, "rlimits", "limits per process, and the broker looks at the memory")                \
    X(V1, "cgroup-v1", "cgroups, version 1")                                                       \
    X(V2, "cgroup-v2", "cgroups, version 2")

enum cgroup_step {
#define X(NAME, word, text) CGROUP_STEP_##NAME,
    CGROUP_STEPS(X)
#undef X
};

struct cgroup_limits {
    uint64_t memory_bytes;  // 0 = none
    uint32_t cpu_permille;  // of one CPU; 0 = by weight: as much as one process, whatever it does
    uint32_t pids;          // threads and processes, 0 = none
};

// What the kernel counted in one group.
struct cgroup_counts {
    uint64_t oom_kills;         // processes that were killed for want of memory
    uint64_t memory_hits;       // times that the group was at its own limit
    uint64_t memory_bytes_max;  // most memory that it ever had, 0 = unknown
    uint64_t pids_refused;      // forks that the limit refused
    uint64_t cpu_throttled_ns;  // time for which its quota stopped it
};

// One folder of ours in one hierarchy, and the groups in it.
struct cgroup_folder {
    int parent_fd;  // the group that this process is in
    int fd;         // ours below it, locked; -1 = none
};

struct cgroup {
    enum cgroup_step step;
    pid_t broker;                  // V2: moves with us, 0 = nobody
    uint32_t has;                  // bit per controller that works
    char name[CGROUP_NAME_BYTES];  // of our folders
    // V2: the first one only. V1: one per controller; several may be the same folder.
    struct cgroup_folder folders[CGROUP_CONTROLLERS_COUNT];
    uint32_t enabled;  // V2: bits of the controllers that we switched on in the parent
    uint32_t made;     // groups that exist, of the living
    uint32_t doomed_count;
    uint32_t doomed[CGROUP_DOOMED_MAX];  // serials whose groups the kernel still holds
    char why[160];                       // RLIMITS: why it is not more, as a part of a sentence
};

const char *cgroup_step_word(enum cgroup_step step);
const char *cgroup_step_text(enum cgroup_step step);

// Never fails: without any right the step is RLIMITS, and why says what is missing. broker is the
// process that moves with us where version 2 needs our own group to be empty; 0 = nobody.
void cgroup_open(struct cgroup *cgroup, pid_t broker);

// Removes what launchers that are gone left in the groups that this process is in: for a broker
// that outlives its launcher. Returns whether the kernel still holds some of it.
bool cgroup_sweep(void);

// As cgroup_open(), at these places: for tests of one version on a machine that has both.
// needed: controllers without which the step is not taken, as bits.
void cgroup_open_at(struct cgroup *cgroup, const struct cgroup_places *places, pid_t broker,
                    uint32_t needed);

// Makes the group of this serial with its limits. Returns 0, -ENOTSUP at the step RLIMITS, or the
// negative errno of what could not be made (nothing is left of it then).
int cgroup_make(struct cgroup *cgroup, uint32_t serial, const struct cgroup_limits *limits);

// Sets limits of a group that exists, also when processes are in it already; what is 0 stays as it
// is. Returns 0 or a negative errno.
int cgroup_limit(const struct cgroup *cgroup, uint32_t serial, const struct cgroup_limits *limits);

// Puts the calling process, which has one thread, into the group. Safe between fork and exec.
// Returns 0 or negative errno.
int cgroup_enter(const struct cgroup *cgroup, uint32_t serial);

// Makes a process that is in the group from its first instruction: nobody waits for other CPUs.
// Returns as fork(), or a negative errno: -ENOTSUP where the kernel has that for version 2 only.
pid_t cgroup_clone(const struct cgroup *cgroup, uint32_t serial);

// Its counters now. What the kernel does not count is 0.
void cgroup_read(const struct cgroup *cgroup, uint32_t serial, struct cgroup_counts *out_counts);

// Kills what is left in the group, reads its counters, and begins to remove it.
void cgroup_take(struct cgroup *cgroup, uint32_t serial, struct cgroup_counts *out_counts);

// Removes what can be removed by now. Returns how many groups are left to be removed.
uint32_t cgroup_collect(struct cgroup *cgroup);

// Removes everything that is ours, processes in it included, as far as the kernel lets go of it.
void cgroup_close(struct cgroup *cgroup);
