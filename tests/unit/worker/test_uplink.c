// SPDX-License-Identifier: Apache-2.0
// The worker's end of the control socket: a full queue, nonsense, and the end.
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "worker/boot.h"
#include "worker/uplink.h"

static int take_frame(struct sb_node *node, const struct sb_frame *frame)
{
    (void)node;
    (void)frame;
    return 0;
}

static const struct sb_processor sample = {
    .struct_size = sizeof sample, .name = "sample", .version = "1", .on_frame = take_frame};

static struct sb_node node;
static int broker;

static int make_node(void **state)
{
    (void)state;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return -1;
    }
    broker = pair[0];
    int failed = boot_init(&node, &sample);
    node.control = pair[1];
    node.phase = WIRE_RUNNING;
    return failed;
}

static int drop_node(void **state)
{
    (void)state;
    close(node.control);
    close(broker);
    boot_fini(&node);
    return 0;
}

static struct wire_message message;

static void expect_ended(uint32_t exit_status)
{
    uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
    int size = fd_receive_message(broker, bytes, sizeof bytes, NULL, 0, NULL);
    assert_true(size > 0);
    char reason[256];
    assert_int_equal(wire_worker_decode(bytes, (size_t)size, 0, WIRE_TO_BROKER, WIRE_RUNNING,
                                        &message, reason, sizeof reason),
                     0);
    assert_int_equal(message.type, WIRE_ENDED);
    assert_int_equal(message.ended.exit_status, exit_status);
}

static void what_is_begun_is_sent_and_nothing_of_the_one_before(void **state)
{
    (void)state;
    struct wire_message *failed = uplink_begin(&node, WIRE_FAILED);
    memset(failed->failed.text, 'x', sizeof failed->failed.text - 1);
    uplink_begin(&node, WIRE_ENDED)->ended.exit_status = 3;
    assert_int_equal(uplink_send(&node), 0);
    expect_ended(3);
}

static void *read_all(void *count)
{
    for (uint32_t i = 0; i < *(const uint32_t *)count;) {
        uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
        i += fd_receive_message(broker, bytes, sizeof bytes, NULL, 0, NULL) > 0;
    }
    return NULL;
}

static void a_full_queue_is_waited_for(void **state)
{
    (void)state;
    uint32_t count = 0;
    static const char filler[1024];
    while (fd_send_message(node.control, filler, sizeof filler, NULL, 0) == 0) {
        count++;
    }
    assert_true(count > 0);
    pthread_t reader;
    assert_int_equal(pthread_create(&reader, NULL, read_all, &count), 0);
    uplink_begin(&node, WIRE_ENDED)->ended.exit_status = 4;
    assert_int_equal(uplink_send(&node), 0);
    assert_int_equal(pthread_join(reader, NULL), 0);
    expect_ended(4);
    assert_false(node.is_broker_gone);
}

static void a_broker_that_is_gone_is_noticed_on_either_side(void **state)
{
    (void)state;
    int fds[LIMIT_MESSAGE_FDS_MAX];
    size_t count = 0;
    assert_int_equal(uplink_receive(&node, fds, &count), 0);
    assert_false(node.is_broker_gone);
    close(broker);
    assert_int_equal(uplink_wait(&node), 0);
    assert_int_equal(uplink_receive(&node, fds, &count), -EPIPE);
    assert_true(node.is_broker_gone);
    node.is_broker_gone = false;
    uplink_begin(&node, WIRE_ENDED);
    assert_int_equal(uplink_send(&node), -EPIPE);
    assert_true(node.is_broker_gone);
    broker = dup(STDIN_FILENO);
}

static int next_fd(void)
{
    int fd = dup(STDIN_FILENO);
    close(fd);
    return fd;
}

// R-WORKER-008: whatever is refused leaves no descriptor open and says why.
static void a_message_that_is_refused_leaves_nothing_behind(void **state)
{
    (void)state;
    int sent[3] = {STDIN_FILENO, STDIN_FILENO, STDIN_FILENO};
    int fds[LIMIT_MESSAGE_FDS_MAX];
    size_t count = 7;
    int lowest = next_fd();
    for (size_t i = 0; i <= 3; i++) {
        node.error[0] = '\0';
        assert_int_equal(fd_send_message(broker, "junk", 4, sent, i), 0);
        assert_int_equal(uplink_receive(&node, fds, &count), -EPROTO);
        assert_string_not_equal(node.error, "");
        assert_int_equal(next_fd(), lowest);
    }
    assert_int_equal(count, 7);
    assert_false(node.is_broker_gone);
}

// A message of another phase is refused as well.
static void a_message_out_of_its_phase_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[256];
    static struct wire_message start;
    start.type = WIRE_START;
    int size = wire_worker_encode(&start, bytes, sizeof bytes);
    assert_true(size > 0);
    int fds[LIMIT_MESSAGE_FDS_MAX];
    size_t count = 0;
    assert_int_equal(fd_send_message(broker, bytes, (size_t)size, NULL, 0), 0);
    assert_int_equal(uplink_receive(&node, fds, &count), -EPROTO);
    node.phase = WIRE_OPENING;
    assert_int_equal(fd_send_message(broker, bytes, (size_t)size, NULL, 0), 0);
    assert_int_equal(uplink_receive(&node, fds, &count), 1);
    assert_int_equal(node.incoming->type, WIRE_START);
}

#define WITH_NODE(name) cmocka_unit_test_setup_teardown(name, make_node, drop_node)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_NODE(what_is_begun_is_sent_and_nothing_of_the_one_before),
        WITH_NODE(a_full_queue_is_waited_for),
        WITH_NODE(a_broker_that_is_gone_is_noticed_on_either_side),
        WITH_NODE(a_message_that_is_refused_leaves_nothing_behind),
        WITH_NODE(a_message_out_of_its_phase_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
