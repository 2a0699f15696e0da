// SPDX-License-Identifier: Apache-2.0
// A transport over Unix sockets: `transport: socket` on a link sends payloads through the kernel.
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <streambroker/transport.h>

#define PAYLOAD_MAX 65536
#define READERS_MAX 8

struct end {
    int fd;  // of the writer: listens; of the reader: connected
    struct sockaddr_un address;
    socklen_t address_bytes;
    int readers[READERS_MAX];  // of the writer: connections
    size_t reader_count;
    size_t sent_count;  // readers that have the message which is being sent
    void *next;         // of the reader: a message that was taken before its turn
};

// What goes over a connection, as one message.
struct message {
    uint64_t ticket;
    uint64_t size_bytes;
    uint8_t payload[];
};

static int open_end(const struct sb_transport_end *how, void **out_end)
{
    struct end *end = calloc(1, sizeof *end);
    if (end == NULL) {
        return -ENOMEM;
    }
    // An abstract name: it leaves no file behind.
    end->address.sun_family = AF_UNIX;
    int length =
        snprintf(end->address.sun_path + 1, sizeof end->address.sun_path - 1, "%s", how->address);
    end->address_bytes = (socklen_t)(sizeof(sa_family_t) + 1 + (size_t)length);
    end->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (end->fd < 0) {
        int error = errno;
        free(end);
        return -error;
    }
    *out_end = end;
    return 0;
}

static void close_end(void *context)
{
    struct end *end = context;
    for (size_t i = 0; i < end->reader_count; i++) {
        close(end->readers[i]);
    }
    close(end->fd);
    free(end->next);
    free(end);
}

static int open_writer(const struct sb_transport_end *how, void **out_writer)
{
    int failed = open_end(how, out_writer);
    struct end *end = *out_writer;
    if (failed == 0 && (bind(end->fd, (struct sockaddr *)&end->address, end->address_bytes) < 0 ||
                        listen(end->fd, READERS_MAX) < 0)) {
        failed = -errno;
        close_end(end);
    }
    return failed;
}

static int loan(void *writer, struct sb_transport_frame *frame)
{
    (void)writer;
    struct message *message = malloc(sizeof *message + frame->size_bytes);
    if (message == NULL) {
        return -ENOMEM;
    }
    frame->handle = message;
    frame->data = message->payload;
    return 0;
}

static void abandon(void *writer, struct sb_transport_frame *frame)
{
    (void)writer;
    free(frame->handle);
}

// Who connected before this frame gets it: that is what is_attached() promises.
static void accept_readers(struct end *end)
{
    int reader;
    while (end->reader_count < READERS_MAX &&
           (reader = accept4(end->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        end->readers[end->reader_count++] = reader;
    }
}

static int publish(void *writer, struct sb_transport_frame *frame)
{
    struct end *end = writer;
    struct message *message = frame->handle;
    message->ticket = frame->ticket;
    message->size_bytes = frame->size_bytes;
    if (end->sent_count == 0) {
        accept_readers(end);
    }
    while (end->sent_count < end->reader_count) {
        int reader = end->readers[end->sent_count];
        if (send(reader, message, sizeof *message + frame->size_bytes, MSG_NOSIGNAL) < 0) {
            if (errno == EAGAIN || errno == ENOBUFS) {
                return -EAGAIN;  // goes on with this reader when there is room
            }
            close(reader);  // it is gone
            end->readers[end->sent_count] = end->readers[--end->reader_count];
            continue;
        }
        end->sent_count++;
    }
    end->sent_count = 0;
    free(message);
    return 0;
}

static int is_attached(void *reader)
{
    struct end *end = reader;
    if (connect(end->fd, (struct sockaddr *)&end->address, end->address_bytes) == 0 ||
        errno == EISCONN) {
        return 1;
    }
    return errno == ECONNREFUSED || errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static int receive(struct end *end)
{
    static uint8_t bytes[sizeof(struct message) + PAYLOAD_MAX];
    ssize_t got = recv(end->fd, bytes, sizeof bytes, 0);
    if (got < (ssize_t)sizeof(struct message)) {
        // A payload is in the socket before its cell is written: what is not there is lost.
        return got < 0 && errno == EINTR ? -EAGAIN : -ENODATA;
    }
    end->next = malloc((size_t)got);
    if (end->next == NULL) {
        return -EAGAIN;
    }
    memcpy(end->next, bytes, (size_t)got);
    return 0;
}

static int take(void *reader, uint64_t ticket, struct sb_transport_frame *frame)
{
    struct end *end = reader;
    for (;;) {
        int failed = end->next == NULL ? receive(end) : 0;
        if (failed != 0) {
            return failed;
        }
        struct message *message = end->next;
        if (message->ticket > ticket) {
            return -ENODATA;  // it was sent before this reader was there
        }
        end->next = NULL;
        if (message->ticket == ticket) {
            frame->handle = message;
            frame->data = message->payload;
            frame->size_bytes = message->size_bytes;
            return 1;
        }
        free(message);  // evicted: nobody asks for it any more
    }
}

static void release(void *reader, struct sb_transport_frame *frame)
{
    (void)reader;
    free(frame->handle);
}

SB_TRANSPORT() = {
    .struct_size = sizeof(struct sb_transport),
    .version = SB_TRANSPORT_VERSION,
    .name = "socket",
    .limits = {.payload_bytes_max = PAYLOAD_MAX, .readers_max = READERS_MAX},
    .open_writer = open_writer,
    .loan = loan,
    .publish = publish,
    .abandon = abandon,
    .close_writer = close_end,
    .open_reader = open_end,
    .is_attached = is_attached,
    .take = take,
    .release = release,
    .close_reader = close_end,
};
