// SPDX-License-Identifier: Apache-2.0
// What a node tells of its device, and how it ends when that is lost.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <streambroker/memory.h>
#include <streambroker/processor.h>

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

static const struct sb_node_device device = {.struct_size = sizeof device,
                                             .device_uuid = "the device of it",
                                             .driver_uuid = "and its driver ."};

static struct sb_node node;
static struct wire_message message;
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
    node.phase = WIRE_OPENING;
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

static void expect(enum wire_type type)
{
    uint8_t bytes[LIMIT_MESSAGE_BYTES_MAX];
    char reason[256];
    int size = fd_receive_message(broker, bytes, sizeof bytes, NULL, 0, NULL);
    assert_true(size > 0);
    assert_int_equal(wire_worker_decode(bytes, (size_t)size, 0, WIRE_TO_BROKER, WIRE_OPENING,
                                        &message, reason, sizeof reason),
                     0);
    assert_int_equal(message.type, type);
}

// R-GPU-024
static void the_broker_is_told_which_device_it_is(void **state)
{
    (void)state;
    struct sb_node_device other = device;
    other.struct_size = 1;
    assert_int_equal(sb_node_set_device(&node, &other), -EINVAL);
    assert_int_equal(sb_node_set_device(&node, &device), 0);
    expect(WIRE_DEVICE);
    assert_memory_equal(message.device.device_uuid, device.device_uuid, SB_DEVICE_UUID_BYTES);
    assert_memory_equal(message.device.driver_uuid, device.driver_uuid, SB_DEVICE_UUID_BYTES);
}

static int status_after_loss(void)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        sb_node_lose_device(&node, "its driver says so");
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

// R-GPU-016
static void a_loss_is_told_before_the_program_ends_with_a_wish_for_a_fresh_start(void **state)
{
    (void)state;
    assert_int_equal(status_after_loss(), SB_EXIT_RESTART);
    expect(WIRE_DEVICE_LOST);
    assert_string_equal(message.device_lost.text, "its driver says so");
}

static void a_loss_ends_the_program_also_when_the_broker_is_gone(void **state)
{
    (void)state;
    shutdown(broker, SHUT_RDWR);
    assert_int_equal(status_after_loss(), SB_EXIT_RESTART);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_broker_is_told_which_device_it_is, make_node,
                                        drop_node),
        cmocka_unit_test_setup_teardown(
            a_loss_is_told_before_the_program_ends_with_a_wish_for_a_fresh_start, make_node,
            drop_node),
        cmocka_unit_test_setup_teardown(a_loss_ends_the_program_also_when_the_broker_is_gone,
                                        make_node, drop_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
