// SPDX-License-Identifier: Apache-2.0
// Looks at owner and mode of what is open already, so that nothing can be swapped in between.
#include "sandbox/trust_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

int trust_owner_check(int fd, struct diag *out_why)
{
    struct stat info;
    if (fstat(fd, &info) < 0) {
        return -errno;
    }
    if (info.st_uid != 0 && info.st_uid != geteuid()) {
        diag_set(out_why, "it belongs to user %u, which is neither root nor user %u of the broker",
                 (unsigned)info.st_uid, (unsigned)geteuid());
        return -EPERM;
    }
    // With an access control list the bits of the group are the most that anybody named in it has.
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        diag_set(out_why, "others than its owner may write it (mode %03o); chmod go-w",
                 (unsigned)(info.st_mode & 0777));
        return -EPERM;
    }
    return 0;
}

static int say(int failed, struct diag *out_why)
{
    diag_set(out_why, "%s", strerror(-failed));
    return failed;
}

int trust_owner_read(int folder_fd, const char *name, size_t size_max, char **out_bytes,
                     size_t *out_count, struct diag *out_why)
{
    auto_fd int fd =
        openat(folder_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0) {
        return say(-errno, out_why);
    }
    if (!S_ISREG(info.st_mode)) {
        diag_set(out_why, "it is not an ordinary file");
        return -EINVAL;
    }
    int failed = trust_owner_check(fd, out_why);
    if (failed != 0) {
        return failed;
    }
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    failed = fd_read_file(path, size_max, out_bytes, out_count);
    return failed == 0 ? 0 : say(failed, out_why);
}
