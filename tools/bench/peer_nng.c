// SPDX-License-Identifier: Apache-2.0
// nng over ipc: a pair of sockets per way, messages handed over without a copy of ours.
#include "tools/bench/peers.h"

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/supplemental/util/platform.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/bench/stamp.h"

#define ADDRESS_BYTES 160
#define DEPTH_MAX 8192
#define CLOSE_MS 2000

struct nng_end {
    const struct pair_shape *shape;
    nng_socket socket;
    bool is_writer;
};

static void address_of(const struct pair_room *room, unsigned way, char out[ADDRESS_BYTES])
{
    snprintf(out, ADDRESS_BYTES, "ipc://%s/nng-%u-%u", room->folder, room->serial, way);
}

static void *open_end(struct pair_room *room, unsigned way, int reader)
{
    struct nng_end *end = calloc(1, sizeof *end);
    char address[ADDRESS_BYTES];
    if (end == NULL || nng_pair0_open(&end->socket) != 0) {
        free(end);
        return NULL;
    }
    end->shape = room->shape;
    end->is_writer = reader < 0;
    int depth = room->shape->depth < DEPTH_MAX ? (int)room->shape->depth : DEPTH_MAX;
    nng_socket_set_int(end->socket, NNG_OPT_SENDBUF, depth);
    nng_socket_set_int(end->socket, NNG_OPT_RECVBUF, depth);
    nng_socket_set_size(end->socket, NNG_OPT_RECVMAXSZ, 0);
    address_of(room, way, address);
    // The dialer tries again until the listener is there.
    int failed = end->is_writer ? nng_listen(end->socket, address, NULL, 0)
                                : nng_dial(end->socket, address, NULL, NNG_FLAG_NONBLOCK);
    return failed == 0 ? end : NULL;
}

static int send_message(void *context, uint64_t tag)
{
    struct nng_end *end = context;
    nng_msg *message;
    if (nng_msg_alloc(&message, end->shape->size) != 0) {
        return -ENOMEM;
    }
    if (end->shape->is_touched) {
        stamp_write_all(nng_msg_body(message), end->shape->size, tag);
    }
    memcpy(nng_msg_body(message), &tag, sizeof tag);
    return nng_sendmsg(end->socket, message, 0) == 0 ? 0 : -EPIPE;
}

static int receive_message(void *context, uint64_t *out_tag)
{
    struct nng_end *end = context;
    nng_msg *message;
    int flags = end->shape->is_sleeping ? 0 : NNG_FLAG_NONBLOCK;
    int failed;
    do {
        failed = nng_recvmsg(end->socket, &message, flags);
    } while (failed == NNG_EAGAIN);
    if (failed != 0) {
        return -EPIPE;
    }
    memcpy(out_tag, nng_msg_body(message), sizeof *out_tag);
    if (end->shape->is_touched) {
        volatile uint64_t sum = stamp_read_all(nng_msg_body(message), nng_msg_len(message));
        (void)sum;
    }
    nng_msg_free(message);
    return 0;
}

// The last message is on its way when the other side has closed: nng drops what is queued.
static void close_end(void *context)
{
    struct nng_end *end = context;
    if (end->is_writer) {
        nng_msg *message;
        nng_socket_set_ms(end->socket, NNG_OPT_RECVTIMEO, CLOSE_MS);
        if (nng_recvmsg(end->socket, &message, 0) == 0) {
            nng_msg_free(message);
        }
    } else {
        uint64_t bye = PAIR_END;
        nng_send(end->socket, &bye, sizeof bye, 0);
        nng_msleep(1);
    }
    nng_close(end->socket);
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
    return shape->readers > 1 ? "nng has no fan-out that keeps every message" : NULL;
}

const struct pair_peer peer_nng = {
    .name = "nng",
    .package = "libnng-dev",
    .missing = missing,
    .open = open_end,
    .send = send_message,
    .receive = receive_message,
    .close = close_end,
    .finish = finish,
};
