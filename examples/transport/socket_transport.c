// SPDX-License-Identifier: Apache-2.0
// A transport over Unix sockets: `transport: socket` on a link sends payloads through the kernel.
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <streambroker/transport_messages.h>

#define READERS_MAX 8

struct end {
    int fd;  // of the writer: listens; of the reader: connected
    struct sockaddr_un address;
    socklen_t address_bytes;
    int readers[READERS_MAX];  // of the writer: connections
    int reader_count;
    int sent_count;  // readers that have the message which is being sent
};

static int open_end(void *channel, const struct sb_transport_end *how, int is_writer)
{
    struct end *end = channel;
    // An abstract name: it leaves no file behind.
    end->address.sun_family = AF_UNIX;
    int length =
        snprintf(end->address.sun_path + 1, sizeof end->address.sun_path - 1, "%s", how->address);
    end->address_bytes = (socklen_t)(sizeof(sa_family_t) + 1 + (size_t)length);
    end->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool is_bad =
        end->fd < 0 ||
        (is_writer && (bind(end->fd, (struct sockaddr *)&end->address, end->address_bytes) < 0 ||
                       listen(end->fd, READERS_MAX) < 0));
    return is_bad ? -errno : 0;
}

static void close_end(void *channel)
{
    struct end *end = channel;
    for (int i = 0; i < end->reader_count; i++) {
        close(end->readers[i]);
    }
    close(end->fd);
}

static int is_attached(void *channel)
{
    struct end *end = channel;
    if (connect(end->fd, (struct sockaddr *)&end->address, end->address_bytes) == 0 ||
        errno == EISCONN) {
        return 1;
    }
    return errno == ECONNREFUSED || errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

// Who connected before this message gets it: that is what is_attached() promises.
static void accept_readers(struct end *end)
{
    int fd = 0;
    while (end->reader_count < READERS_MAX && fd >= 0) {
        fd = accept4(end->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        end->readers[end->reader_count] = fd;
        end->reader_count += fd >= 0 ? 1 : 0;
    }
}

static int send_message(void *channel, const void *bytes, size_t size_bytes)
{
    struct end *end = channel;
    if (end->sent_count == 0) {
        accept_readers(end);
    }
    while (end->sent_count < end->reader_count) {
        int *reader = &end->readers[end->sent_count];
        if (send(*reader, bytes, size_bytes, MSG_NOSIGNAL) >= 0) {
            end->sent_count++;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            return -EAGAIN;  // goes on with this reader when there is room
        } else {
            close(*reader);  // it is gone
            *reader = end->readers[--end->reader_count];
        }
    }
    end->sent_count = 0;
    return 0;
}

static ssize_t receive(void *channel, void *bytes, size_t size_bytes)
{
    struct end *end = channel;
    ssize_t got = recv(end->fd, bytes, size_bytes, 0);
    // A payload is in the socket before its cell is written: what is not there is lost.
    return got > 0 ? got : -ENODATA;
}

static const struct sb_messages sockets = {.channel_bytes = sizeof(struct end),
                                           .open = open_end,
                                           .is_attached = is_attached,
                                           .send = send_message,
                                           .receive = receive,
                                           .close = close_end};

SB_TRANSPORT_OF_MESSAGES("socket", sockets, .payload_bytes_max = 65536, .readers_max = READERS_MAX);
