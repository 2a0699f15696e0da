// SPDX-License-Identifier: Apache-2.0
// A user per worker, held by an abstract socket: the kernel gives it back whoever dies.
#include "sandbox/launcher_uid.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

static struct {
    uid_t first;
    uid_t last;
    uid_t next;
} range = {LAUNCHER_UID_FIRST, LAUNCHER_UID_LAST, LAUNCHER_UID_FIRST};

void launcher_uid_set_range(uid_t first, uid_t last)
{
    range.first = first;
    range.last = last;
    range.next = first;
}

static bool has_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    if (syscall(SYS_capget, &header, data) < 0) {
        return false;
    }
    const uint32_t needed = 1U << CAP_SETUID | 1U << CAP_SETGID | 1U << CAP_KILL;
    return (data[0].effective & needed) == needed;
}

// In a user namespace only the numbers of its map exist.
static bool is_mapped(uid_t uid)
{
    auto_file FILE *map = fopen("/proc/self/uid_map", "re");
    unsigned inside;
    unsigned outside;
    unsigned count;
    while (map != NULL && fscanf(map, "%u %u %u", &inside, &outside, &count) == 3) {
        if (uid >= inside && uid - inside < count) {
            return true;
        }
    }
    return false;
}

static int claim(uid_t uid, int *out_claim)
{
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "streambroker-uid-%u",
                          (unsigned)uid);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    if (bind(fd, (const struct sockaddr *)&address, size) < 0) {
        return -errno;
    }
    *out_claim = steal_fd(&fd);
    return 0;
}

int launcher_uid_claim(uid_t *out_uid, int *out_claim)
{
    if (!has_capabilities() || !is_mapped(range.first) || !is_mapped(range.last)) {
        return -EPERM;
    }
    // One after the other: a number rests for as long as possible before it is used again.
    for (uid_t tried = range.first; tried <= range.last; tried++) {
        uid_t uid = range.next;
        range.next = uid == range.last ? range.first : uid + 1;
        int result = claim(uid, out_claim);
        if (result != -EADDRINUSE) {
            *out_uid = uid;
            return result;
        }
    }
    return -EAGAIN;
}

bool launcher_uid_can_claim(void)
{
    uid_t uid;
    auto_fd int claim_fd = -1;
    return launcher_uid_claim(&uid, &claim_fd) == 0;
}

static size_t add_group(const struct stat *info, gid_t *groups, size_t count)
{
    if (!S_ISCHR(info->st_mode) || info->st_gid == 0 || count == LAUNCHER_UID_GROUPS_MAX) {
        return count;
    }
    for (size_t i = 0; i < count; i++) {
        if (groups[i] == info->st_gid) {
            return count;
        }
    }
    groups[count] = info->st_gid;
    return count + 1;
}

size_t launcher_uid_add_groups(const char *device, gid_t *groups, size_t count)
{
    struct stat info;
    if (stat(device, &info) < 0) {
        return count;
    }
    DIR *folder = S_ISDIR(info.st_mode) ? opendir(device) : NULL;
    if (folder == NULL) {
        return add_group(&info, groups, count);
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
            count = add_group(&info, groups, count);
        }
    }
    closedir(folder);
    return count;
}

int launcher_uid_become(uid_t uid, const gid_t *groups, size_t group_count)
{
    if (setgroups(group_count, groups) < 0 || setresgid(uid, uid, uid) < 0 ||
        setresuid(uid, uid, uid) < 0) {
        return -errno;
    }
    return 0;
}
