// SPDX-License-Identifier: Apache-2.0
// Accepts clients, and gives each its turn without taking the loop from the workers.
#include "broker/control/control_server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"

#define REST_FACTOR 4  // of the loop's time, for everything else, after a request
#define ACCEPTS_PER_TURN 16
#define ACCEPT_PAUSE_NS CLOCK_NS_PER_S          // when there is no descriptor left
#define CROWD_LOOK_NS (10 * CLOCK_NS_PER_MS)    // how often, when newer ones wait for room
#define CROWD_PATIENCE_NS (3 * CLOCK_NS_PER_S)  // then one makes room, however new it is
#define SETTLED_NS CLOCK_NS_PER_S               // who has asked for nothing for so long is idle
#define TIMER_ACCURACY_US 1000

static bool is_allowed(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

// The client that has had nothing to do for longest; NULL when all are busy.
static struct control_client *find_idlest(const struct control_server *server)
{
    struct control_client *idlest = NULL;
    for (size_t i = 0; i < server->client_count; i++) {
        struct control_client *client = server->clients[i];
        bool is_idle = client->call.number == 0 && !client->is_ready;
        if (is_idle && (idlest == NULL || client->quiet_ns < idlest->quiet_ns)) {
            idlest = client;
        }
    }
    return idlest;
}

static bool will_be_idle(const struct control_client *client)
{
    return client->call.number == 0 || client->call.is_over;
}

// Whether somebody who connects now is better left in the queue of the socket: those who came just
// before are about to be served, and go by themselves.
static bool must_wait(struct control_server *server)
{
    if (server->client_count < CONTROL_CLIENTS_MAX) {
        return false;
    }
    int64_t now_ns = clock_now_ns();
    if (server->crowded_ns == INT64_MAX) {
        server->crowded_ns = now_ns;
    }
    const struct control_client *idlest = find_idlest(server);
    bool is_settled = idlest != NULL && now_ns - idlest->quiet_ns >= SETTLED_NS;
    if (is_settled || now_ns - server->crowded_ns >= CROWD_PATIENCE_NS) {
        return false;
    }
    for (size_t i = 0; i < server->client_count; i++) {
        if (will_be_idle(server->clients[i])) {
            return true;
        }
    }
    return false;
}

static bool make_room(struct control_server *server)
{
    if (server->client_count < CONTROL_CLIENTS_MAX) {
        return true;
    }
    struct control_client *idlest = find_idlest(server);
    if (idlest == NULL) {
        return false;
    }
    server->counts.crowded_out++;
    control_client_close(idlest);
    return true;
}

static void take_in(struct control_server *server, int fd)
{
    server->crowded_ns = INT64_MAX;
    if (!is_allowed(fd) || !make_room(server)) {
        server->counts.refused++;
        close(fd);
        return;
    }
    struct control_client *client;
    if (control_client_open(server, fd, &client) == 0) {
        server->counts.connected++;
        server->clients[server->client_count++] = client;
    }
}

static void pause_accepting(struct control_server *server, int64_t for_ns)
{
    sd_event_source_set_enabled(server->accept, SD_EVENT_OFF);
    server->accept_at_ns = clock_now_ns() + for_ns;
}

static int on_accept(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)source;
    (void)events;
    struct control_server *server = context;
    if (must_wait(server)) {
        pause_accepting(server, CROWD_LOOK_NS);
        control_server_arm(server);
        return 0;
    }
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        // Whether more have come is only known in the next turn.
        if (i > 0 && server->client_count >= CONTROL_CLIENTS_MAX) {
            break;
        }
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client >= 0) {
            take_in(server, client);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            // Whoever waits there would wake us again at once, for nothing.
            pause_accepting(server, ACCEPT_PAUSE_NS);
            break;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            break;
        }
    }
    control_server_arm(server);
    return 0;
}

static struct control_client *find_next(const struct control_server *server)
{
    struct control_client *next = NULL;
    for (size_t i = 0; i < server->client_count; i++) {
        struct control_client *client = server->clients[i];
        if (client->is_ready && (next == NULL || client->turn < next->turn)) {
            next = client;
        }
    }
    return next;
}

void control_server_arm(struct control_server *server)
{
    int64_t due_ns = server->accept_at_ns;
    bool is_waiting = false;
    for (size_t i = 0; i < server->client_count; i++) {
        const struct control_client *client = server->clients[i];
        int64_t client_ns =
            client->is_ready ? server->rest_until_ns : control_client_due_ns(client);
        due_ns = client_ns < due_ns ? client_ns : due_ns;
        is_waiting = is_waiting || client->call.look != NULL;
    }
    sd_event_source_set_enabled(server->after, is_waiting ? SD_EVENT_ON : SD_EVENT_OFF);
    if (due_ns == INT64_MAX) {
        sd_event_source_set_enabled(server->timer, SD_EVENT_OFF);
        return;
    }
    server->timer_due_ns = clock_now_ns();
    server->timer_due_ns = due_ns > server->timer_due_ns ? due_ns : server->timer_due_ns;
    sd_event_source_set_time(server->timer, due_ns > 0 ? (uint64_t)due_ns / 1000 + 1 : 0);
    sd_event_source_set_enabled(server->timer, SD_EVENT_ONESHOT);
}

static void serve_next(struct control_server *server, int64_t now_ns)
{
    struct control_client *next = find_next(server);
    if (next == NULL || now_ns < server->rest_until_ns) {
        return;
    }
    control_client_serve(next);
    int64_t done_ns = clock_now_ns();
    server->rest_until_ns = done_ns + REST_FACTOR * (done_ns - now_ns);
}

static void look_at_clients(struct control_server *server, int64_t now_ns)
{
    // Backwards: one that goes is replaced by the last, which was looked at before.
    for (size_t i = server->client_count; i-- > 0;) {
        struct control_client *client = server->clients[i];
        if (control_client_is_stuck(client, now_ns)) {
            server->counts.dropped_slow++;
            control_client_close(client);
        } else if (client->call.due_ns <= now_ns) {
            control_client_look(client);
        }
    }
}

static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
    (void)source;
    (void)usec;
    struct control_server *server = context;
    int64_t now_ns = clock_now_ns();
    lateness_note(&server->broker->lateness, now_ns - server->timer_due_ns);
    if (server->accept_at_ns <= now_ns) {
        server->accept_at_ns = INT64_MAX;
        sd_event_source_set_enabled(server->accept, SD_EVENT_ON);
    }
    look_at_clients(server, now_ns);
    serve_next(server, now_ns);
    control_server_arm(server);
    return 0;
}

static int on_turn(sd_event_source *source, void *context)
{
    (void)source;
    struct control_server *server = context;
    for (size_t i = server->client_count; i-- > 0;) {
        control_client_look(server->clients[i]);
    }
    control_server_arm(server);
    return 0;
}

static int add_sources(struct control_server *server)
{
    sd_event *event = server->broker->event;
    int failed =
        sd_event_add_io(event, &server->accept, server->listener, EPOLLIN, on_accept, server);
    if (failed >= 0) {
        failed = sd_event_add_time(event, &server->timer, CLOCK_MONOTONIC, UINT64_MAX,
                                   TIMER_ACCURACY_US, on_timer, server);
    }
    if (failed >= 0) {
        failed = sd_event_add_post(event, &server->after, on_turn, server);
    }
    if (failed >= 0) {
        control_server_arm(server);
    }
    return failed;
}

int control_server_create(struct broker *broker, int listener, struct control_server **out_server)
{
    struct control_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        close(listener);
        return -ENOMEM;
    }
    server->broker = broker;
    server->listener = listener;
    server->accept_at_ns = INT64_MAX;
    server->crowded_ns = INT64_MAX;
    server->message = calloc(1, sizeof *server->message);
    int failed = server->message != NULL ? add_sources(server) : -ENOMEM;
    if (failed < 0) {
        control_server_destroy(server);
        return failed;
    }
    *out_server = server;
    return 0;
}

void control_server_destroy(struct control_server *server)
{
    if (server == NULL) {
        return;
    }
    while (server->client_count > 0) {
        struct control_client *client = server->clients[server->client_count - 1];
        if (control_client_look(client)) {
            control_client_close(client);
        }
    }
    sd_event_source_disable_unref(server->accept);
    sd_event_source_disable_unref(server->timer);
    sd_event_source_disable_unref(server->after);
    close(server->listener);
    free(server->message);
    free(server);
}

json_t *control_server_counts(const struct control_server *server)
{
    json_t *counts = json_object();
    json_object_set_new(counts, "clients", json_integer((json_int_t)server->client_count));
#define X(name, text)                                                                              \
    json_object_set_new(counts, #name, json_integer((json_int_t)server->counts.name));
    CONTROL_COUNTS(X)
#undef X
    return counts;
}
