// SPDX-License-Identifier: Apache-2.0
// The shared libraries of a program that lie outside of the system's own folders: what a sandbox
// has to show besides /usr. Found as the loader finds them, without running anything.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LIBRARIES_MAX 48

struct libraries {
    size_t count;
    char *paths[LIBRARIES_MAX];  // owned: absolute, each an ELF library that others may read
    bool is_own_root;  // no folder of the system is shown: ours are needed from there as well
};

// Reads DT_NEEDED and DT_RUNPATH of the program in fd, whose path is for $ORIGIN, and of what it
// finds. What is not found there is left to the system's folders. A program may name anything, so
// only files that are libraries, and that everybody may read, are taken. Returns 0 (also for what
// is no ELF file), -E2BIG, -ENOMEM. out must be zero but for is_own_root, and libraries_free() it.
int libraries_find(int fd, const char *path, struct libraries *out);

// Adds one that no file names: what an interpreter loads later. One that is no library, and one of
// the system, is not added. Returns 0, -E2BIG, -ENOMEM.
int libraries_add(struct libraries *libraries, const char *path);

void libraries_free(struct libraries *libraries);
