// SPDX-License-Identifier: Apache-2.0
// Opens the top folders of a root.
#include "broker/lives/rootfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/text.h"

// Made by the sandbox, or about a machine that this is not.
static bool is_left_out(const char *name)
{
    static const char *const names[] = {".",   "..",   "dev", "proc", "sys",
                                        "run", "boot", "tmp", "shim"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return strlen(name) + 2 > ROOTFS_NAME_BYTES_MAX;
}

static int add_folder(struct rootfs *rootfs, const char *name)
{
    int fd = openat(rootfs->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return 0;  // a link, or a file
    }
    if (rootfs->count == ROOTFS_FOLDERS_MAX) {
        close(fd);
        return -E2BIG;
    }
    char *target = rootfs->targets[rootfs->count];
    target[0] = '/';
    text_copy(target + 1, ROOTFS_NAME_BYTES_MAX - 1, name);
    rootfs->fds[rootfs->count++] = fd;
    return 0;
}

int rootfs_open(const char *path, struct rootfs *out_rootfs)
{
    struct rootfs rootfs = {.fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (rootfs.fd < 0) {
        return -errno;
    }
    int listed = openat(rootfs.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = listed >= 0 ? fdopendir(listed) : NULL;
    int failed = folder == NULL ? -errno : 0;
    if (folder == NULL) {
        cleanup_fd(&listed);
    }
    for (const struct dirent *entry; failed == 0 && (entry = readdir(folder)) != NULL;) {
        failed = is_left_out(entry->d_name) ? 0 : add_folder(&rootfs, entry->d_name);
    }
    if (folder != NULL) {
        closedir(folder);
    }
    if (failed != 0) {
        rootfs_close(&rootfs);
        return failed;
    }
    *out_rootfs = rootfs;
    return 0;
}

void rootfs_close(struct rootfs *rootfs)
{
    for (size_t i = 0; i < rootfs->count; i++) {
        cleanup_fd(&rootfs->fds[i]);
    }
    rootfs->count = 0;
    cleanup_fd(&rootfs->fd);
}

bool rootfs_find_program(const struct rootfs *rootfs, const char *name, char *out,
                         size_t size_bytes)
{
    static const char *const folders[] = {"usr/local/bin", "usr/bin", "usr/sbin", "bin"};
    for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
        snprintf(out, size_bytes, "%s/%s", folders[i], name);
        if (faccessat(rootfs->fd, out, X_OK, 0) == 0) {
            snprintf(out, size_bytes, "/%s/%s", folders[i], name);
            return true;
        }
    }
    return false;
}

bool rootfs_blocks(const struct rootfs *rootfs, const char *top, const char *place)
{
    static const char *const kept[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc"};
    bool is_ours = false;
    for (size_t i = 0; i < rootfs->count; i++) {
        is_ours = is_ours || top == rootfs->targets[i];
    }
    for (size_t i = 0; i < ARRAY_COUNT(kept); i++) {
        is_ours = is_ours && strcmp(top, kept[i]) != 0;
    }
    size_t length = strlen(top);
    if (!is_ours || strncmp(place, top, length) != 0 || place[length] != '/') {
        return false;
    }
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
    auto_fd int found = (int)syscall(SYS_openat2, rootfs->fd, place, &how, sizeof how);
    return found < 0;
}
