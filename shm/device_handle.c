// SPDX-License-Identifier: Apache-2.0
// Looks at descriptors before a driver does: some drivers wait for ever in what is no memory, and
// believe whatever is written in what is.
#include "shm/device_handle.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define VENDOR_NVIDIA 0x10de
#define NVIDIA_MAJOR 195
#define NVIDIA_CONTROL_MINOR 255
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)

enum device_handle_kind device_handle_kind(bool is_software, uint32_t vendor)
{
    if (is_software) {
        return DEVICE_HANDLE_MEMORY;
    }
    return vendor == VENDOR_NVIDIA ? DEVICE_HANDLE_NVIDIA : DEVICE_HANDLE_DMA_BUF;
}

// What the kernel knows already: a file system in user space is not asked, so it cannot hold us up.
static int look(int fd, struct statx *out_info)
{
    int flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
    return statx(fd, "", flags, STATX_TYPE | STATX_SIZE | STATX_BLOCKS, out_info);
}

static const char *memory_fault(int fd, const struct statx *info, uint64_t size_bytes)
{
    if (!S_ISREG(info->stx_mode)) {
        return "is no memory";
    }
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0) {
        return "is a file, and no memory";
    }
    if ((seals & SEALS) != SEALS) {
        return "is memory that can still shrink";
    }
    if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0) {
        return "is memory that cannot be written";
    }
    return info->stx_size < size_bytes ? "is smaller than what was said" : NULL;
}

// The size of such memory is not to be seen: the driver refuses what does not fit.
static const char *nvidia_fault(const struct statx *info)
{
    bool is_control = S_ISCHR(info->stx_mode) && info->stx_rdev_major == NVIDIA_MAJOR &&
                      info->stx_rdev_minor == NVIDIA_CONTROL_MINOR;
    return is_control ? NULL : "is not of NVIDIA's driver";
}

static bool is_dma_buf(int fd)
{
    struct statfs filesystem;
    return fstatfs(fd, &filesystem) == 0 && filesystem.f_type == DMA_BUF_MAGIC;
}

static const char *dma_buf_fault(int fd, const struct statx *info, uint64_t size_bytes)
{
    // It has neither blocks nor a device; what has is a file, whose system is not asked.
    bool is_file = S_ISDIR(info->stx_mode) || S_ISCHR(info->stx_mode) || S_ISBLK(info->stx_mode) ||
                   info->stx_blocks != 0;
    if (is_file || !is_dma_buf(fd)) {
        return "is no DMA-BUF";
    }
    off_t end = lseek(fd, 0, SEEK_END);
    return end < 0 || (uint64_t)end < size_bytes ? "is smaller than what was said" : NULL;
}

const char *device_handle_fault(enum device_handle_kind kind, int fd, uint64_t size_bytes)
{
    struct statx info;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0) {
        return "is not open";
    }
    if ((flags & O_PATH) != 0 || (flags & O_ACCMODE) != O_RDWR) {
        return "cannot be read and written";
    }
    if (look(fd, &info) != 0) {
        return "is not open";
    }
    switch (kind) {
    case DEVICE_HANDLE_MEMORY:
        return memory_fault(fd, &info, size_bytes);
    case DEVICE_HANDLE_NVIDIA:
        return nvidia_fault(&info);
    case DEVICE_HANDLE_DMA_BUF:
        break;
    }
    return dma_buf_fault(fd, &info, size_bytes);
}

const char *device_handle_counter_fault(enum device_handle_kind kind, int fd)
{
    struct statx info;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & O_PATH) != 0 || look(fd, &info) != 0) {
        return "is not open";
    }
    if (kind == DEVICE_HANDLE_NVIDIA) {
        return nvidia_fault(&info);
    }
    // Others have a file of nobody's file system: it has no blocks, no size and no kind of its own.
    bool is_file = S_ISDIR(info.stx_mode) || S_ISCHR(info.stx_mode) || S_ISBLK(info.stx_mode) ||
                   S_ISFIFO(info.stx_mode) || S_ISSOCK(info.stx_mode) || info.stx_size != 0 ||
                   info.stx_blocks != 0 || fcntl(fd, F_GET_SEALS) >= 0;
    return is_file ? "is no semaphore" : NULL;
}

uint64_t device_handle_bytes(enum device_handle_kind kind, int fd, uint64_t said_bytes)
{
    struct statx info;
    off_t end = -1;
    if (kind == DEVICE_HANDLE_MEMORY && look(fd, &info) == 0) {
        end = (off_t)info.stx_size;
    } else if (kind == DEVICE_HANDLE_DMA_BUF) {
        end = lseek(fd, 0, SEEK_END);
    }
    return end > 0 && (uint64_t)end > said_bytes ? (uint64_t)end : said_bytes;
}
