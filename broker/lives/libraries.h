// SPDX-License-Identifier: Apache-2.0
// The shared libraries of a program that lie outside of the system's own folders: what a sandbox
// has to show besides /usr. Found as the loader finds them, without running anything.
#pragma once

#include <stddef.h>

#define LIBRARIES_MAX 48

struct libraries {
    size_t count;
    char *paths[LIBRARIES_MAX];  // owned: absolute, each an ELF library that others may read
};

// Reads DT_NEEDED and DT_RUNPATH of the program in fd, whose path is for $ORIGIN, and of what it
// finds. What is not found there is left to the system's folders. A program may name anything, so
// only files that are libraries, and that everybody may read, are taken. Returns 0 (also for what
// is no ELF file), -E2BIG, -ENOMEM. out must be zero, and libraries_free() it.
int libraries_find(int fd, const char *path, struct libraries *out);
void libraries_free(struct libraries *libraries);
