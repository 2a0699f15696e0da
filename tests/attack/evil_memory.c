// SPDX-License-Identifier: Apache-2.0
// Every way to get more than reading out of a descriptor that is for reading.
#include "attack/evil_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static void tried(const char *what, bool is_allowed)
{
    printf("%s %s\n", is_allowed ? "allowed" : "denied", what);
    fflush(stdout);
}

static void try_mappings(int fd, size_t size_bytes)
{
    void *bytes = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    tried("map for writing", bytes != MAP_FAILED);
    bytes = mmap(NULL, size_bytes, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    tried("map for executing", bytes != MAP_FAILED);
    bytes = mmap(NULL, size_bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) {
        tried("map for reading", false);
        return;
    }
    tried("protect for writing", mprotect(bytes, size_bytes, PROT_READ | PROT_WRITE) == 0);
    tried("protect for executing", mprotect(bytes, size_bytes, PROT_READ | PROT_EXEC) == 0);
    tried("MADV_REMOVE", madvise(bytes, size_bytes, MADV_REMOVE) == 0);
    tried("MADV_POPULATE_WRITE", madvise(bytes, size_bytes, 23) == 0);
    struct iovec part = {bytes, 8};
    char ours[8] = {1};
    struct iovec from = {ours, 8};
    tried("write by the kernel", process_vm_writev(getpid(), &from, 1, &part, 1, 0) > 0);
    // The kernel writes what it reads into memory that may not be written.
    int random = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    tried("read into it", random >= 0 && read(random, bytes, 8) > 0);
    tried("futex requeue",
          syscall(SYS_futex, bytes, 3, 1, (void *)(uintptr_t)1, (char *)bytes + 4, 0) >= 0);
}

static void try_descriptor(int fd, off_t size_bytes)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    tried("open again", open(path, O_RDWR | O_CLOEXEC) >= 0);
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    tried("open again by /dev", open(path, O_RDWR | O_CLOEXEC) >= 0);
    tried("write", pwrite(fd, "x", 1, 0) >= 0);
    tried("shrink", ftruncate(fd, 0) == 0);
    tried("grow", ftruncate(fd, size_bytes * 2) == 0);
    tried("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, size_bytes) == 0);
    tried("seal", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
    tried("change the flags", fcntl(fd, F_SETFL, O_APPEND) == 0 && pwrite(fd, "x", 1, 0) >= 0);
    tried("lease", fcntl(fd, F_SETLEASE, F_WRLCK) == 0);
    tried("make it executable", fchmod(fd, 0777) == 0 && pwrite(fd, "x", 1, 0) >= 0);
    // Locks are harmless, because nobody else ever asks for one: tried, and not judged.
    struct flock lock = {.l_type = F_RDLCK};
    flock(fd, LOCK_EX | LOCK_NB);
    fcntl(fd, F_SETLK, &lock);
    fcntl(fd, F_OFD_SETLK, &lock);
}

void evil_memory_attack(int fd)
{
    struct stat info;
    if (fstat(fd, &info) < 0) {
        tried("look at it", false);
        return;
    }
    try_descriptor(fd, info.st_size);
    try_mappings(fd, (size_t)info.st_size);
}
