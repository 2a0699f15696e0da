// SPDX-License-Identifier: Apache-2.0
// Receives, checks and queues messages of one worker.
#include "broker/lives/worker_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/fd.h"

// Messages of one peer in one turn of the loop: a flood must not starve the others.
#define MESSAGES_PER_TURN 32

// More than a socket holds of what a worker said before it went.
#define MESSAGES_PER_DRAIN 1024

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

struct worker_peer_entry {
    struct worker_peer_entry *next;
    size_t fd_count;
    int fds[LIMIT_MESSAGE_FDS_MAX];  // owned
    size_t size_bytes;
    uint8_t bytes[];
};

void worker_peer_init(struct worker_peer *peer)
{
    *peer = (struct worker_peer){.socket = -1, .fd = -1};
}

void worker_peer_take_descriptors(struct worker_peer *peer)
{
    int on = 1;
    (void)setsockopt(peer->socket, SOL_SOCKET, SO_PASSRIGHTS, &on, sizeof on);
    peer->fd_max = 1;
}

bool worker_peer_is_open(const struct worker_peer *peer)
{
    return peer->socket >= 0;
}

static void free_entry(struct worker_peer_entry *entry)
{
    for (size_t i = 0; i < entry->fd_count; i++) {
        cleanup_fd(&entry->fds[i]);
    }
    free(entry);
}

static void drop_first(struct worker_peer *peer)
{
    struct worker_peer_entry *entry = peer->first;
    peer->first = entry->next;
    if (peer->first == NULL) {
        peer->last = NULL;
    }
    peer->queued--;
    peer->queued_bytes -= entry->size_bytes;
    free_entry(entry);
}

void worker_peer_close(struct worker_peer *peer)
{
    peer->source = sd_event_source_disable_unref(peer->source);
    while (peer->first != NULL) {
        drop_first(peer);
    }
    cleanup_fd(&peer->socket);
}

static void gone(struct worker_peer *peer, int error, const char *reason)
{
    worker_peer_close(peer);
    peer->calls->on_gone(peer->context, error, reason);
}

static int receive(struct worker_peer *peer, uint8_t *bytes, size_t size_bytes, int *out_fd)
{
    int fds[1] = {-1};
    size_t fd_count = 0;
    // Without a control buffer the kernel installs no descriptor that a worker sends.
    int size = fd_receive_message(peer->socket, bytes, size_bytes, fds, peer->fd_max, &fd_count);
    *out_fd = fd_count > 0 ? fds[0] : -1;
    return size;
}

// Hands over what was decoded, with its descriptor.
static int handle(struct worker_peer *peer, const uint8_t *bytes, size_t size_bytes)
{
    char reason[LIMIT_ERROR_TEXT_BYTES_MAX];
    int failed = wire_worker_decode(bytes, size_bytes, peer->fd >= 0 ? 1 : 0, WIRE_TO_BROKER,
                                    peer->phase, peer->incoming, reason, sizeof reason);
    if (failed != 0) {
        gone(peer, failed, reason);
        return -EPIPE;
    }
    peer->calls->on_message(peer->context, peer->incoming);
    return worker_peer_is_open(peer) ? 1 : -EPIPE;
}

// Receives and handles one message. Returns 1; 0 when there is none; -EPIPE when it is closed.
static int receive_one(struct worker_peer *peer)
{
    uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
    int fd;
    int size = receive(peer, bytes, sizeof bytes, &fd);
    if (size == -ECONNRESET) {
        // It went with messages of ours unread. The kernel says that once, and first; what the
        // worker said last, for example why it failed, is still there.
        size = receive(peer, bytes, sizeof bytes, &fd);
    }
    if (size == -EAGAIN) {
        return 0;
    }
    if (size == 0 || size == -ECONNRESET) {
        gone(peer, 0, "closed its control socket");
        return -EPIPE;
    }
    if (size == -EPROTO) {
        gone(peer, size, "a message was too long or carried descriptors");
        return -EPIPE;
    }
    if (size < 0) {
        gone(peer, size, strerrordesc_np(-size));
        return -EPIPE;
    }
    peer->fd = fd;
    int handled = handle(peer, bytes, (size_t)size);
    if (peer->fd >= 0) {
        peer->calls->drop_fd(peer->context, steal_fd(&peer->fd));
    }
    return handled;
}

static int flush(struct worker_peer *peer)
{
    while (peer->first != NULL) {
        struct worker_peer_entry *entry = peer->first;
        int failed = fd_send_message(peer->socket, entry->bytes, entry->size_bytes, entry->fds,
                                     entry->fd_count);
        if (failed == -EAGAIN) {
            return 0;
        }
        if (failed != 0) {
            return failed;
        }
        drop_first(peer);
    }
    return sd_event_source_set_io_events(peer->source, EPOLLIN);
}

static int on_ready(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source;
    (void)fd;
    struct worker_peer *peer = context;
    if ((events & EPOLLOUT) != 0) {
        int failed = flush(peer);
        // What the worker said before it went is still in the socket: read it first.
        if (failed != 0 && failed != -EPIPE && failed != -ECONNRESET) {
            gone(peer, failed, strerrordesc_np(-failed));
            return 0;
        }
    }
    for (int i = 0; i < MESSAGES_PER_TURN; i++) {
        if (receive_one(peer) <= 0) {
            return 0;
        }
    }
    return 0;
}

int worker_peer_open(struct worker_peer *peer, sd_event *event, int socket,
                     const struct worker_peer_calls *calls, void *context,
                     struct wire_message *incoming)
{
    SB_ASSERT(peer->socket < 0);
    *peer = (struct worker_peer){
        .socket = socket, .calls = calls, .context = context, .incoming = incoming, .fd = -1};
    // Where the kernel can, it refuses descriptors at the sender already.
    int off = 0;
    (void)setsockopt(socket, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof off);
    int failed = sd_event_add_io(event, &peer->source, socket, EPOLLIN, on_ready, peer);
    if (failed < 0) {
        worker_peer_close(peer);
        return failed;
    }
    return 0;
}

static int add_entry(struct worker_peer *peer, const uint8_t *bytes, size_t size_bytes,
                     const int *fds, size_t fd_count)
{
    if (peer->queued >= WORKER_PEER_QUEUE_MAX ||
        peer->queued_bytes + size_bytes > WORKER_PEER_QUEUE_BYTES_MAX) {
        return -ENOBUFS;
    }
    struct worker_peer_entry *entry = calloc(1, sizeof *entry + size_bytes);
    if (entry == NULL) {
        return -ENOMEM;
    }
    entry->size_bytes = size_bytes;
    memcpy(entry->bytes, bytes, size_bytes);
    for (size_t i = 0; i < fd_count; i++) {
        entry->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
        if (entry->fds[i] < 0) {
            int failed = -errno;
            free_entry(entry);
            return failed;
        }
        entry->fd_count = i + 1;
    }
    if (peer->last != NULL) {
        peer->last->next = entry;
    } else {
        peer->first = entry;
    }
    peer->last = entry;
    peer->queued++;
    peer->queued_bytes += size_bytes;
    return sd_event_source_set_io_events(peer->source, EPOLLIN | EPOLLOUT);
}

int worker_peer_send(struct worker_peer *peer, const struct wire_message *message, const int *fds,
                     size_t fd_count)
{
    SB_ASSERT(fd_count == wire_worker_fd_count(message->type));
    if (!worker_peer_is_open(peer)) {
        return -EPIPE;
    }
    uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
    int size = wire_worker_encode(message, bytes, sizeof bytes);
    if (size < 0) {
        return size;
    }
    int failed = -EAGAIN;
    if (peer->first == NULL) {
        failed = fd_send_message(peer->socket, bytes, (size_t)size, fds, fd_count);
    }
    if (failed == -EAGAIN) {
        return add_entry(peer, bytes, (size_t)size, fds, fd_count);
    }
    // A worker that has just gone is noticed when its socket is read, with all that it said before.
    return failed == -EPIPE || failed == -ECONNRESET ? 0 : failed;
}

void worker_peer_drain(struct worker_peer *peer)
{
    // The process is gone, but one that it left behind may hold the socket and send on.
    for (int i = 0; i < MESSAGES_PER_DRAIN; i++) {
        if (!worker_peer_is_open(peer) || receive_one(peer) <= 0) {
            return;
        }
    }
}
