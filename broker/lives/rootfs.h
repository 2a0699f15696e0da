// SPDX-License-Identifier: Apache-2.0
// A folder that is the root of a node: each of its top folders is shown in its place, but for those
// that a sandbox makes itself.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define ROOTFS_FOLDERS_MAX 24
#define ROOTFS_NAME_BYTES_MAX 64

struct rootfs {
    int fd;  // owned, O_PATH; -1 = none
    size_t count;
    int fds[ROOTFS_FOLDERS_MAX];                              // owned, O_PATH
    char targets[ROOTFS_FOLDERS_MAX][ROOTFS_NAME_BYTES_MAX];  // "/usr"
};

// Opens the folder. Links among its top entries are left to who mounts. Returns 0, -ENOTDIR and
// others, -E2BIG for more folders than a root has.
int rootfs_open(const char *path, struct rootfs *out_rootfs);
void rootfs_close(struct rootfs *rootfs);

// Whether the program is in one of the system's folders of the root; out gets its path inside.
bool rootfs_find_program(const struct rootfs *rootfs, const char *name, char *out,
                         size_t size_bytes);

// Whether the top folder (one of targets, that very pointer) is in the way of a place inside: the
// place would be in it, and is not there. A folder with programs or settings is never.
bool rootfs_blocks(const struct rootfs *rootfs, const char *top, const char *place);
