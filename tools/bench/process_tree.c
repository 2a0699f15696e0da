// SPDX-License-Identifier: Apache-2.0
// Reads /proc.
#include "tools/bench/process_tree.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

static pid_t parent_of(pid_t pid)
{
    char path[64];
    char line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    auto_file FILE *file = fopen(path, "re");
    if (file == NULL || fgets(line, sizeof line, file) == NULL) {
        return 0;
    }
    // The name in parentheses may hold anything.
    const char *end = strrchr(line, ')');
    int parent = 0;
    char state;
    return end != NULL && sscanf(end + 1, " %c %d", &state, &parent) == 2 ? parent : 0;
}

static bool has(const struct process_tree *tree, pid_t pid)
{
    for (size_t i = 0; i < tree->count; i++) {
        if (tree->pids[i] == pid) {
            return true;
        }
    }
    return false;
}

// One pass over all processes. True when one was added.
static bool add_children(struct process_tree *tree)
{
    bool is_more = false;
    DIR *folder = opendir("/proc");
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (!isdigit((unsigned char)entry->d_name[0]) || tree->count == PROCESS_TREE_MAX) {
            continue;
        }
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (!has(tree, pid) && has(tree, parent_of(pid))) {
            tree->pids[tree->count++] = pid;
            is_more = true;
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return is_more;
}

void process_tree_read(pid_t root, struct process_tree *out_tree)
{
    *out_tree = (struct process_tree){.pids = {root}, .count = 1};
    while (add_children(out_tree)) {
    }
}

static double number_after(const char *path, const char *word)
{
    auto_file FILE *file = fopen(path, "re");
    char line[512];
    size_t length = strlen(word);
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, word, length) == 0) {
            return strtod(line + length, NULL);
        }
    }
    return -1;
}

struct process_use process_tree_use(pid_t pid)
{
    struct process_use use = {0};
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char name[PATH_MAX];
        snprintf(name, sizeof name, "%s/%s/schedstat", path, entry->d_name);
        double cpu = number_after(name, "");
        snprintf(name, sizeof name, "%s/%s/status", path, entry->d_name);
        double switches = number_after(name, "voluntary_ctxt_switches:");
        use.cpu_ns += cpu > 0 ? cpu : 0;
        use.switches += switches > 0 ? switches : 0;
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return use;
}

double process_tree_pss(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    double kib = number_after(path, "Pss:");
    return kib < 0 ? -1 : kib * 1024;
}

int process_tree_is(pid_t pid, const char *program)
{
    char link[64];
    char path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/%d/exe", (int)pid);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) {
        return 0;
    }
    path[length] = '\0';
    const char *slash = strrchr(path, '/');
    return slash != NULL && strcmp(slash + 1, program) == 0;
}
