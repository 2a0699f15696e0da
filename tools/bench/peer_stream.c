// SPDX-License-Identifier: Apache-2.0
// Peers of the system: a Unix socket and a pipe. Every byte is copied into the kernel and out.
#include "tools/bench/peers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "tools/bench/stamp.h"

#define BUFFER_BYTES (1 << 20)

// Two ways, and a pair per reader of way 0: [way][reader][0 = read, 1 = write].
struct stream_fds {
    int fds[2][PAIR_READERS_MAX][2];
};

struct stream_end {
    const struct pair_shape *shape;
    const struct stream_fds *all;
    int reader;
    unsigned way;
    uint8_t *bytes;
};

static int make(struct pair_room *room, int (*make_one)(int fds[2]))
{
    struct stream_fds *all = calloc(1, sizeof *all);
    if (all == NULL) {
        return -ENOMEM;
    }
    room->state = all;
    for (unsigned way = 0; way < 2; way++) {
        for (uint32_t reader = 0; reader < room->shape->readers; reader++) {
            int *fds = all->fds[way][reader];
            if (make_one(fds) != 0) {
                return -errno;
            }
            bool is_blocking = room->shape->is_sleeping;
            fd_set_blocking(fds[0], is_blocking);
            fd_set_blocking(fds[1], is_blocking);
        }
    }
    return 0;
}

static int make_pipe(int fds[2])
{
    int failed = pipe2(fds, O_CLOEXEC);
    if (failed == 0) {
        (void)fcntl(fds[1], F_SETPIPE_SZ, BUFFER_BYTES);
    }
    return failed;
}

static int make_socket(int fds[2])
{
    int failed = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
    int size = BUFFER_BYTES;
    if (failed == 0) {
        setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    }
    return failed;
}

static int pipe_prepare(struct pair_room *room)
{
    return make(room, make_pipe);
}

static int socket_prepare(struct pair_room *room)
{
    return make(room, make_socket);
}

static void finish(struct pair_room *room)
{
    struct stream_fds *all = room->state;
    for (unsigned way = 0; way < 2; way++) {
        for (uint32_t reader = 0; reader < room->shape->readers; reader++) {
            close(all->fds[way][reader][0]);
            close(all->fds[way][reader][1]);
        }
    }
    free(all);
}

static void *open_end(struct pair_room *room, unsigned way, int reader)
{
    struct stream_end *end = calloc(1, sizeof *end);
    if (end == NULL) {
        return NULL;
    }
    *end =
        (struct stream_end){.shape = room->shape, .all = room->state, .reader = reader, .way = way};
    end->bytes = aligned_alloc(64, (room->shape->size + 63) / 64 * 64);
    if (end->bytes != NULL) {
        memset(end->bytes, 0, room->shape->size);
    }
    return end;
}

static int write_fully(int fd, const uint8_t *bytes, uint64_t count)
{
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);
        if (written < 0 && errno != EAGAIN && errno != EINTR) {
            return -errno;
        }
        bytes += written > 0 ? written : 0;
        count -= written > 0 ? (uint64_t)written : 0;
    }
    return 0;
}

static int send_bytes(void *context, uint64_t tag)
{
    struct stream_end *end = context;
    if (end->shape->is_touched) {
        stamp_write_all(end->bytes, end->shape->size, tag);
    }
    memcpy(end->bytes, &tag, sizeof tag);
    for (uint32_t i = 0; i < end->shape->readers; i++) {
        int failed = write_fully(end->all->fds[end->way][i][1], end->bytes, end->shape->size);
        if (failed != 0) {
            return failed;
        }
    }
    return 0;
}

static int receive_bytes(void *context, uint64_t *out_tag)
{
    struct stream_end *end = context;
    int fd = end->all->fds[end->way][end->reader][0];
    uint64_t count = 0;
    while (count < end->shape->size) {
        ssize_t got = read(fd, end->bytes + count, end->shape->size - count);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            return -EPIPE;
        }
        count += got > 0 ? (uint64_t)got : 0;
    }
    memcpy(out_tag, end->bytes, sizeof *out_tag);
    if (end->shape->is_touched) {
        volatile uint64_t sum = stamp_read_all(end->bytes, end->shape->size);
        (void)sum;
    }
    return 0;
}

static void close_end(void *context)
{
    struct stream_end *end = context;
    free(end->bytes);
    free(end);
}

static const char *missing(const struct pair_shape *shape)
{
    (void)shape;
    return NULL;
}

const struct pair_peer peer_stream_pipe = {
    .name = "pipe",
    .package = "",
    .missing = missing,
    .prepare = pipe_prepare,
    .open = open_end,
    .send = send_bytes,
    .receive = receive_bytes,
    .close = close_end,
    .finish = finish,
};

const struct pair_peer peer_stream_socket = {
    .name = "socket",
    .package = "",
    .missing = missing,
    .prepare = socket_prepare,
    .open = open_end,
    .send = send_bytes,
    .receive = receive_bytes,
    .close = close_end,
    .finish = finish,
};
