// SPDX-License-Identifier: Apache-2.0
// Reads what memory there is and keeps count of what is promised.
#include "shm/budget.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define FILE_BYTES_MAX 65536

static uint64_t meminfo_value(const char *text, const char *key)
{
    const char *line = strstr(text, key);
    uint64_t kib;
    if (line == NULL || sscanf(line + strlen(key), " %" SCNu64 " kB", &kib) != 1) {
        return BUDGET_UNLIMITED;
    }
    return kib * 1024;
}

// Reads a file with one number. "max" and what cannot be read mean that there is no bound.
static uint64_t read_number(const char *folder, const char *name)
{
    char path[PATH_MAX];
    auto_free char *text = NULL;
    size_t count;
    uint64_t value;
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof path ||
        fd_read_file(path, FILE_BYTES_MAX, &text, &count) < 0 ||
        sscanf(text, "%" SCNu64, &value) != 1) {
        return BUDGET_UNLIMITED;
    }
    return value;
}

struct cgroup_files {
    const char *root;
    const char *limit;
    const char *usage;
    const char *caches[2];  // keys of memory.stat
};

static const struct cgroup_files cgroup_v2 = {
    "/sys/fs/cgroup", "memory.max", "memory.current", {"\ninactive_file ", "\nactive_file "}};
static const struct cgroup_files cgroup_v1 = {"/sys/fs/cgroup/memory",
                                              "memory.limit_in_bytes",
                                              "memory.usage_in_bytes",
                                              {"\ntotal_inactive_file ", "\ntotal_active_file "}};

// Bytes of the usage that the kernel gives up before it fails an allocation: the cache of files.
// Without this a container whose cache has filled its limit, as it does in time, gets no link.
static uint64_t read_cache(const struct cgroup_files *files, const char *folder)
{
    char path[PATH_MAX];
    auto_free char *text = NULL;
    size_t count;
    int length = snprintf(path, sizeof path, "%s/memory.stat", folder);
    if (length < 0 || (size_t)length >= sizeof path ||
        fd_read_file(path, FILE_BYTES_MAX, &text, &count) < 0) {
        return 0;
    }
    uint64_t bytes = 0;
    for (size_t i = 0; i < 2; i++) {
        uint64_t value;
        const char *line = strstr(text, files->caches[i]);
        if (line != NULL && sscanf(line + strlen(files->caches[i]), "%" SCNu64, &value) == 1) {
            bytes += value;
        }
    }
    return bytes;
}

// Walks from our cgroup up to the root: each level may have a limit, the tightest one counts.
static void read_cgroup(const struct cgroup_files *files, const char *cgroup,
                        struct budget_machine *machine)
{
    char folder[PATH_MAX];
    int length = snprintf(folder, sizeof folder, "%s%s", files->root, cgroup);
    if (length < 0 || (size_t)length >= sizeof folder) {
        return;
    }
    for (;;) {
        uint64_t limit = read_number(folder, files->limit);
        uint64_t usage = read_number(folder, files->usage);
        if (limit != BUDGET_UNLIMITED && usage != BUDGET_UNLIMITED) {
            uint64_t cache = read_cache(files, folder);
            usage -= cache < usage ? cache : usage;
            uint64_t available = limit > usage ? limit - usage : 0;
            if (available < machine->cgroup_free_bytes) {
                machine->cgroup_free_bytes = available;
            }
            if (limit < machine->total_bytes) {
                machine->total_bytes = limit;
            }
        }
        char *slash = strrchr(folder, '/');
        if (slash == NULL || strlen(folder) <= strlen(files->root)) {
            return;
        }
        *slash = '\0';
    }
}

// One line of /proc/self/cgroup: id:controllers:path.
static void read_cgroup_line(char *line, struct budget_machine *machine)
{
    char *controllers = strchr(line, ':');
    char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    if (path == NULL) {
        return;
    }
    *path++ = '\0';
    controllers++;
    if (strcmp(controllers, "") == 0) {
        read_cgroup(&cgroup_v2, path, machine);
    } else if (strcmp(controllers, "memory") == 0) {
        read_cgroup(&cgroup_v1, path, machine);
    }
}

int budget_read_machine(struct budget_machine *out_machine)
{
    auto_free char *meminfo = NULL;
    size_t count;
    int failed = fd_read_file("/proc/meminfo", FILE_BYTES_MAX, &meminfo, &count);
    if (failed != 0) {
        return failed;
    }
    struct budget_machine machine = {.total_bytes = meminfo_value(meminfo, "MemTotal:"),
                                     .available_bytes = meminfo_value(meminfo, "MemAvailable:"),
                                     .cgroup_free_bytes = BUDGET_UNLIMITED};
    auto_free char *cgroups = NULL;
    if (fd_read_file("/proc/self/cgroup", FILE_BYTES_MAX, &cgroups, &count) == 0) {
        char *rest = NULL;
        for (char *line = strtok_r(cgroups, "\n", &rest); line != NULL;
             line = strtok_r(NULL, "\n", &rest)) {
            read_cgroup_line(line, &machine);
        }
    }
    *out_machine = machine;
    return 0;
}

static bool is_refused(uint64_t needed, uint64_t available, const char *bound,
                       struct budget_refusal *out_refusal)
{
    if (needed <= available) {
        return false;
    }
    *out_refusal = (struct budget_refusal){
        .needed_bytes = needed, .available_bytes = available, .bound = bound};
    return true;
}

static uint64_t less(uint64_t from, uint64_t what)
{
    if (from == BUDGET_UNLIMITED) {
        return from;
    }
    return from > what ? from - what : 0;
}

int budget_reserve(struct budget *budget, const struct budget_machine *machine,
                   uint64_t needed_bytes, uint64_t not_yet_allocated_bytes,
                   struct budget_refusal *out_refusal)
{
    uint64_t in_limit = less(budget->limit_bytes, budget->promised_bytes);
    uint64_t in_machine = less(machine->available_bytes, not_yet_allocated_bytes);
    uint64_t in_cgroup = less(machine->cgroup_free_bytes, not_yet_allocated_bytes);
    if (is_refused(needed_bytes, in_limit, "limits.shared_memory", out_refusal) ||
        is_refused(needed_bytes, in_machine, "MemAvailable", out_refusal) ||
        is_refused(needed_bytes, in_cgroup, "memory cgroup", out_refusal)) {
        return -ENOMEM;
    }
    budget->promised_bytes += needed_bytes;
    return 0;
}

void budget_release(struct budget *budget, uint64_t bytes)
{
    budget->promised_bytes -= bytes < budget->promised_bytes ? bytes : budget->promised_bytes;
}
