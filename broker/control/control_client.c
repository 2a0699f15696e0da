// SPDX-License-Identifier: Apache-2.0
// Reads requests of one client, and gives it what is said to them as its socket takes it.
#include "broker/control/control_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <streambroker/version.h>

#include "base/check.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/text.h"
#include "broker/control/control_server.h"
#include "broker/control/control_verb.h"

#define PARTS_PER_TURN 8  // messages that one client gets before others have their turn

static struct control_message *begin(struct control_client *client, enum control_type type)
{
    client->server->message->type = type;
    return client->server->message;
}

// Sends server->message. Returns 0, -EAGAIN when the socket is full, or another negative errno.
static int send_message(struct control_client *client)
{
    struct control_server *server = client->server;
    int size_bytes = wire_control_encode(server->message, server->bytes, sizeof server->bytes);
    SB_ASSERT(size_bytes > 0);
    int failed = fd_send_message(client->fd, server->bytes, (size_t)size_bytes, NULL, 0);
    if (failed == 0) {
        client->blocked_ns = INT64_MAX;
    } else if (failed == -EAGAIN && client->blocked_ns == INT64_MAX) {
        client->blocked_ns = clock_now_ns();
    }
    return failed;
}

static int send_part(struct control_client *client)
{
    struct control_call *call = &client->call;
    const char *text = call->out + call->out_sent;
    size_t left = call->out_count - call->out_sent;
    const char *end = memchr(text, '\n', left);
    SB_ASSERT(end != NULL);
    size_t count = (size_t)(end - text);
    bool is_end = count <= CONTROL_PART_BYTES_MAX;
    count = is_end ? count : CONTROL_PART_BYTES_MAX;
    begin(client, CONTROL_PART)->part = (struct control_part){
        .call = call->number, .text = text, .text_bytes = count, .is_end = is_end};
    int failed = send_message(client);
    if (failed == 0) {
        call->out_sent += count + (is_end ? 1 : 0);
    }
    return failed;
}

static int send_answer(struct control_client *client)
{
    struct control_answer *answer = &begin(client, CONTROL_ANSWER)->answer;
    *answer =
        (struct control_answer){.call = client->call.number, .code = (uint32_t)client->call.code};
    if (client->call.code != 0) {
        text_copy(answer->error, sizeof answer->error, client->call.error);
    }
    int failed = send_message(client);
    if (failed == 0) {
        control_call_end(&client->call);
        client->is_more = false;
        client->quiet_ns = clock_now_ns();
    }
    return failed;
}

static bool has_unsent(const struct control_client *client)
{
    return client->call.out_sent < client->call.out_count;
}

// What the socket is asked for: a request, space, or only whether it is still there.
static void set_events(struct control_client *client)
{
    bool is_space_wanted = has_unsent(client) || client->call.is_over || client->is_more;
    uint32_t events = EPOLLRDHUP;
    if (client->call.number == 0) {
        events = EPOLLIN;
    } else if (is_space_wanted) {
        events |= EPOLLOUT;
    }
    sd_event_source_set_io_events(client->source, events);
}

// Sends what there is and fits. False when the client is gone.
static bool flush(struct control_client *client)
{
    int failed = 0;
    for (int i = 0; i < PARTS_PER_TURN && failed == 0 && client->call.number != 0; i++) {
        if (has_unsent(client)) {
            failed = send_part(client);
        } else if (client->call.is_over) {
            failed = send_answer(client);
        } else {
            break;
        }
    }
    if (failed != 0 && failed != -EAGAIN) {
        control_client_close(client);
        return false;
    }
    set_events(client);
    return true;
}

bool control_client_look(struct control_client *client)
{
    struct control_call *call = &client->call;
    if (call->look == NULL || has_unsent(client)) {
        return true;
    }
    int result = call->look(call);
    client->is_more = result == CONTROL_MORE;
    control_call_take(call, result);
    return flush(client);
}

static int on_event(sd_event_source *source, int fd, uint32_t events, void *context)
{
    (void)fd;
    struct control_client *client = context;
    struct control_server *server = client->server;
    if (client->call.number == 0) {
        // It waits for its turn with what it sent; whether it is gone is seen when that is read.
        client->is_ready = true;
        client->turn = ++server->last_turn;
        sd_event_source_set_enabled(source, SD_EVENT_OFF);
    } else if ((events & (EPOLLHUP | EPOLLRDHUP | EPOLLERR)) != 0) {
        control_client_close(client);
    } else if (flush(client) && client->is_more) {
        control_client_look(client);
    }
    control_server_arm(server);
    return 0;
}

static bool drop_for_protocol(struct control_client *client, const char *reason)
{
    log_line(LOG_DEBUG, "a control client was dropped: %s", reason);
    client->server->counts.dropped_protocol++;
    control_client_close(client);
    return false;
}

// Reads the request into server->message. False when the client is gone.
static bool read_request(struct control_client *client)
{
    struct control_server *server = client->server;
    int got = fd_receive_message(client->fd, server->bytes, sizeof server->bytes, NULL, 0, NULL);
    if (got == -EPROTO) {
        return drop_for_protocol(client, "its message is too long or carries descriptors");
    }
    if (got <= 0) {
        control_client_close(client);
        return false;
    }
    char reason[LIMIT_ERROR_TEXT_BYTES_MAX];
    int failed = wire_control_decode(server->bytes, (size_t)got, 0, CONTROL_TO_BROKER,
                                     server->message, reason, sizeof reason);
    return failed == 0 || drop_for_protocol(client, reason);
}

bool control_client_serve(struct control_client *client)
{
    client->is_ready = false;
    sd_event_source_set_enabled(client->source, SD_EVENT_ON);
    if (!read_request(client)) {
        return false;
    }
    struct control_server *server = client->server;
    server->counts.requests++;
    if (control_call_begin(&client->call, server->broker, &server->message->request) != 0) {
        control_client_close(client);
        return false;
    }
    char verb[SB_NAME_BYTES_MAX];
    text_copy(verb, sizeof verb, server->message->request.verb);
    int result = control_verb_run(&client->call, verb);
    client->is_more = result == CONTROL_MORE;
    control_call_take(&client->call, result);
    return flush(client);
}

int64_t control_client_due_ns(const struct control_client *client)
{
    if (client->call.number == 0) {
        return INT64_MAX;
    }
    int64_t stuck_ns = client->blocked_ns != INT64_MAX && client->call.is_over
                           ? client->blocked_ns + CONTROL_CLIENT_PATIENCE_NS
                           : INT64_MAX;
    int64_t due_ns = has_unsent(client) ? INT64_MAX : client->call.due_ns;
    return stuck_ns < due_ns ? stuck_ns : due_ns;
}

bool control_client_is_stuck(const struct control_client *client, int64_t now_ns)
{
    // A reader of a stream may stand still as long as it likes: it costs nothing, and it is told
    // how much it missed.
    return client->call.is_over && client->blocked_ns != INT64_MAX &&
           now_ns - client->blocked_ns >= CONTROL_CLIENT_PATIENCE_NS;
}

int control_client_open(struct control_server *server, int fd, struct control_client **out_client)
{
    struct control_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        close(fd);
        return -ENOMEM;
    }
    client->server = server;
    client->fd = fd;
    client->quiet_ns = clock_now_ns();
    client->blocked_ns = INT64_MAX;
    int failed =
        sd_event_add_io(server->broker->event, &client->source, fd, EPOLLIN, on_event, client);
    if (failed >= 0) {
        struct control_welcome *welcome = &begin(client, CONTROL_WELCOME)->welcome;
        *welcome =
            (struct control_welcome){.version = SB_VERSION_STRING, .pid = (uint32_t)getpid()};
        text_copy(welcome->graph, sizeof welcome->graph, server->broker->graph->name);
        failed = send_message(client);
    }
    if (failed < 0) {
        sd_event_source_disable_unref(client->source);
        close(fd);
        free(client);
        return failed;
    }
    *out_client = client;
    return 0;
}

void control_client_close(struct control_client *client)
{
    struct control_server *server = client->server;
    for (size_t i = 0; i < server->client_count; i++) {
        if (server->clients[i] == client) {
            server->clients[i] = server->clients[--server->client_count];
            break;
        }
    }
    control_call_end(&client->call);
    sd_event_source_disable_unref(client->source);
    close(client->fd);
    free(client);
}
