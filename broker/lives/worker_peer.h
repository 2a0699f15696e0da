// SPDX-License-Identifier: Apache-2.0
// The broker's end of one worker's control socket.
//
// What comes in is hostile: it is decoded into plain structs, checked against the phase, and a
// message that breaks the protocol ends the connection and nothing else. What goes out never
// blocks: it is queued, and a worker that does not read is dropped.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "schemas/wire_worker.h"

#define WORKER_PEER_QUEUE_MAX 2048                           // messages
#define WORKER_PEER_QUEUE_BYTES_MAX (8UL * 1024UL * 1024UL)  // of messages

struct worker_peer_entry;

struct worker_peer_calls {
    // One valid message; it lives until the call returns.
    void (*on_message)(void *context, const struct wire_message *message);
    // The connection is over. error: 0 = the worker closed it, -EPROTO = the reason says what was
    // wrong, -ENOBUFS = it does not read, or an errno. The peer is closed already.
    void (*on_gone)(void *context, int error, const char *reason);
    // Closes a descriptor that nobody took: what it is may make a close wait. Owns fd.
    void (*drop_fd)(void *context, int fd);
};

struct worker_peer {
    int socket;  // owned, -1 = closed
    enum wire_phase phase;
    sd_event_source *source;                // owned
    const struct worker_peer_calls *calls;  // borrowed
    void *context;                          // borrowed
    struct wire_message *incoming;          // borrowed scratch, shared by all peers of a loop
    size_t fd_max;                          // descriptors that a message may bring: 0 or 1
    int fd;                                 // of this message, -1 = none; may be taken
    struct worker_peer_entry *first;        // owned queue
    struct worker_peer_entry *last;
    size_t queued;
    size_t queued_bytes;
};

void worker_peer_init(struct worker_peer *peer);

// Takes the socket over (non-blocking use). Returns 0 or a negative errno (the socket is closed).
int worker_peer_open(struct worker_peer *peer, sd_event *event, int socket,
                     const struct worker_peer_calls *calls, void *context,
                     struct wire_message *incoming);
// From now on a message may bring a descriptor; before, the kernel installs none.
void worker_peer_take_descriptors(struct worker_peer *peer);

void worker_peer_close(struct worker_peer *peer);
bool worker_peer_is_open(const struct worker_peer *peer);

// Sends or queues a message. The fds stay the caller's. Returns 0 (also when the worker has just
// gone: on_gone says so later); -EPIPE when the peer is closed; -ENOBUFS when it does not read.
int worker_peer_send(struct worker_peer *peer, const struct wire_message *message, const int *fds,
                     size_t fd_count);

// Handles what is in the socket now, for a worker whose process has ended already.
void worker_peer_drain(struct worker_peer *peer);
