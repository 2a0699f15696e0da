// SPDX-License-Identifier: Apache-2.0
// Copies mounts into a namespace of our own, with their owners mapped.
#include "sandbox/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/fd.h"

#define PATH_BYTES 64

// Any folder that is there will do: what is below it is hidden from this process only.
static const char *const places[] = {"/mnt", "/media", "/srv", "/tmp"};

static int call_open_tree(int fd)
{
    unsigned flags = AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    long tree = syscall(SYS_open_tree, fd, "", flags);
    return tree < 0 ? -errno : (int)tree;
}

static int call_move_mount(int tree, const char *path)
{
    long result = syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
    return result < 0 ? -errno : 0;
}

// --- Owners -----------------------------------------------------------------------------------

static int write_map(pid_t pid, const char *name, unsigned from, unsigned to)
{
    char path[PATH_BYTES];
    char map[PATH_BYTES];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int length = snprintf(map, sizeof map, "%u %u 1", from, to);
    auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd_write_all(fd, map, (size_t)length);
}

static int open_namespace(pid_t pid, uid_t owner, gid_t group, uid_t worker)
{
    int failed = write_map(pid, "uid_map", owner, worker);
    if (failed == 0) {
        failed = write_map(pid, "gid_map", group, worker);
    }
    if (failed != 0) {
        return failed;
    }
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

// A user namespace is how the kernel is told a mapping. A process holds it until it is open.
static int make_mapping(uid_t owner, gid_t group, uid_t worker)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
    auto_fd int reading = ends[0];
    auto_fd int writing = ends[1];
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid < 0) {
        return -errno;
    }
    if (pid == 0) {
        close(writing);
        char byte;
        _exit((int)read(reading, &byte, 1));
    }
    int fd = open_namespace(pid, owner, group, worker);
    cleanup_fd(&writing);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return fd;
}

// The mapping that was made last: most of what one worker is granted has one owner.
struct mapping {
    int fd;  // owned, -1 = none
    uid_t owner;
    gid_t group;
};

static int map_owner(int tree, const struct stat *info, uid_t user, uid_t worker,
                     struct mapping *mapping)
{
    uid_t owner = user == 0 ? info->st_uid : user;
    // A group gives rights too: it may be mapped where the owner would have them anyway.
    gid_t group = user == 0 || info->st_uid == user ? info->st_gid : worker;
    if (mapping->fd < 0 || mapping->owner != owner || mapping->group != group) {
        cleanup_fd(&mapping->fd);
        int fd = make_mapping(owner, group, worker);
        if (fd < 0) {
            return fd;
        }
        *mapping = (struct mapping){fd, owner, group};
    }
    struct mount_attr change = {.attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_NOSUID,
                                .userns_fd = (uint32_t)mapping->fd};
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &change, sizeof change) < 0) {
        // EINVAL: the file system cannot.
        return errno == EINVAL ? -EOPNOTSUPP : -errno;
    }
    return 0;
}

// A copy of the mount that the item is in, from the item on. It is in no namespace yet.
static int copy_mount(const struct stage_item *item, uid_t user, uid_t worker,
                      struct mapping *mapping, struct stat *out_info)
{
    if (fstat(item->fd, out_info) < 0) {
        return -errno;
    }
    int tree = call_open_tree(item->fd);
    if (tree < 0 || !item->is_mapped) {
        return tree;
    }
    int failed = map_owner(tree, out_info, user, worker, mapping);
    if (failed != 0 && item->is_needed) {
        close(tree);
        return failed;
    }
    return tree;
}

// --- The stage --------------------------------------------------------------------------------

static int make_stage(const char **out_place)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        return -errno;
    }
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        if (access(places[i], F_OK) == 0) {
            *out_place = places[i];
            unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
            return mount("stage", places[i], "tmpfs", flags, "mode=0711,size=1m") < 0 ? -errno : 0;
        }
    }
    return -ENOENT;
}

static int place_mount(const char *place, size_t index, int tree, const struct stat *info, int fd)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%zu", place, index);
    if (S_ISDIR(info->st_mode)) {
        if (mkdir(path, 0700) < 0) {
            return -errno;
        }
    } else {
        auto_fd int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        if (file < 0) {
            return -errno;
        }
    }
    int failed = call_move_mount(tree, path);
    if (failed != 0) {
        return failed;
    }
    auto_fd int placed = open(path, O_PATH | O_CLOEXEC);
    return placed < 0 || dup3(placed, fd, O_CLOEXEC) < 0 ? -errno : 0;
}

static void close_trees(int *trees, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cleanup_fd(&trees[i]);
    }
}

int stage_enter(const struct stage_item *items, size_t count, uid_t user, uid_t worker,
                size_t *out_index)
{
    SB_ASSERT(count <= STAGE_ITEMS_MAX);
    int trees[STAGE_ITEMS_MAX];
    struct stat infos[STAGE_ITEMS_MAX];
    struct mapping mapping = {.fd = -1};
    *out_index = count;
    // Copies can be made only where the originals are.
    for (size_t i = 0; i < count; i++) {
        trees[i] = copy_mount(&items[i], user, worker, &mapping, &infos[i]);
        if (trees[i] < 0) {
            int failed = trees[i];
            close_trees(trees, i);
            cleanup_fd(&mapping.fd);
            *out_index = i;
            return failed;
        }
    }
    cleanup_fd(&mapping.fd);
    const char *place = NULL;
    int failed = make_stage(&place);
    for (size_t i = 0; i < count && failed == 0; i++) {
        failed = place_mount(place, i, trees[i], &infos[i], items[i].fd);
        *out_index = failed != 0 ? i : count;
    }
    close_trees(trees, count);
    return failed;
}

int stage_can_map(int fd, uid_t user, uid_t worker)
{
    const struct stage_item item = {.fd = fd, .is_mapped = true, .is_needed = true};
    struct mapping mapping = {.fd = -1};
    struct stat info;
    auto_fd int tree = copy_mount(&item, user, worker, &mapping, &info);
    cleanup_fd(&mapping.fd);
    return tree < 0 ? tree : 0;
}

int stage_try(uid_t worker)
{
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        const struct stage_item item = {
            .fd = open("/", O_PATH | O_CLOEXEC), .is_mapped = true, .is_needed = true};
        size_t index;
        _exit(-stage_enter(&item, 1, 0, worker, &index));
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status)) {
        return -EIO;
    }
    return -WEXITSTATUS(status);
}
