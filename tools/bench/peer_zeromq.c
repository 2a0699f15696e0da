// SPDX-License-Identifier: Apache-2.0
// ZeroMQ over ipc: push to pull for one reader, a publisher that does not drop for several.
#include "tools/bench/peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zmq.h>

#include "tools/bench/stamp.h"

#define ADDRESS_BYTES 160

struct zeromq_end {
    const struct pair_shape *shape;
    void *context;
    void *socket;
};

static void address_of(const struct pair_room *room, unsigned way, char out[ADDRESS_BYTES])
{
    snprintf(out, ADDRESS_BYTES, "ipc://%s/zmq-%u-%u", room->folder, room->serial, way);
}

// A publisher knows its readers when their subscriptions have come.
static int wait_for_readers(struct zeromq_end *end)
{
    char message[16];
    for (uint32_t i = 0; i < end->shape->readers; i++) {
        if (zmq_recv(end->socket, message, sizeof message, 0) < 0) {
            return -1;
        }
    }
    return 0;
}

static int connect_end(struct zeromq_end *end, const char *address, bool is_writer)
{
    bool is_fan = end->shape->readers > 1;
    int writer = is_fan ? ZMQ_XPUB : ZMQ_PUSH;
    int reader = is_fan ? ZMQ_SUB : ZMQ_PULL;
    end->socket = zmq_socket(end->context, is_writer ? writer : reader);
    if (end->socket == NULL) {
        return -1;
    }
    int yes = 1;
    int depth = (int)end->shape->depth;
    zmq_setsockopt(end->socket, ZMQ_SNDHWM, &depth, sizeof depth);
    zmq_setsockopt(end->socket, ZMQ_RCVHWM, &depth, sizeof depth);
    if (!is_writer) {
        if (is_fan) {
            zmq_setsockopt(end->socket, ZMQ_SUBSCRIBE, "", 0);
        }
        // One that comes before the writer tries again after a tenth of a second by default, which
        // may be all the time that is measured.
        int retry_ms = 1;
        zmq_setsockopt(end->socket, ZMQ_RECONNECT_IVL, &retry_ms, sizeof retry_ms);
        return zmq_connect(end->socket, address);
    }
    if (is_fan) {
        zmq_setsockopt(end->socket, ZMQ_XPUB_NODROP, &yes, sizeof yes);
        zmq_setsockopt(end->socket, ZMQ_XPUB_VERBOSE, &yes, sizeof yes);
    }
    int failed = zmq_bind(end->socket, address);
    return failed == 0 && is_fan ? wait_for_readers(end) : failed;
}

static void *open_end(struct pair_room *room, unsigned way, int reader)
{
    struct zeromq_end *end = calloc(1, sizeof *end);
    if (end == NULL) {
        return NULL;
    }
    char address[ADDRESS_BYTES];
    address_of(room, way, address);
    end->shape = room->shape;
    end->context = zmq_ctx_new();
    return connect_end(end, address, reader < 0) == 0 ? end : NULL;
}

static int send_message(void *context, uint64_t tag)
{
    struct zeromq_end *end = context;
    zmq_msg_t message;
    if (zmq_msg_init_size(&message, end->shape->size) != 0) {
        return -ENOMEM;
    }
    void *bytes = zmq_msg_data(&message);
    if (end->shape->is_touched) {
        stamp_write_all(bytes, end->shape->size, tag);
    }
    memcpy(bytes, &tag, sizeof tag);
    int sent;
    do {
        sent = zmq_msg_send(&message, end->socket, 0);
    } while (sent < 0 && (errno == EINTR || errno == EAGAIN));
    return sent < 0 ? -errno : 0;
}

static int receive_message(void *context, uint64_t *out_tag)
{
    struct zeromq_end *end = context;
    zmq_msg_t message;
    zmq_msg_init(&message);
    int got;
    do {
        // It blocks also where others spin: a thread of its own does the work, and one that asked
        // in a loop would keep the CPU from it.
        got = zmq_msg_recv(&message, end->socket, 0);
    } while (got < 0 && errno == EINTR);
    if (got < (int)sizeof *out_tag) {
        return -EPIPE;
    }
    memcpy(out_tag, zmq_msg_data(&message), sizeof *out_tag);
    if (end->shape->is_touched) {
        volatile uint64_t sum = stamp_read_all(zmq_msg_data(&message), (size_t)got);
        (void)sum;
    }
    zmq_msg_close(&message);
    return 0;
}

static void close_end(void *context)
{
    struct zeromq_end *end = context;
    int linger_ms = 2000;
    zmq_setsockopt(end->socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_close(end->socket);
    zmq_ctx_term(end->context);
    free(end);
}

static void finish(struct pair_room *room)
{
    for (unsigned way = 0; way < 2; way++) {
        char address[ADDRESS_BYTES];
        address_of(room, way, address);
        unlink(address + sizeof "ipc://" - 1);
    }
}

static const char *missing(const struct pair_shape *shape)
{
    (void)shape;
    return NULL;
}

const struct pair_peer peer_zeromq = {
    .name = "zeromq",
    .package = "libzmq3-dev",
    .missing = missing,
    .open = open_end,
    .send = send_message,
    .receive = receive_message,
    .close = close_end,
    .finish = finish,
};
