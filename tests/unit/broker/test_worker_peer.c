// SPDX-License-Identifier: Apache-2.0
// The broker's end of a worker's socket: hostile bytes in, a bounded queue out.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/fd.h"
#include "broker/lives/worker_peer.h"

struct fixture {
    sd_event *event;
    struct worker_peer peer;
    int worker;  // the other end
    struct wire_message *incoming;
    struct wire_message *outgoing;
    unsigned messages;
    enum wire_type last_type;
    unsigned gone;
    int gone_error;
    char gone_reason[256];
    bool takes;        // the descriptor of a message
    int taken;         // which, -1 = none
    unsigned dropped;  // descriptors that nobody took
};

static void on_message(void *context, const struct wire_message *message)
{
    struct fixture *fixture = context;
    fixture->messages++;
    fixture->last_type = message->type;
    if (fixture->takes) {
        fixture->taken = fixture->peer.fd;
        fixture->peer.fd = -1;
    }
}

static void drop_fd(void *context, int fd)
{
    struct fixture *fixture = context;
    fixture->dropped++;
    close(fd);
}

static void on_gone(void *context, int error, const char *reason)
{
    struct fixture *fixture = context;
    fixture->gone++;
    fixture->gone_error = error;
    snprintf(fixture->gone_reason, sizeof fixture->gone_reason, "%s", reason);
}

static const struct worker_peer_calls calls = {
    .on_message = on_message, .on_gone = on_gone, .drop_fd = drop_fd};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    int pair[2];
    if (fixture == NULL || sd_event_new(&fixture->event) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        return -1;
    }
    fixture->incoming = calloc(1, sizeof *fixture->incoming);
    fixture->outgoing = calloc(1, sizeof *fixture->outgoing);
    fixture->worker = pair[1];
    worker_peer_init(&fixture->peer);
    *state = fixture;
    return worker_peer_open(&fixture->peer, fixture->event, pair[0], &calls, fixture,
                            fixture->incoming);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    worker_peer_close(&fixture->peer);
    close(fixture->worker);
    sd_event_unref(fixture->event);
    free(fixture->incoming);
    free(fixture->outgoing);
    free(fixture);
    return 0;
}

// Handles all that is ready now.
static void turn(struct fixture *fixture)
{
    while (sd_event_run(fixture->event, 0) > 0) {
    }
}

static void say(struct fixture *fixture, enum wire_type type)
{
    uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
    memset(fixture->outgoing, 0, offsetof(struct wire_message, arena));
    fixture->outgoing->type = type;
    int size = wire_worker_encode(fixture->outgoing, bytes, sizeof bytes);
    assert_true(size > 0);
    assert_int_equal(fd_send_message(fixture->worker, bytes, (size_t)size, NULL, 0), 0);
}

static void a_message_of_the_phase_is_handled(void **state)
{
    struct fixture *fixture = *state;
    fixture->peer.phase = WIRE_OPENING;
    say(fixture, WIRE_OPENED);
    say(fixture, WIRE_READY);
    turn(fixture);
    assert_int_equal(fixture->messages, 2);
    assert_int_equal(fixture->last_type, WIRE_READY);
    assert_int_equal(fixture->gone, 0);
}

// R-WORKER-008
static void a_message_of_another_phase_or_direction_ends_the_connection(void **state)
{
    struct fixture *fixture = *state;
    say(fixture, WIRE_OPENED);
    turn(fixture);
    assert_int_equal(fixture->messages, 0);
    assert_int_equal(fixture->gone, 1);
    assert_int_equal(fixture->gone_error, -EPROTO);
    assert_string_not_equal(fixture->gone_reason, "");
    assert_false(worker_peer_is_open(&fixture->peer));
}

static void garbage_ends_the_connection(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(send(fixture->worker, "garbage and more", 16, 0), 16);
    turn(fixture);
    assert_int_equal(fixture->gone_error, -EPROTO);
    assert_int_equal(fixture->messages, 0);
}

static void what_was_said_before_the_end_is_handled_first(void **state)
{
    struct fixture *fixture = *state;
    fixture->peer.phase = WIRE_RUNNING;
    say(fixture, WIRE_ENDED);
    close(fixture->worker);
    fixture->worker = -1;
    worker_peer_drain(&fixture->peer);
    assert_int_equal(fixture->messages, 1);
    assert_int_equal(fixture->gone, 1);
    assert_int_equal(fixture->gone_error, 0);
}

static void fill_start(struct fixture *fixture)
{
    memset(fixture->outgoing, 0, offsetof(struct wire_message, arena));
    fixture->outgoing->type = WIRE_UNLINK;
    fixture->outgoing->unlink.link_id = 7;
}

static void what_does_not_fit_the_socket_is_sent_later_in_order(void **state)
{
    struct fixture *fixture = *state;
    fill_start(fixture);
    uint32_t sent = 0;
    while (fixture->peer.queued < 10) {
        fixture->outgoing->unlink.link_id = ++sent;
        assert_int_equal(worker_peer_send(&fixture->peer, fixture->outgoing, NULL, 0), 0);
    }
    for (uint32_t i = 1; i <= sent; i++) {
        uint8_t bytes[256];
        turn(fixture);
        int size = fd_receive_message(fixture->worker, bytes, sizeof bytes, NULL, 0, NULL);
        assert_true(size > 0);
        assert_int_equal(wire_worker_decode(bytes, (size_t)size, 0, WIRE_TO_WORKER, WIRE_OPENING,
                                            fixture->incoming, (char[256]){0}, 256),
                         0);
        assert_int_equal(fixture->incoming->unlink.link_id, i);
    }
    assert_int_equal(fixture->peer.queued, 0);
}

static void a_worker_that_does_not_read_has_a_bounded_queue(void **state)
{
    struct fixture *fixture = *state;
    fill_start(fixture);
    int failed = 0;
    for (unsigned i = 0; i < 100000 && failed == 0; i++) {
        failed = worker_peer_send(&fixture->peer, fixture->outgoing, NULL, 0);
    }
    assert_int_equal(failed, -ENOBUFS);
    assert_int_equal(fixture->peer.queued, WORKER_PEER_QUEUE_MAX);
}

static void descriptors_wait_with_their_message_and_are_closed_with_the_peer(void **state)
{
    struct fixture *fixture = *state;
    fill_start(fixture);
    while (fixture->peer.queued == 0) {
        assert_int_equal(worker_peer_send(&fixture->peer, fixture->outgoing, NULL, 0), 0);
    }
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    fixture->outgoing->type = WIRE_BELL;
    fixture->outgoing->bell.size_bytes = 4096;
    assert_int_equal(worker_peer_send(&fixture->peer, fixture->outgoing, &pipe_fds[1], 1), 0);
    close(pipe_fds[1]);
    // The queue holds the only writing end: the pipe ends when the peer is closed.
    char byte;
    assert_int_equal(fd_set_blocking(pipe_fds[0], false), 0);
    assert_int_equal(read(pipe_fds[0], &byte, 1), -1);
    worker_peer_close(&fixture->peer);
    assert_int_equal(read(pipe_fds[0], &byte, 1), 0);
    close(pipe_fds[0]);
    assert_int_equal(worker_peer_send(&fixture->peer, fixture->outgoing, &pipe_fds[1], 1), -EPIPE);
}

static void send_with_descriptor(struct fixture *fixture, enum wire_type type)
{
    uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
    fixture->outgoing->type = type;
    fixture->outgoing->device_pool = (struct wire_device_pool){.serial = 1, .size_bytes = 4096};
    int size = wire_worker_encode(fixture->outgoing, bytes, sizeof bytes);
    assert_true(size > 0);
    int fd = STDOUT_FILENO;
    (void)fd_send_message(fixture->worker, bytes, (size_t)size, &fd, 1);
}

// R-GPU-031
static void a_descriptor_is_taken_of_its_one_message_and_of_no_other(void **state)
{
    struct fixture *fixture = *state;
    fixture->peer.phase = WIRE_RUNNING;
    worker_peer_take_descriptors(&fixture->peer);
    send_with_descriptor(fixture, WIRE_DEVICE_POOL);
    assert_true(sd_event_run(fixture->event, 1000000) >= 0);
    assert_int_equal(fixture->messages, 1);
    assert_int_equal(fixture->dropped, 1);
    fixture->takes = true;
    send_with_descriptor(fixture, WIRE_DEVICE_POOL);
    assert_true(sd_event_run(fixture->event, 1000000) >= 0);
    assert_int_equal(fixture->messages, 2);
    assert_int_equal(fixture->dropped, 1);
    assert_int_equal(close(fixture->taken), 0);
    fixture->outgoing->ended.exit_status = 0;
    send_with_descriptor(fixture, WIRE_ENDED);
    assert_true(sd_event_run(fixture->event, 1000000) >= 0);
    assert_int_equal(fixture->messages, 2);
    assert_int_equal(fixture->dropped, 2);
    assert_int_equal(fixture->gone, 1);
}

// R-GPU-031
static void a_worker_that_may_send_none_is_refused_with_it(void **state)
{
    struct fixture *fixture = *state;
    fixture->peer.phase = WIRE_RUNNING;
    send_with_descriptor(fixture, WIRE_DEVICE_POOL);
    // Where the kernel refuses it at the sender, nothing comes.
    assert_true(sd_event_run(fixture->event, 100000) >= 0);
    assert_int_equal(fixture->messages, 0);
    assert_int_equal(fixture->dropped, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_message_of_the_phase_is_handled),
        CASE(a_message_of_another_phase_or_direction_ends_the_connection),
        CASE(garbage_ends_the_connection),
        CASE(what_was_said_before_the_end_is_handled_first),
        CASE(what_does_not_fit_the_socket_is_sent_later_in_order),
        CASE(a_worker_that_does_not_read_has_a_bounded_queue),
        CASE(descriptors_wait_with_their_message_and_are_closed_with_the_peer),
        CASE(a_descriptor_is_taken_of_its_one_message_and_of_no_other),
        CASE(a_worker_that_may_send_none_is_refused_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
