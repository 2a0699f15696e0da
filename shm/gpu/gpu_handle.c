// SPDX-License-Identifier: Apache-2.0
// Looks at descriptors before a driver does: some drivers wait for ever in what is no memory, and
// believe whatever is written in what is.
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "shm/gpu/gpu_state.h"

#define VENDOR_NVIDIA 0x10de
#define NVIDIA_MAJOR 195
#define NVIDIA_CONTROL_MINOR 255
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)

// Memory of a driver that computes on the CPU: a memfd that can neither shrink nor grow.
static const char *memfd_fault(int fd, const struct stat *info, uint64_t size_bytes)
{
    int seals = fcntl(fd, F_GET_SEALS);
    if (!S_ISREG(info->st_mode)) {
        return "is no memory";
    }
    if (seals < 0) {
        return "is a file, and no memory";
    }
    if ((seals & SEALS) != SEALS) {
        return "is memory that can still shrink";
    }
    return (uint64_t)info->st_size < size_bytes ? "is smaller than what was said" : NULL;
}

// The size of such memory is not to be seen: the driver refuses what does not fit.
static const char *nvidia_fault(const struct stat *info)
{
    bool is_control = S_ISCHR(info->st_mode) && major(info->st_rdev) == NVIDIA_MAJOR &&
                      minor(info->st_rdev) == NVIDIA_CONTROL_MINOR;
    return is_control ? NULL : "is not of NVIDIA's driver";
}

static const char *dma_buf_fault(int fd, uint64_t size_bytes)
{
    struct statfs filesystem;
    if (fstatfs(fd, &filesystem) != 0 || filesystem.f_type != DMA_BUF_MAGIC) {
        return "is no DMA-BUF";
    }
    off_t end = lseek(fd, 0, SEEK_END);
    return end < 0 || (uint64_t)end < size_bytes ? "is smaller than what was said" : NULL;
}

const char *gpu_handle_fault(const struct sb_gpu_device *device, int fd, uint64_t size_bytes)
{
    struct stat info;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fstat(fd, &info) != 0) {
        return "is not open";
    }
    if ((flags & O_PATH) != 0 || (flags & O_ACCMODE) != O_RDWR) {
        return "cannot be read and written";
    }
    if (device->is_software) {
        return memfd_fault(fd, &info, size_bytes);
    }
    return device->vendor == VENDOR_NVIDIA ? nvidia_fault(&info) : dma_buf_fault(fd, size_bytes);
}
