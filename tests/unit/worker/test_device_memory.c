// SPDX-License-Identifier: Apache-2.0
// Memory of a device as a worker makes it, is shown it and gives it up; the device is a memfd.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <streambroker/memory.h>
#include <streambroker/processor.h>

#include "base/fd.h"
#include "schemas/link_layout.h"
#include "worker/boot.h"
#include "worker/device_memory.h"
#include "worker/region.h"

#define SLOTS 4
#define SLOT_BYTES 8192
#define POOL_BYTES (SLOTS * SLOT_BYTES)
#define DEPTH 4

static int take_frame(struct sb_node *node, const struct sb_frame *frame)
{
    (void)node;
    (void)frame;
    return 0;
}

static const struct sb_port outputs[] = {
    {.name = "video", .type = SB_PORT_VIDEO, .help = "Video.", .memories = SB_BIT(SB_MEMORY_GPU)}};

static const struct sb_port inputs[] = {
    {.name = "video", .type = SB_PORT_VIDEO, .help = "Video.", .memories = SB_BIT(SB_MEMORY_GPU)}};

static const struct sb_processor sample = {.struct_size = sizeof sample,
                                           .name = "sample",
                                           .version = "1",
                                           .inputs = inputs,
                                           .input_count = 1,
                                           .outputs = outputs,
                                           .output_count = 1,
                                           .on_frame = take_frame};

// What the library of the device was asked.
static const void *named;
static const void *forgotten;
static uint64_t named_bytes;
static int answer;

static int make_pool(void *data, const void *base, uint64_t size_bytes, int *out_fd)
{
    (void)data;
    named = base;
    named_bytes = size_bytes;
    if (answer == 0) {
        *out_fd = memfd_create("unit", MFD_CLOEXEC);
    }
    return answer;
}

static int show_pool(void *data, const struct sb_device_pool *pool)
{
    (void)data;
    named = pool->base;
    named_bytes = pool->size_bytes;
    assert_true(pool->is_trusted);
    assert_memory_equal(pool->device_uuid, "the device of it", SB_DEVICE_UUID_BYTES);
    return answer;
}

static void forget(void *data, const void *base)
{
    (void)data;
    forgotten = base;
}

static struct sb_node node;
static struct wire_message message;
static int broker;
static int came;  // the descriptor of the last message, or -1

static int make_node(void **state)
{
    (void)state;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return -1;
    }
    broker = pair[0];
    named = NULL;
    forgotten = NULL;
    answer = 0;
    int failed = boot_init(&node, &sample);
    node.control = pair[1];
    node.phase = WIRE_OPENING;
    sb_node_on_unmap(&node, forget, NULL);
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
    size_t fd_count = 0;
    int fds[1] = {-1};
    int size = fd_receive_message(broker, bytes, sizeof bytes, fds, 1, &fd_count);
    assert_true(size > 0);
    assert_int_equal(wire_worker_decode(bytes, (size_t)size, fd_count, WIRE_TO_BROKER, WIRE_OPENING,
                                        &message, reason, sizeof reason),
                     0);
    assert_int_equal(message.type, type);
    came = fds[0];
}

static void open_device(void)
{
    struct sb_node_device device = {.struct_size = sizeof device,
                                    .device_uuid = "the device of it",
                                    .make_pool = make_pool,
                                    .show_pool = show_pool};
    assert_int_equal(sb_node_set_device(&node, &device), 0);
    expect(WIRE_DEVICE);
    assert_true(message.device.has_pools);
}

static const struct wire_memory pool = {.serial = 7,
                                        .slot_count = SLOTS,
                                        .payload_bytes = 64,
                                        .carried_bytes = SLOT_BYTES - 100,
                                        .device_slot_bytes = SLOT_BYTES};

// R-GPU-027
static void a_pool_is_named_by_addresses_that_nobody_can_use(void **state)
{
    (void)state;
    struct output_generation generation = {.number = 3};
    open_device();
    assert_int_equal(device_memory_make(&node.outputs[0], &generation, &pool), 0);
    expect(WIRE_DEVICE_POOL);
    assert_int_equal(message.device_pool.serial, 7);
    assert_int_equal(message.device_pool.size_bytes, POOL_BYTES);
    assert_true(came >= 0);
    close(came);
    assert_ptr_equal(generation.device.bytes, named);
    assert_int_equal(named_bytes, POOL_BYTES);
    void *data;
    assert_int_equal(device_memory_loan(&generation, 2, &data), 0);
    assert_ptr_equal(data, (const uint8_t *)named + (size_t)2 * SLOT_BYTES);
    // The kernel refuses to read there.
    assert_true(write(broker, data, 1) < 0);
    assert_int_equal(errno, EFAULT);
    region_unmap(&node, &generation.device);
    assert_ptr_equal(forgotten, named);
}

// R-GPU-032
static void memory_that_cannot_be_made_is_refused_with_the_reason(void **state)
{
    (void)state;
    struct output_generation generation = {.number = 3};
    assert_int_equal(device_memory_make(&node.outputs[0], &generation, &pool), 0);
    expect(WIRE_DEVICE_REFUSED);
    assert_string_equal(message.device_refused.output, "video");
    assert_int_equal(message.device_refused.generation, 3);
    assert_string_equal(message.device_refused.text, "it has no device open");
    open_device();
    answer = -ENOMEM;
    assert_int_equal(device_memory_make(&node.outputs[0], &generation, &pool), 0);
    expect(WIRE_DEVICE_REFUSED);
    assert_null(generation.device.bytes);
    assert_ptr_equal(forgotten, named);
    void *data;
    assert_int_equal(device_memory_loan(&generation, 0, &data), -EAGAIN);
}

static struct wire_device_link link_of(uint32_t generation)
{
    struct wire_device_link link = {
        .link_id = 5, .generation = generation, .size_bytes = POOL_BYTES, .is_trusted = true};
    memcpy(link.device.device_uuid, "the device of it", SB_DEVICE_UUID_BYTES);
    return link;
}

static struct consume_page *page_of(struct input_generation *generation)
{
    struct consume_page *page = calloc(1, layout_consume_page_bytes(DEPTH, 2));
    assert_non_null(page);
    generation->consume.bytes = page;
    return page;
}

// R-GPU-032
static void a_reader_that_refuses_says_so_and_is_not_attached(void **state)
{
    (void)state;
    struct input_link link = {.link_id = 5, .input = &node.inputs[0]};
    struct wire_device_link shown = link_of(2);
    open_device();
    answer = -EXDEV;
    assert_int_equal(device_memory_add(&link, &shown, memfd_create("unit", MFD_CLOEXEC)), 0);
    expect(WIRE_DEVICE_REFUSED);
    assert_int_equal(message.device_refused.link_id, 5);
    assert_int_equal(message.device_refused.generation, 2);
    struct input_generation generation = {
        .number = 2, .link = {.slot_count = SLOTS, .device_slot_bytes = SLOT_BYTES}};
    struct consume_page *page = page_of(&generation);
    device_memory_adopt(&link, &generation);
    assert_null(generation.device.bytes);
    assert_int_equal(atomic_load(&page->attached), 0);
    free(page);
}

// R-GPU-027
static void a_reader_is_attached_when_its_device_was_shown_the_memory(void **state)
{
    (void)state;
    struct input_link link = {.link_id = 5, .input = &node.inputs[0]};
    struct wire_device_link shown = link_of(2);
    open_device();
    assert_int_equal(device_memory_add(&link, &shown, memfd_create("unit", MFD_CLOEXEC)), 0);
    struct input_generation generation = {
        .number = 2, .link = {.slot_count = SLOTS, .device_slot_bytes = SLOT_BYTES}};
    struct consume_page *page = page_of(&generation);
    device_memory_adopt(&link, &generation);
    assert_ptr_equal(generation.device.bytes, named);
    assert_null(link.pending_device.bytes);
    assert_int_equal(atomic_load(&page->attached), 1);
    region_unmap(&node, &generation.device);
    free(page);
}

static void memory_of_another_generation_or_of_too_few_slots_is_given_up(void **state)
{
    (void)state;
    struct input_link link = {.link_id = 5, .input = &node.inputs[0]};
    open_device();
    for (uint32_t slots = SLOTS; slots <= SLOTS + 1; slots++) {
        struct wire_device_link shown = link_of(slots == SLOTS ? 2 : 3);
        assert_int_equal(device_memory_add(&link, &shown, memfd_create("unit", MFD_CLOEXEC)), 0);
        struct input_generation generation = {
            .number = 3, .link = {.slot_count = slots, .device_slot_bytes = SLOT_BYTES}};
        struct consume_page *page = page_of(&generation);
        forgotten = NULL;
        device_memory_adopt(&link, &generation);
        assert_ptr_equal(forgotten, named);
        assert_null(generation.device.bytes);
        assert_int_equal(atomic_load(&page->attached), 0);
        free(page);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_node, drop_node)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pool_is_named_by_addresses_that_nobody_can_use),
        TEST(memory_that_cannot_be_made_is_refused_with_the_reason),
        TEST(a_reader_that_refuses_says_so_and_is_not_attached),
        TEST(a_reader_is_attached_when_its_device_was_shown_the_memory),
        TEST(memory_of_another_generation_or_of_too_few_slots_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
