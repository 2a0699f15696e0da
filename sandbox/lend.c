// SPDX-License-Identifier: Apache-2.0
// Changes the owner of files for a while, and remembers it outside of this process.
#include "sandbox/lend.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

// Deeper than this nobody's files are; a worker that digs deeper keeps its own, and nothing else.
enum { DEPTH_MAX = 256, RECORD_BYTES = PATH_MAX + 128, TRIES = 8 };

static const char *folder_path = "/run/streambroker/lent";

void lend_set_folder(const char *path)
{
    folder_path = path;
}

// --- Owners -----------------------------------------------------------------------------------

// One change: what belongs to the one belongs to the other afterwards.
struct change {
    uid_t from;
    uid_t to;
    gid_t group;  // in place of the group of the one, if it has that
    dev_t device;
    bool is_lent;
};

static int change_one(int folder, const char *name, const struct stat *info,
                      const struct change *change)
{
    // The kernel takes these bits away from a file whose owner changes: it would not get them back.
    bool is_special = !S_ISDIR(info->st_mode) && (info->st_mode & (S_ISUID | S_ISGID)) != 0;
    if (info->st_uid != change->from || (is_special && change->is_lent)) {
        return 0;
    }
    int flags = AT_SYMLINK_NOFOLLOW | (name[0] == '\0' ? AT_EMPTY_PATH : 0);
    gid_t group = !change->is_lent && info->st_gid == change->from ? change->group : (gid_t)-1;
    return fchownat(folder, name, change->to, group, flags) < 0 ? -errno : 0;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as DEPTH_MAX.
static int change_below(int folder, const struct change *change, unsigned depth)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
    if (list == NULL) {
        int error = errno;
        cleanup_fd(&copy);
        return -error;
    }
    int result = 0;
    for (const struct dirent *entry; (entry = readdir(list)) != NULL;) {
        struct stat info;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            fstatat(copy, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0 ||
            info.st_dev != change->device) {
            continue;
        }
        int failed = 0;
        if (S_ISDIR(info.st_mode) && depth < DEPTH_MAX) {
            auto_fd int below =
                openat(copy, entry->d_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            failed = below < 0 ? 0 : change_below(below, change, depth + 1);
        }
        int failed_one = change_one(copy, entry->d_name, &info, change);
        result = failed != 0 ? failed : failed_one != 0 ? failed_one : result;
    }
    closedir(list);
    return result;
}

static int change_all(int fd, struct change change)
{
    struct stat info;
    if (fstat(fd, &info) < 0) {
        return -errno;
    }
    change.device = info.st_dev;
    int result = S_ISDIR(info.st_mode) ? change_below(fd, &change, 0) : 0;
    int failed = change_one(fd, "", &info, &change);
    return failed != 0 ? failed : result;
}

int lend_give(const struct lend *lend)
{
    return change_all(lend->fd,
                      (struct change){.from = lend->owner, .to = lend->worker, .is_lent = true});
}

int lend_take_back(const struct lend *lend)
{
    return change_all(
        lend->fd, (struct change){.from = lend->worker, .to = lend->owner, .group = lend->group});
}

// --- Records ----------------------------------------------------------------------------------

// Both folders are only ours: who could write them could have owners changed.
static int open_folder(bool is_made)
{
    char parent[PATH_MAX];
    snprintf(parent, sizeof parent, "%s", folder_path);
    *strrchr(parent, '/') = '\0';
    if (is_made && ((mkdir(parent, 0700) < 0 && errno != EEXIST) ||
                    (mkdir(folder_path, 0700) < 0 && errno != EEXIST))) {
        return -errno;
    }
    auto_fd int fd = open(folder_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat info;
    struct stat above;
    if (fd < 0 || fstat(fd, &info) < 0 || stat(parent, &above) < 0) {
        return -errno;
    }
    bool is_ours = info.st_uid == geteuid() && (info.st_mode & 0077) == 0 &&
                   above.st_uid == geteuid() && (above.st_mode & 0022) == 0;
    return is_ours ? steal_fd(&fd) : -EPERM;
}

// Paths mean what they mean in one mount namespace: whoever is in another one leaves it alone.
static unsigned long long namespace_number(void)
{
    struct stat info;
    return stat("/proc/self/ns/mnt", &info) == 0 ? info.st_ino : 0;
}

// A new file, locked. Somebody else may sweep it away between the two.
static int make_record(struct lend *lend, int *out_folder)
{
    static unsigned count;
    for (int i = 0; i < TRIES; i++) {
        auto_fd int folder = open_folder(true);
        if (folder < 0 && folder != -ENOENT) {
            return folder;
        }
        snprintf(lend->name, sizeof lend->name, "%d-%u", (int)getpid(), ++count);
        auto_fd int fd =
            folder < 0 ? -1
                       : openat(folder, lend->name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
            faccessat(folder, lend->name, F_OK, 0) == 0) {
            *out_folder = steal_fd(&folder);
            return steal_fd(&fd);
        }
    }
    return -EAGAIN;
}

static int write_record(struct lend *lend, const struct stat *info, const char *path)
{
    auto_fd int folder = -1;
    auto_fd int fd = make_record(lend, &folder);
    if (fd < 0) {
        return fd;
    }
    char text[RECORD_BYTES];
    int length =
        snprintf(text, sizeof text, "%u %u %u %llu %llu %llu %s", (unsigned)lend->owner,
                 (unsigned)lend->group, (unsigned)lend->worker, (unsigned long long)info->st_dev,
                 (unsigned long long)info->st_ino, namespace_number(), path);
    int failed = length >= RECORD_BYTES ? -ENAMETOOLONG : fd_write_all(fd, text, (size_t)length);
    if (failed != 0) {
        unlinkat(folder, lend->name, 0);
        return failed;
    }
    lend->record_fd = steal_fd(&fd);
    return 0;
}

int lend_open(int fd, const char *path, uid_t user, uid_t worker, struct lend *out_lend)
{
    struct stat info;
    if (fstat(fd, &info) < 0) {
        return -errno;
    }
    struct lend lend = {
        .owner = user == 0 ? info.st_uid : user, .group = info.st_gid, .worker = worker};
    lend.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (lend.fd < 0) {
        return -errno;
    }
    int failed = write_record(&lend, &info, path);
    if (failed != 0) {
        cleanup_fd(&lend.fd);
        return failed;
    }
    *out_lend = lend;
    return 0;
}

static void remove_record(const char *name)
{
    auto_fd int folder = open_folder(false);
    if (folder >= 0) {
        unlinkat(folder, name, 0);
        // Gone when it was the last one.
        rmdir(folder_path);
    }
}

void lend_close(struct lend *lend)
{
    remove_record(lend->name);
    cleanup_fd(&lend->record_fd);
    cleanup_fd(&lend->fd);
}

// What is at the path by now is given back only when it still is what was lent. Returns false when
// it is for another one to do.
static bool sweep_one(int record_fd, unsigned *count)
{
    char text[RECORD_BYTES];
    ssize_t got = pread(record_fd, text, sizeof text - 1, 0);
    text[got > 0 ? got : 0] = '\0';
    unsigned owner;
    unsigned group;
    unsigned worker;
    unsigned long long device;
    unsigned long long inode;
    unsigned long long space;
    int path_at = 0;
    if (sscanf(text, "%u %u %u %llu %llu %llu %n", &owner, &group, &worker, &device, &inode, &space,
               &path_at) != 6 ||
        path_at == 0) {
        return true;
    }
    if (space != namespace_number()) {
        return false;
    }
    auto_fd int fd = open(text + path_at, O_PATH | O_CLOEXEC);
    struct stat info;
    if (fd >= 0 && fstat(fd, &info) == 0 && info.st_dev == device && info.st_ino == inode) {
        *count += change_all(fd, (struct change){.from = worker, .to = owner, .group = group}) == 0;
    }
    return true;
}

unsigned lend_sweep(void)
{
    auto_fd int folder = open_folder(false);
    int copy = folder >= 0 ? openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
    if (list == NULL) {
        cleanup_fd(&copy);
        return 0;
    }
    unsigned count = 0;
    for (const struct dirent *entry; (entry = readdir(list)) != NULL;) {
        auto_fd int fd = openat(folder, entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        struct stat info;
        if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode) ||
            flock(fd, LOCK_EX | LOCK_NB) < 0) {
            continue;
        }
        if (sweep_one(fd, &count)) {
            unlinkat(folder, entry->d_name, 0);
        }
    }
    closedir(list);
    rmdir(folder_path);
    return count;
}
