// SPDX-License-Identifier: Apache-2.0
// What a node was granted, found in the file system with the rights of who asks: paths become
// descriptors, words become the paths and variables of grants.def.
//
// Life: grant_set_init(), one grant_add_*() per word of the graph, then the binds and the
// environment go into a plan, and grant_set_fini() after the process was asked for.
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/plan.h"

#define GRANT_ITEMS_MAX 64
#define GRANT_VARIABLES_MAX 8

enum grant {
#define GRANT(NAME, word, flag, meaning) GRANT_##NAME,
#include "sandbox/grants.def"
    GRANTS_COUNT
};

// One place that a worker sees.
struct grant_item {
    enum grant grant;
    enum sandbox_bind_kind kind;
    int fd;        // owned, O_PATH; -1 = by path: a device, or a file that does not exist yet
    char *target;  // owned: where it is inside, and outside
    bool is_new;   // the file does not exist yet
};

struct grant_set {
    size_t count;
    struct grant_item items[GRANT_ITEMS_MAX];
    uint32_t flags;  // enum sandbox_grant
    size_t variable_count;
    char *variables[GRANT_VARIABLES_MAX];  // owned: "NAME=value"
};

const char *grant_word(enum grant grant);
const char *grant_meaning(enum grant grant);

// GRANTS_COUNT when there is no such word.
enum grant grant_find(const char *word);

void grant_set_init(struct grant_set *set);
void grant_set_fini(struct grant_set *set);

// Adds a path that a graph names for READ, WRITE or ROOTFS. A relative one begins at folder, which
// is absolute. is_making: a file, or a folder whose path ends in '/', is made where WRITE names one
// that is missing; otherwise it is only noted as new.
// Returns 0; or a negative errno, the set is unchanged, and out_why is what is wrong as a part of a
// sentence that begins with the path: -ENOENT for what is missing, its parent included, -EACCES for
// what the caller may not do himself, -EINVAL for what is never granted, -E2BIG.
int grant_add_path(struct grant_set *set, enum grant grant, const char *folder, const char *path,
                   bool is_making, const char **out_why);

// Adds what a word stands for. What the machine does not have is left out. Returns 0, -E2BIG,
// -ENOMEM.
int grant_add_word(struct grant_set *set, enum grant grant);

// Adds a device by its path below /dev. Returns as grant_add_path().
int grant_add_device(struct grant_set *set, const char *path, const char **out_why);

// Appends the binds of the set to a plan, but for the root; they borrow from it. Returns 0 or
// -E2BIG.
int grant_fill(const struct grant_set *set, struct sandbox_plan *plan);
