// SPDX-License-Identifier: Apache-2.0
// The broker's end of one client's connection.
//
// Nothing is queued for a client but the documents of its one call: what does not fit into the
// socket waits there, and a stream is asked for more only when all of it went out. A client that
// takes nothing for CONTROL_CLIENT_PATIENCE_NS, or breaks the protocol, is dropped.
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/clock.h"
#include "broker/control/control_call.h"

#define CONTROL_CLIENT_PATIENCE_NS (10 * CLOCK_NS_PER_S)

struct control_server;

struct control_client {
    struct control_server *server;  // borrowed
    int fd;                         // owned
    sd_event_source *source;        // owned
    struct control_call call;
    bool is_ready;       // has a request in its socket, waits for its turn
    uint64_t turn;       // which it is
    bool is_more;        // its look has more to say
    int64_t quiet_ns;    // since when it has no call
    int64_t blocked_ns;  // since when its socket takes nothing, INT64_MAX = it does
};

// Takes the socket over and welcomes the client. Returns 0 or a negative errno (the socket is
// closed).
int control_client_open(struct control_server *server, int fd, struct control_client **out_client);

void control_client_close(struct control_client *client);

// Its turn: reads its request and runs it. False when the client is gone.
bool control_client_serve(struct control_client *client);

// Calls the look of its call, if it has one and everything that was said before is out. False when
// the client is gone.
bool control_client_look(struct control_client *client);

// When it has to be looked at next, INT64_MAX = only with an event.
int64_t control_client_due_ns(const struct control_client *client);

// True when it took nothing for too long.
bool control_client_is_stuck(const struct control_client *client, int64_t now_ns);
