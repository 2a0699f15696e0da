// SPDX-License-Identifier: Apache-2.0
// Makes, limits, reads and removes the cgroups of workers.
#include "sandbox/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/fd.h"
#include "base/text.h"
#include "sandbox/cgroup_file.h"

#define NAME_PREFIX "streambroker-"
#define LEAF "self"  // of version 2: the launcher and the broker
#define CPU_PERIOD_US 100000
// One process weighs this much, in either version.
#define CPU_WEIGHT_V1 1024
#define CPU_WEIGHT_V1_MAX 262144
#define CPU_WEIGHT_V2 100
#define CPU_WEIGHT_V2_MAX 10000
#define CPU_QUOTA_US_MIN 1000

const char *cgroup_step_word(enum cgroup_step step)
{
    static const char *const words[] = {
#define X(NAME, word, text) [CGROUP_STEP_##NAME] = word,
        CGROUP_STEPS(X)
#undef X
    };
    SB_ASSERT((size_t)step < ARRAY_COUNT(words));
    return words[step];
}

const char *cgroup_step_text(enum cgroup_step step)
{
    static const char *const texts[] = {
#define X(NAME, word, text) [CGROUP_STEP_##NAME] = text,
        CGROUP_STEPS(X)
#undef X
    };
    SB_ASSERT((size_t)step < ARRAY_COUNT(texts));
    return texts[step];
}

static bool has(const struct cgroup *cgroup, enum cgroup_controller controller)
{
    return (cgroup->has >> controller & 1) != 0;
}

// The folder that the files of this controller are in.
static int folder_of(const struct cgroup *cgroup, enum cgroup_controller controller)
{
    return cgroup->folders[cgroup->step == CGROUP_STEP_V2 ? 0 : controller].fd;
}

// --- Leftovers --------------------------------------------------------------------------------

// Removes a folder of ours with the groups in it. Whoever still runs in one is killed. Returns
// whether it is gone.
static bool remove_tree(int parent_fd, const char *name)
{
    auto_fd int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return true;
    }
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
    if (folder != NULL) {
        for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
            if (entry->d_type != DT_DIR || entry->d_name[0] == '.') {
                continue;
            }
            // The one leaf of version 2 has nobody in it but launchers and brokers.
            if (strcmp(entry->d_name, LEAF) != 0) {
                cgroup_file_kill_all(fd, entry->d_name);
            }
            unlinkat(fd, entry->d_name, AT_REMOVEDIR);
        }
        closedir(folder);
    } else if (copy >= 0) {
        close(copy);
    }
    return unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

// A folder that nobody holds the lock of belongs to a launcher that is gone. Returns whether none
// is left.
static bool sweep(int parent_fd)
{
    int copy = fcntl(parent_fd, F_DUPFD_CLOEXEC, 0);
    DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
    if (folder == NULL) {
        cleanup_fd(&copy);
        return true;
    }
    bool is_clean = true;
    rewinddir(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strncmp(entry->d_name, NAME_PREFIX, strlen(NAME_PREFIX)) != 0) {
            continue;
        }
        auto_fd int fd = openat(parent_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
            is_clean = remove_tree(parent_fd, entry->d_name) && is_clean;
        }
    }
    closedir(folder);
    return is_clean;
}

// --- Opening ----------------------------------------------------------------------------------

static bool is_same_file(int a, int b)
{
    struct stat first;
    struct stat second;
    return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_ino == second.st_ino &&
           first.st_dev == second.st_dev;
}

// Makes our folder in a group, and locks it. Another start may sweep it away between the two.
static int open_folder(struct cgroup *cgroup, const char *parent, struct cgroup_folder *folder)
{
    enum { TRIES = 8 };
    auto_fd int parent_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent_fd < 0) {
        return -errno;
    }
    sweep(parent_fd);
    for (int i = 0; i < TRIES; i++) {
        if (mkdirat(parent_fd, cgroup->name, 0755) < 0 && errno != EEXIST) {
            return -errno;
        }
        auto_fd int fd = openat(parent_fd, cgroup->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
            continue;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
            return -errno;
        }
        auto_fd int again = openat(parent_fd, cgroup->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (again >= 0 && is_same_file(fd, again)) {
            folder->parent_fd = steal_fd(&parent_fd);
            folder->fd = steal_fd(&fd);
            return 0;
        }
    }
    return -EAGAIN;
}

static void close_folder(struct cgroup *cgroup, struct cgroup_folder *folder)
{
    if (folder->fd >= 0) {
        remove_tree(folder->parent_fd, cgroup->name);
    }
    cleanup_fd(&folder->fd);
    cleanup_fd(&folder->parent_fd);
}

static void say_why(struct cgroup *cgroup, const char *what, int error)
{
    struct text text = TEXT_OVER(cgroup->why);
    text_add_format(&text, "%s: %s", what, strerrordesc_np(-error));
}

static void open_v1(struct cgroup *cgroup, const struct cgroup_places *places)
{
    for (size_t i = 0; i < CGROUP_CONTROLLERS_COUNT; i++) {
        if (places->v1[i][0] == '\0') {
            continue;
        }
        // Two controllers of one hierarchy are one folder.
        size_t same = 0;
        while (strcmp(places->v1[same], places->v1[i]) != 0) {
            same++;
        }
        struct cgroup_folder *folder = &cgroup->folders[i];
        int failed = 0;
        if (same < i) {
            folder->fd = fcntl(cgroup->folders[same].fd, F_DUPFD_CLOEXEC, 0);
        } else {
            failed = open_folder(cgroup, places->v1[i], folder);
        }
        if (folder->fd >= 0) {
            cgroup->has |= 1U << i;
        } else if (i == CGROUP_MEMORY) {
            say_why(cgroup, "no folder in the memory cgroup of version 1", failed);
        }
    }
}

// Version 2 gives controllers to the groups below one only while no process is in it.
static int enter_leaf(const struct cgroup *cgroup)
{
    int folder = cgroup->folders[0].fd;
    if (mkdirat(folder, LEAF, 0755) < 0 && errno != EEXIST) {
        return -errno;
    }
    int failed = cgroup_file_attach(folder, LEAF, getpid());
    return failed != 0 || cgroup->broker == 0 ? failed
                                              : cgroup_file_attach(folder, LEAF, cgroup->broker);
}

static void leave_leaf(const struct cgroup *cgroup)
{
    cgroup_file_attach(cgroup->folders[0].parent_fd, ".", getpid());
    // A broker that is gone may have left its number to a stranger.
    if (cgroup->broker != 0 && cgroup->broker == getppid()) {
        cgroup_file_attach(cgroup->folders[0].parent_fd, ".", cgroup->broker);
    }
}

// Switches the controllers on in the group that we are in, then in our folder. In a group that is
// not ours only those are used that its manager has switched on.
static int enable(struct cgroup *cgroup, uint32_t needed, bool is_ours)
{
    struct cgroup_folder *folder = &cgroup->folders[0];
    uint32_t on = cgroup_file_controllers(folder->parent_fd, "cgroup.subtree_control");
    uint32_t there =
        is_ours ? cgroup_file_controllers(folder->parent_fd, "cgroup.controllers") : on;
    if ((there & needed) != needed) {
        return -ENODEV;
    }
    if ((there & ~on) != 0) {
        int failed = enter_leaf(cgroup);
        if (failed == 0) {
            failed = cgroup_file_switch(folder->parent_fd, there & ~on, true);
        }
        if (failed != 0) {
            leave_leaf(cgroup);
            return failed;
        }
        cgroup->enabled = there & ~on;
    }
    int failed = cgroup_file_switch(folder->fd, there, true);
    cgroup->has = failed == 0 ? there : 0;
    return failed;
}

static void disable(struct cgroup *cgroup)
{
    cgroup_file_switch(cgroup->folders[0].fd, cgroup->has, false);
    if (cgroup->enabled != 0) {
        cgroup_file_switch(cgroup->folders[0].parent_fd, cgroup->enabled, false);
        leave_leaf(cgroup);
    }
    cgroup->enabled = 0;
    cgroup->has = 0;
}

static int open_v2(struct cgroup *cgroup, const char *place, uint32_t needed, bool is_ours)
{
    if (place[0] == '\0') {
        return -ENOENT;
    }
    cgroup->step = CGROUP_STEP_V2;
    int failed = open_folder(cgroup, place, &cgroup->folders[0]);
    if (failed == 0) {
        failed = enable(cgroup, needed, is_ours);
        if (failed != 0) {
            disable(cgroup);
            close_folder(cgroup, &cgroup->folders[0]);
        }
    }
    if (failed != 0) {
        say_why(cgroup, "no controllers in the cgroup of version 2", failed);
        cgroup->step = CGROUP_STEP_RLIMITS;
    }
    return failed;
}

void cgroup_open_at(struct cgroup *cgroup, const struct cgroup_places *places, pid_t broker,
                    uint32_t needed)
{
    *cgroup = (struct cgroup){.step = CGROUP_STEP_RLIMITS, .broker = broker};
    for (size_t i = 0; i < CGROUP_CONTROLLERS_COUNT; i++) {
        cgroup->folders[i] = (struct cgroup_folder){-1, -1};
    }
    snprintf(cgroup->name, sizeof cgroup->name, NAME_PREFIX "%d", (int)getpid());
    text_copy(cgroup->why, sizeof cgroup->why, "no cgroup file system is mounted");
    bool is_open = open_v2(cgroup, places->v2, needed, true) == 0;
    if (!is_open && strcmp(places->v2, places->v2_top) != 0) {
        is_open = open_v2(cgroup, places->v2_top, needed, false) == 0;
    }
    if (is_open) {
        return;
    }
    open_v1(cgroup, places);
    if ((cgroup->has & needed) == needed && cgroup->has != 0) {
        cgroup->step = CGROUP_STEP_V1;
        return;
    }
    for (size_t i = 0; i < CGROUP_CONTROLLERS_COUNT; i++) {
        close_folder(cgroup, &cgroup->folders[i]);
    }
    cgroup->has = 0;
}

static void find_places(struct cgroup_places *out_places)
{
    *out_places = (struct cgroup_places){.v2 = ""};
    auto_free char *mounts = NULL;
    auto_free char *self = NULL;
    size_t count;
    if (fd_read_file("/proc/self/mountinfo", 1U << 20, &mounts, &count) == 0 &&
        fd_read_file("/proc/self/cgroup", 1U << 16, &self, &count) == 0) {
        cgroup_find(mounts, self, out_places);
    }
}

void cgroup_open(struct cgroup *cgroup, pid_t broker)
{
    static struct cgroup_places places;
    find_places(&places);
    cgroup_open_at(cgroup, &places, broker, 1U << CGROUP_MEMORY | 1U << CGROUP_PIDS);
}

bool cgroup_sweep(void)
{
    static struct cgroup_places places;
    find_places(&places);
    const char *const folders[] = {places.v2, places.v2_top, places.v1[CGROUP_MEMORY],
                                   places.v1[CGROUP_CPU], places.v1[CGROUP_PIDS]};
    bool is_clean = true;
    for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
        auto_fd int fd =
            folders[i][0] != '\0' ? open(folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        is_clean = (fd < 0 || sweep(fd)) && is_clean;
    }
    return !is_clean;
}

// --- One group --------------------------------------------------------------------------------

static void group_name(uint32_t serial, char out[CGROUP_NAME_BYTES])
{
    snprintf(out, CGROUP_NAME_BYTES, "w%u", serial);
}

static int write_number(int folder, const char *group, const char *file, uint64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return cgroup_file_write(folder, group, file, text);
}

// Memory that is not there for the group: it may not go to swap instead.
static int limit_memory(const struct cgroup *cgroup, const char *group, uint64_t bytes)
{
    int folder = folder_of(cgroup, CGROUP_MEMORY);
    if (cgroup->step == CGROUP_STEP_V2) {
        int failed = write_number(folder, group, "memory.max", bytes);
        // Without swap in the kernel these are not there.
        cgroup_file_write(folder, group, "memory.swap.max", "0");
        cgroup_file_write(folder, group, "memory.oom.group", "1");
        return failed;
    }
    int failed = write_number(folder, group, "memory.limit_in_bytes", bytes);
    write_number(folder, group, "memory.memsw.limit_in_bytes", bytes);
    return failed;
}

static int limit_cpu(const struct cgroup *cgroup, const char *group, uint32_t permille)
{
    int folder = folder_of(cgroup, CGROUP_CPU);
    uint64_t quota_us = (uint64_t)permille * CPU_PERIOD_US / 1000;
    quota_us = quota_us < CPU_QUOTA_US_MIN ? CPU_QUOTA_US_MIN : quota_us;
    if (cgroup->step == CGROUP_STEP_V2) {
        char text[64];
        snprintf(text, sizeof text, "%llu %d", (unsigned long long)quota_us, CPU_PERIOD_US);
        return cgroup_file_write(folder, group, "cpu.max", text);
    }
    int failed = write_number(folder, group, "cpu.cfs_period_us", CPU_PERIOD_US);
    return failed != 0 ? failed : write_number(folder, group, "cpu.cfs_quota_us", quota_us);
}

int cgroup_limit(const struct cgroup *cgroup, uint32_t serial, const struct cgroup_limits *limits)
{
    char group[CGROUP_NAME_BYTES];
    group_name(serial, group);
    int failed = 0;
    if (limits->memory_bytes != 0 && has(cgroup, CGROUP_MEMORY)) {
        failed = limit_memory(cgroup, group, limits->memory_bytes);
    }
    if (failed == 0 && limits->cpu_permille != 0 && has(cgroup, CGROUP_CPU)) {
        failed = limit_cpu(cgroup, group, limits->cpu_permille);
    }
    if (failed == 0 && limits->pids != 0 && has(cgroup, CGROUP_PIDS)) {
        failed = write_number(folder_of(cgroup, CGROUP_PIDS), group, "pids.max", limits->pids);
    }
    return failed;
}

// All workers together weigh as much as they would as so many ordinary processes. In version 2 the
// broker is in our folder too.
static void set_weight(const struct cgroup *cgroup)
{
    if (!has(cgroup, CGROUP_CPU)) {
        return;
    }
    bool is_v2 = cgroup->step == CGROUP_STEP_V2;
    uint64_t one = is_v2 ? CPU_WEIGHT_V2 : CPU_WEIGHT_V1;
    uint64_t most = is_v2 ? CPU_WEIGHT_V2_MAX : CPU_WEIGHT_V1_MAX;
    uint64_t count = (uint64_t)cgroup->made + (is_v2 || cgroup->made == 0 ? 1 : 0);
    write_number(folder_of(cgroup, CGROUP_CPU), ".", is_v2 ? "cpu.weight" : "cpu.shares",
                 count * one < most ? count * one : most);
}

static bool remove_group(const struct cgroup *cgroup, uint32_t serial)
{
    char group[CGROUP_NAME_BYTES];
    group_name(serial, group);
    bool is_gone = true;
    for (size_t i = 0; i < CGROUP_CONTROLLERS_COUNT; i++) {
        int folder = cgroup->folders[i].fd;
        if (folder >= 0 && unlinkat(folder, group, AT_REMOVEDIR) < 0 && errno != ENOENT) {
            is_gone = false;
        }
    }
    return is_gone;
}

int cgroup_make(struct cgroup *cgroup, uint32_t serial, const struct cgroup_limits *limits)
{
    if (cgroup->step == CGROUP_STEP_RLIMITS) {
        return -ENOTSUP;
    }
    char group[CGROUP_NAME_BYTES];
    group_name(serial, group);
    for (size_t i = 0; i < CGROUP_CONTROLLERS_COUNT; i++) {
        int folder = cgroup->folders[i].fd;
        // Two controllers of one hierarchy share it.
        if (folder >= 0 && mkdirat(folder, group, 0755) < 0 && errno != EEXIST) {
            int error = errno;
            remove_group(cgroup, serial);
            return -error;
        }
    }
    int failed = cgroup_limit(cgroup, serial, limits);
    if (failed != 0) {
        remove_group(cgroup, serial);
        return failed;
    }
    cgroup->made++;
    set_weight(cgroup);
    return 0;
}

int cgroup_enter(const struct cgroup *cgroup, uint32_t serial)
{
    char group[CGROUP_NAME_BYTES];
    group_name(serial, group);
    for (size_t i = 0; i < CGROUP_CONTROLLERS_COUNT; i++) {
        int folder = cgroup->folders[i].fd;
        if (folder < 0) {
            continue;
        }
        int failed = cgroup->step == CGROUP_STEP_V1 ? cgroup_file_attach_thread(folder, group)
                                                    : cgroup_file_attach(folder, group, 0);
        if (failed != 0) {
            return failed;
        }
    }
    return 0;
}

pid_t cgroup_clone(const struct cgroup *cgroup, uint32_t serial)
{
    if (cgroup->step != CGROUP_STEP_V2) {
        return -ENOTSUP;
    }
    char group[CGROUP_NAME_BYTES];
    group_name(serial, group);
    auto_fd int fd = openat(cgroup->folders[0].fd, group, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    struct clone_args arguments = {
        .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (unsigned)fd};
    long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    return pid < 0 ? -errno : (pid_t)pid;
}

// With a limit of memory and swap together, Linux 6.18 does not count in memory.failcnt any more.
static void read_memory_v1(int folder, const char *group, struct cgroup_counts *counts)
{
    counts->oom_kills = cgroup_file_count(folder, group, "memory.oom_control", "oom_kill");
    counts->memory_hits = cgroup_file_count(folder, group, "memory.failcnt", NULL);
    counts->memory_bytes_max = cgroup_file_count(folder, group, "memory.max_usage_in_bytes", NULL);
    uint64_t limit_bytes = cgroup_file_count(folder, group, "memory.limit_in_bytes", NULL);
    if (counts->memory_hits == 0 && counts->memory_bytes_max >= limit_bytes) {
        counts->memory_hits = 1;
    }
}

void cgroup_read(const struct cgroup *cgroup, uint32_t serial, struct cgroup_counts *out_counts)
{
    *out_counts = (struct cgroup_counts){0};
    char group[CGROUP_NAME_BYTES];
    group_name(serial, group);
    bool is_v2 = cgroup->step == CGROUP_STEP_V2;
    if (has(cgroup, CGROUP_MEMORY) && is_v2) {
        int folder = folder_of(cgroup, CGROUP_MEMORY);
        out_counts->oom_kills = cgroup_file_count(folder, group, "memory.events", "oom_kill");
        out_counts->memory_hits = cgroup_file_count(folder, group, "memory.events", "max");
        out_counts->memory_bytes_max = cgroup_file_count(folder, group, "memory.peak", NULL);
    } else if (has(cgroup, CGROUP_MEMORY)) {
        read_memory_v1(folder_of(cgroup, CGROUP_MEMORY), group, out_counts);
    }
    if (has(cgroup, CGROUP_PIDS)) {
        out_counts->pids_refused =
            cgroup_file_count(folder_of(cgroup, CGROUP_PIDS), group, "pids.events", "max");
    }
    if (has(cgroup, CGROUP_CPU)) {
        int folder = folder_of(cgroup, CGROUP_CPU);
        out_counts->cpu_throttled_ns =
            is_v2 ? cgroup_file_count(folder, group, "cpu.stat", "throttled_usec") * 1000
                  : cgroup_file_count(folder, group, "cpu.stat", "throttled_time");
    }
}

static void kill_group(const struct cgroup *cgroup, uint32_t serial)
{
    char group[CGROUP_NAME_BYTES];
    group_name(serial, group);
    for (size_t i = 0; i < CGROUP_CONTROLLERS_COUNT; i++) {
        if (cgroup->folders[i].fd >= 0) {
            cgroup_file_kill_all(cgroup->folders[i].fd, group);
            return;  // every process of it is in each of them
        }
    }
}

void cgroup_take(struct cgroup *cgroup, uint32_t serial, struct cgroup_counts *out_counts)
{
    cgroup_read(cgroup, serial, out_counts);
    kill_group(cgroup, serial);
    if (cgroup->made > 0) {
        cgroup->made--;
        set_weight(cgroup);
    }
    // With no room for its number, the end of the launcher removes it.
    if (!remove_group(cgroup, serial) && cgroup->doomed_count < CGROUP_DOOMED_MAX) {
        cgroup->doomed[cgroup->doomed_count++] = serial;
    }
}

uint32_t cgroup_collect(struct cgroup *cgroup)
{
    for (uint32_t i = 0; i < cgroup->doomed_count;) {
        kill_group(cgroup, cgroup->doomed[i]);
        if (remove_group(cgroup, cgroup->doomed[i])) {
            cgroup->doomed[i] = cgroup->doomed[--cgroup->doomed_count];
        } else {
            i++;
        }
    }
    return cgroup->doomed_count;
}

void cgroup_close(struct cgroup *cgroup)
{
    if (cgroup->step == CGROUP_STEP_RLIMITS) {
        return;
    }
    cgroup_collect(cgroup);
    if (cgroup->step == CGROUP_STEP_V2) {
        disable(cgroup);
    }
    for (size_t i = 0; i < CGROUP_CONTROLLERS_COUNT; i++) {
        close_folder(cgroup, &cgroup->folders[i]);
    }
    cgroup->step = CGROUP_STEP_RLIMITS;
}
