// SPDX-License-Identifier: Apache-2.0
// Messages with descriptors over Unix sockets, and whole reads and writes.
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"

int fd_send_message(int socket, const void *bytes, size_t size_bytes, const int *fds,
                    size_t fd_count)
{
    SB_ASSERT(fd_count <= FD_MESSAGE_FDS_MAX);
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * FD_MESSAGE_FDS_MAX)] = {0};
    struct iovec part = {.iov_base = (void *)(size_t)bytes, .iov_len = size_bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
    }
    for (;;) {
        ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            return (size_t)sent == size_bytes ? 0 : -EMSGSIZE;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        close(fds[i]);
    }
}

// Takes the descriptors out of a received message, however many control messages hold them.
static size_t collect_fds(struct msghdr *message, int *fds, size_t fd_max, bool *out_is_excess)
{
    size_t count = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
            if (count < fd_max) {
                fds[count++] = fd;
            } else {
                // CMSG_SPACE rounds up, so the kernel may install one more than was asked for.
                close(fd);
                *out_is_excess = true;
            }
        }
    }
    return count;
}

int fd_receive_message(int socket, void *bytes, size_t size_bytes, int *out_fds, size_t fd_max,
                       size_t *out_fd_count)
{
    SB_ASSERT(fd_max <= FD_MESSAGE_FDS_MAX);
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * FD_MESSAGE_FDS_MAX)];
    int fds[FD_MESSAGE_FDS_MAX];
    struct iovec part = {.iov_base = bytes, .iov_len = size_bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_max > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_max);
    }
    ssize_t received;
    do {
        received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (received < 0 && errno == EINTR);
    if (received < 0) {
        return -errno;
    }
    bool is_excess = false;
    size_t count = fd_max > 0 ? collect_fds(&message, fds, fd_max, &is_excess) : 0;
    // An empty datagram looks like the end of the connection; nobody would close what it carries.
    is_excess = is_excess || (received == 0 && count > 0);
    if (is_excess || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        close_all(fds, count);
        return -EPROTO;
    }
    if (count > 0) {
        memcpy(out_fds, fds, count * sizeof(int));
    }
    if (out_fd_count != NULL) {
        *out_fd_count = count;
    }
    return (int)received;
}

int fd_fill_standard(void)
{
    int fd;
    do {
        // The lowest one that is free: without O_CLOEXEC, as those three are inherited.
        fd = open("/dev/null", O_RDWR);
        if (fd < 0) {
            return -errno;
        }
    } while (fd <= STDERR_FILENO);
    close(fd);
    return 0;
}

static int change_flag(int fd, int get, int set, int flag, bool is_on)
{
    int flags = fcntl(fd, get);
    if (flags < 0) {
        return -errno;
    }
    int wanted = is_on ? flags | flag : flags & ~flag;
    return fcntl(fd, set, wanted) < 0 ? -errno : 0;
}

int fd_set_blocking(int fd, bool is_blocking)
{
    return change_flag(fd, F_GETFL, F_SETFL, O_NONBLOCK, !is_blocking);
}

int fd_set_inheritable(int fd, bool is_inheritable)
{
    return change_flag(fd, F_GETFD, F_SETFD, FD_CLOEXEC, !is_inheritable);
}

int fd_write_all(int fd, const void *bytes, size_t count)
{
    const char *from = bytes;
    while (count > 0) {
        ssize_t written = write(fd, from, count);
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return -errno;
        }
        from += written;
        count -= (size_t)written;
    }
    return 0;
}

// Waits for bytes, or for the end of a pipe. Returns 0, or -ETIMEDOUT at the deadline.
static int wait_readable(int fd, int64_t deadline_ns)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    for (;;) {
        int64_t left_ns = deadline_ns - clock_now_ns();
        int ready = left_ns <= 0 ? 0 : poll(&wanted, 1, (int)(left_ns / CLOCK_NS_PER_MS) + 1);
        if (ready >= 0) {
            return ready > 0 ? 0 : -ETIMEDOUT;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

// The size of a pipe or a file in /proc is not known before: reads until it ends or is too big.
static int read_to_end(int fd, size_t size_max, int64_t deadline_ns, bool is_pipe, char *bytes,
                       size_t *out_count)
{
    size_t count = 0;
    bool is_waited = false;
    while (count <= size_max) {
        ssize_t got = read(fd, bytes + count, size_max + 1 - count);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno != EAGAIN) {
            return -errno;
        }
        // A pipe into which nobody has written yet looks like one that has ended.
        bool is_early = is_pipe && got == 0 && count == 0 && !is_waited;
        if (got == 0 && !is_early) {
            break;
        }
        if (got > 0) {
            count += (size_t)got;
            continue;
        }
        int failed = wait_readable(fd, deadline_ns);
        if (failed != 0) {
            return failed;
        }
        is_waited = true;
    }
    *out_count = count;
    return count > size_max ? -EFBIG : 0;
}

static int read_opened(int fd, size_t size_max, int64_t wait_ns, char **out_bytes,
                       size_t *out_count)
{
    struct stat info;
    if (fstat(fd, &info) < 0) {
        return -errno;
    }
    if (S_ISDIR(info.st_mode)) {
        return -EISDIR;
    }
    if (wait_ns == 0 && !S_ISREG(info.st_mode)) {
        return -ENOTSUP;
    }
    auto_free char *bytes = malloc(size_max + 2);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    size_t count = 0;
    int failed =
        read_to_end(fd, size_max, clock_now_ns() + wait_ns, S_ISFIFO(info.st_mode), bytes, &count);
    if (failed != 0) {
        return failed;
    }
    bytes[count] = '\0';
    *out_bytes = steal_pointer(&bytes);
    *out_count = count;
    return 0;
}

int fd_read_file_within(const char *path, size_t size_max, int64_t wait_ns, char **out_bytes,
                        size_t *out_count)
{
    SB_ASSERT(wait_ns >= 0 && wait_ns <= FD_READ_WAIT_NS_MAX);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    return fd < 0 ? -errno : read_opened(fd, size_max, wait_ns, out_bytes, out_count);
}

int fd_read_file(const char *path, size_t size_max, char **out_bytes, size_t *out_count)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    return fd < 0 ? -errno : read_opened(fd, size_max, FD_READ_WAIT_NS_MAX, out_bytes, out_count);
}
