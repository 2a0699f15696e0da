// SPDX-License-Identifier: Apache-2.0
// The memory of an output: shared by its links, checked before it is used, given up link by link.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "shm/segment.h"
#include "worker_rig.h"

static const struct sb_port outputs[] = {{.name = "out", .type = SB_PORT_DATA}};

static int publish_many(struct sb_node *node)
{
    struct sb_output *out = sb_node_output(node, "out");
    for (uint64_t number = 1; number <= 6; number++) {
        struct sb_buffer buffer;
        int failed = sb_output_claim(out, RIG_PAYLOAD_BYTES, &buffer);
        if (failed != 0) {
            return failed;
        }
        buffer.number = number;
        sb_output_publish(out, &buffer);
        rig_note(number);
    }
    // Until the broker stops it.
    while (sb_node_wait(node, INT64_MAX) != -ECANCELED) {
    }
    return 0;
}

static const struct sb_processor source = {
    .struct_size = sizeof source,
    .name = "unit",
    .version = "1",
    .outputs = outputs,
    .output_count = 1,
    .mode = SB_MODE_MANUAL,
    .run = publish_many,
};

static void start(struct rig *rig, struct rig_link **out_first, struct rig_link **out_second)
{
    rig_init(rig, &source);
    *out_first = rig_add_output(rig, "out", SB_DELIVERY_LOSSLESS, 4);
    *out_second = rig_add_output(rig, "out", SB_DELIVERY_LOSSLESS, 4);
    (*out_first)->slots = (*out_second)->slots = 4 + 2 + 2 + 1;
    rig_start(rig);
    rig_want(rig, WANT_RUN);
}

// R-DATA-002: both links name the same slot of the one pool.
static void links_of_an_output_share_each_slot(void **state)
{
    (void)state;
    struct rig rig;
    struct rig_link *first;
    struct rig_link *second;
    start(&rig, &first, &second);
    struct ring_lease one;
    struct ring_lease two;
    uint64_t number = 0;
    for (uint64_t wanted = 1; wanted <= 6; wanted++) {
        assert_true(rig_take(first, &one, &number));
        assert_int_equal(number, wanted);
        assert_true(rig_take(second, &two, &number));
        assert_int_equal(number, wanted);
        assert_int_equal(one.slot, two.slot);
        rig_release(first, &one);
        rig_release(second, &two);
    }
    rig_want(&rig, WANT_STOP);
    rig_finish(&rig);
}

// R-DATA-017: a slot that one link still holds is not used again, and the producer goes on.
static void a_slot_is_free_when_all_links_gave_it_back(void **state)
{
    (void)state;
    struct rig rig;
    struct rig_link *first;
    struct rig_link *second;
    start(&rig, &first, &second);
    struct ring_lease kept;
    uint64_t number = 0;
    assert_true(rig_take(second, &kept, &number));
    struct ring_lease other;
    assert_true(rig_take(second, &other, &number));
    rig_release(second, &other);
    for (uint64_t wanted = 1; wanted <= 4; wanted++) {
        struct ring_lease lease;
        assert_true(rig_take(first, &lease, &number));
        assert_true((wanted == 1) == (lease.slot == kept.slot));
        rig_release(first, &lease);
    }
    // Frame 1 is the head of the second link: its cell, and so the producer, waits for it.
    rig_await_notes(4);
    rig_await_phase(&rig, WORKER_NO_SPACE);
    assert_int_equal(atomic_load(&rig_board->note_count), 4);
    rig_release(second, &kept);
    rig_expect_frame(first, 5);
    rig_want(&rig, WANT_STOP);
    rig_finish(&rig);
}

// R-DATA-019: a producer that waits for a link hears that it is gone.
static void a_link_that_is_gone_is_waited_for_no_longer(void **state)
{
    (void)state;
    struct rig rig;
    struct rig_link *first;
    struct rig_link *second;
    start(&rig, &first, &second);
    for (uint64_t number = 1; number <= 4; number++) {
        rig_expect_frame(first, number);
    }
    rig_await_phase(&rig, WORKER_NO_SPACE);
    rig_begin(&rig, WIRE_UNLINK)->unlink.link_id = second->id;
    rig_send(&rig, NULL, 0);
    rig_expect_frame(first, 5);
    rig_expect_frame(first, 6);
    rig_want(&rig, WANT_STOP);
    assert_int_equal(rig_exit_status(&rig), 0);
    assert_int_equal(atomic_load(&rig.status->frames_out), 6);
    rig_end(&rig);
}

static void expect_refusal(enum wire_memory_kind kind, uint32_t generation, uint32_t slots,
                           uint32_t depth)
{
    struct rig rig;
    struct rig_link *first;
    struct rig_link *second;
    start(&rig, &first, &second);
    uint64_t size = 0;
    int fd = segment_create("small", 4096, SEGMENT_NORMAL, &size);
    assert_true(fd >= 0);
    struct wire_memory *memory = &rig_begin(&rig, WIRE_MEMORY)->memory;
    memory->serial = ++rig.serial;
    memory->kind = kind;
    memory->size_bytes = size;
    memory->generation = generation;
    if (kind == WIRE_MEMORY_POOL) {
        text_copy(memory->output, sizeof memory->output, "out");
        memory->slot_count = slots;
        memory->payload_bytes = 64;
        memory->format = (struct sb_format){.kind = SB_FORMAT_BINARY};
    } else {
        memory->link_id = first->id;
        memory->depth = depth;
    }
    rig_send(&rig, &fd, 1);
    close(fd);
    assert_int_equal(rig_exit_status(&rig), SB_EXIT_FAILED);
    assert_true(rig_has_logged(&rig, "control message refused"));
    rig_end(&rig);
}

// R-DATA-022: numbers that do not describe the memory, and memory that is there already.
static void memory_that_is_not_what_it_says_is_refused(void **state)
{
    (void)state;
    expect_refusal(WIRE_MEMORY_POOL, 2, 1000, 0);
    expect_refusal(WIRE_MEMORY_POOL, 1, 4, 0);
    expect_refusal(WIRE_MEMORY_PUBLISH, 2, 0, 1024);
    expect_refusal(WIRE_MEMORY_PUBLISH, 1, 0, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_of_an_output_share_each_slot),
        cmocka_unit_test(a_slot_is_free_when_all_links_gave_it_back),
        cmocka_unit_test(a_link_that_is_gone_is_waited_for_no_longer),
        cmocka_unit_test(memory_that_is_not_what_it_says_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
