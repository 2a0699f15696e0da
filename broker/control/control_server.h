// SPDX-License-Identifier: Apache-2.0
// Every client of the control socket, and whose turn it is.
//
// Clients are programs of the same user, and may still be wrong: at most CONTROL_CLIENTS_MAX of
// them, one request of one client at a time, and after each the loop belongs to the workers for
// four times as long as it took, so that no number of clients takes more than a fifth of it.
#pragma once

#include <jansson.h>

#include "broker/broker.h"
#include "broker/control/control_client.h"

#define CONTROL_CLIENTS_MAX 128

// What happened to clients, for `status`: name, what it counts.
#define CONTROL_COUNTS(X)                                                                          \
    X(connected, "connections that were accepted")                                                 \
    X(requests, "requests that were read")                                                         \
    X(refused, "connections of other users, or beyond the limit")                                  \
    X(crowded_out, "idle clients that were dropped for newer ones")                                \
    X(dropped_slow, "clients that did not take their answer")                                      \
    X(dropped_protocol, "clients that broke the protocol")

struct control_counts {
#define X(name, text) uint64_t name;
    CONTROL_COUNTS(X)
#undef X
};

struct control_server {
    struct broker *broker;    // borrowed
    int listener;             // owned
    sd_event_source *accept;  // owned
    sd_event_source *timer;   // owned
    sd_event_source *after;   // owned: after each turn of the loop
    size_t client_count;
    struct control_client *clients[CONTROL_CLIENTS_MAX];  // owned
    uint64_t last_turn;
    int64_t timer_due_ns;   // when it was to fire
    int64_t rest_until_ns;  // no request is served before
    int64_t accept_at_ns;   // accepting pauses until then, INT64_MAX = it does not
    int64_t crowded_ns;     // since when somebody waits for room, INT64_MAX = nobody does
    struct control_counts counts;
    struct control_message *message;         // owned scratch
    uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];  // scratch: the datagram that is read or sent
};

// Takes the listening socket over. Returns 0 or a negative errno (the socket is closed).
int control_server_create(struct broker *broker, int listener, struct control_server **out_server);

// Every call gets its last answer, as far as it fits; then everybody is dropped. NULL is allowed.
void control_server_destroy(struct control_server *server);

// Sets the timer to what is due next. After anything that changes it.
void control_server_arm(struct control_server *server);

// {"connected": 3, ...}
json_t *control_server_counts(const struct control_server *server);
