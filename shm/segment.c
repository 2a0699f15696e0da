// SPDX-License-Identifier: Apache-2.0
// memfds: created whole, sealed, one writer, any number of readers.
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "schemas/limits.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

#define SEALS_SIZE (F_SEAL_SHRINK | F_SEAL_GROW)
#define SEALS_ALL (SEALS_SIZE | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL)

// Linux 6.3 can forbid execution as well; older kernels refuse the flag.
static int create_memfd(const char *name, unsigned flags)
{
    int fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL) {
        fd = memfd_create(name, flags);
    }
    return fd < 0 ? -errno : fd;
}

static int fill(int fd, uint64_t size_bytes)
{
    if (fchmod(fd, 0600) < 0 || ftruncate(fd, (off_t)size_bytes) < 0) {
        return -errno;
    }
    int failed;
    do {
        failed = fallocate(fd, 0, 0, (off_t)size_bytes) < 0 ? -errno : 0;
    } while (failed == -EINTR);
    if (failed == 0 && fcntl(fd, F_ADD_SEALS, SEALS_SIZE) < 0) {
        failed = -errno;
    }
    return failed == -ENOSPC ? -ENOMEM : failed;
}

static int create(const char *name, uint64_t size_bytes, uint64_t page_bytes, unsigned flags,
                  uint64_t *out_size_bytes)
{
    uint64_t rounded = (size_bytes + page_bytes - 1) / page_bytes * page_bytes;
    auto_fd int fd = create_memfd(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
    if (fd < 0) {
        return fd;
    }
    int failed = fill(fd, rounded);
    if (failed != 0) {
        return failed;
    }
    *out_size_bytes = rounded;
    return steal_fd(&fd);
}

int segment_create(const char *name, uint64_t size_bytes, enum segment_pages pages,
                   uint64_t *out_size_bytes)
{
    if (size_bytes == 0 || size_bytes > LIMIT_SEGMENT_BYTES_MAX) {
        return -EINVAL;
    }
    if (pages == SEGMENT_HUGE) {
        // Huge pages must be reserved by the administrator; without them normal ones do.
        int fd = create(name, size_bytes, SEGMENT_HUGE_BYTES, MFD_HUGETLB, out_size_bytes);
        if (fd >= 0) {
            return fd;
        }
    }
    return create(name, size_bytes, (uint64_t)sysconf(_SC_PAGESIZE), 0, out_size_bytes);
}

static int map(int fd, uint64_t size_bytes, int protection, int flags, void **out_bytes)
{
    void *bytes = mmap(NULL, size_bytes, protection, flags, fd, 0);
    if (bytes == MAP_FAILED) {
        return -errno;
    }
    // Rings of a crashed processor are of no use in its core file, and pools are large.
    madvise(bytes, size_bytes, MADV_DONTDUMP);
    *out_bytes = bytes;
    return 0;
}

static int check_size(int fd, uint64_t size_bytes)
{
    struct stat info;
    if (fstat(fd, &info) < 0) {
        return -errno;
    }
    // A mapping longer than its file is a SIGBUS that waits.
    bool is_right = S_ISREG(info.st_mode) && info.st_size >= 0 &&
                    (uint64_t)info.st_size == size_bytes && size_bytes > 0;
    return is_right ? 0 : -EPROTO;
}

int segment_map_initial(int fd, uint64_t size_bytes, void **out_bytes)
{
    return map(fd, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, out_bytes);
}

int segment_map_writer(int fd, uint64_t size_bytes, void **out_bytes)
{
    int failed = check_size(fd, size_bytes);
    if (failed != 0) {
        return failed;
    }
    return map(fd, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, out_bytes);
}

static int check_seals(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0) {
        return -EPROTO;  // no memfd at all
    }
    return (seals & ~F_SEAL_EXEC) == SEALS_ALL ? 0 : -EPROTO;
}

int segment_seal(int fd, uint64_t size_bytes)
{
    // The writer could have sealed it first (EPERM here): the check of the mask tells.
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0 && errno != EPERM) {
        return -errno;
    }
    int failed = check_seals(fd);
    if (failed == 0) {
        failed = check_size(fd, size_bytes);
    }
    struct stat info;
    if (failed == 0 && fstat(fd, &info) < 0) {
        failed = -errno;
    }
    // Between creation and sealing the writer could punch holes: readers would see zeros, and the
    // memory that was checked against the budget would be allocated a second time later.
    if (failed == 0 && (uint64_t)info.st_blocks * 512 < size_bytes) {
        failed = -EPROTO;
    }
    return failed;
}

int segment_open_reader(int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int reader = open(path, O_RDONLY | O_CLOEXEC);
    return reader < 0 ? -errno : reader;
}

int segment_map_reader(int fd, uint64_t size_bytes, const void **out_bytes)
{
    int failed = check_seals(fd);
    if (failed == 0) {
        failed = check_size(fd, size_bytes);
    }
    if (failed != 0) {
        return failed;
    }
    void *bytes;
    failed = map(fd, size_bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, &bytes);
    if (failed == 0) {
        *out_bytes = bytes;
    }
    return failed;
}

void segment_unmap(const void *bytes, uint64_t size_bytes)
{
    if (bytes != NULL) {
        int failed = munmap((void *)(uintptr_t)bytes, size_bytes);
        SB_ASSERT(failed == 0);
    }
}
