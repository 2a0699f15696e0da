// SPDX-License-Identifier: Apache-2.0
// A sealed, executable memfd with the bytes of a file.
#include "sandbox/sealed_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

// Linux 6.3; the headers of Debian 12 are older.
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

enum { PIECE_BYTES = 1 << 20, PROGRAM_MODE = 0555 };

static int make_memfd(void)
{
    int fd = memfd_create("sb-program", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (fd < 0 && errno == EINVAL) {
        fd = memfd_create("sb-program", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    }
    return fd < 0 ? -errno : fd;
}

static int copy_all(int from, int to, uint64_t size_max, uint64_t *out_size_bytes)
{
    uint64_t size_bytes = 0;
    off_t at = 0;
    for (;;) {
        ssize_t count = sendfile(to, from, &at, PIECE_BYTES);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return -errno;
        }
        if (count == 0) {
            *out_size_bytes = size_bytes;
            return 0;
        }
        size_bytes += (uint64_t)count;
        if (size_bytes > size_max) {
            return -EFBIG;
        }
    }
}

// The descriptor that wrote would make exec fail with ETXTBSY.
static int open_again(int fd)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int again = open(path, O_RDONLY | O_CLOEXEC);
    return again < 0 ? -errno : again;
}

int sealed_copy(int fd, uint64_t size_max, int *out_memfd, uint64_t *out_size_bytes)
{
    int made = make_memfd();
    if (made < 0) {
        return made;
    }
    auto_fd int memfd = made;
    uint64_t size_bytes = 0;
    int failed = copy_all(fd, memfd, size_max, &size_bytes);
    if (failed != 0) {
        return failed;
    }
    if (fchmod(memfd, PROGRAM_MODE) < 0 ||
        fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
        return -errno;
    }
    int again = open_again(memfd);
    if (again < 0) {
        return again;
    }
    *out_memfd = again;
    *out_size_bytes = size_bytes;
    return 0;
}
