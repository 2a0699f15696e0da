// SPDX-License-Identifier: Apache-2.0
// Mappings that frames and buffers lie in, and the word before one of them goes.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <streambroker/memory.h>

#include "worker_rig.h"

static const struct sb_port inputs[] = {{.name = "in", .type = SB_PORT_DATA}};
static const struct sb_port outputs[] = {{.name = "out", .type = SB_PORT_DATA},
                                         {.name = "free", .type = SB_PORT_DATA}};

enum { GONE_OTHER = 100, GONE_INPUT, GONE_OUTPUT };

static struct sb_region input_region;
static struct sb_region output_region;

static void on_gone(void *data, const void *base)
{
    rig_note(base == input_region.base    ? GONE_INPUT
             : base == output_region.base ? GONE_OUTPUT
                                          : GONE_OTHER);
    assert_ptr_equal(data, &input_region);
    // It is still there: a byte of it can be read.
    rig_note(*(const volatile uint8_t *)base == 255);
}

static int listen(struct sb_node *node)
{
    sb_node_on_unmap(node, on_gone, &input_region);
    return 0;
}

static int look(struct sb_node *node, const struct sb_frame *frame)
{
    struct sb_buffer buffer = {.slot = 0};
    struct sb_buffer plug = {.slot = 0};
    struct sb_region nowhere = {.base = &buffer};
    int failed = sb_frame_region(frame, &input_region);
    failed = failed == 0 ? sb_output_claim(sb_node_output(node, "out"), 8, &buffer) : failed;
    failed = failed == 0 ? sb_output_claim(sb_node_output(node, "free"), 8, &plug) : failed;
    failed = failed == 0 ? sb_buffer_region(&buffer, &output_region) : failed;
    rig_note((uint64_t)(int64_t)failed);
    rig_note(input_region.is_writable);
    rig_note(output_region.is_writable);
    uintptr_t offset = (uintptr_t)buffer.data - (uintptr_t)output_region.base;
    rig_note(offset < output_region.size_bytes);
    rig_note((uintptr_t)input_region.base % 4096 + input_region.size_bytes % 4096);
    rig_note((uint64_t)(int64_t)sb_buffer_region(&plug, &nowhere));
    rig_note(nowhere.base == &buffer);
    struct sb_frame never = {.data = frame->data};
    rig_note((uint64_t)(int64_t)sb_frame_region(&never, &nowhere));
    sb_output_abandon(plug.output, &plug);
    rig_note((uint64_t)(int64_t)sb_buffer_region(&plug, &nowhere));
    return sb_output_publish(buffer.output, &buffer);
}

static const struct sb_processor looker = {
    .struct_size = sizeof looker,
    .name = "unit",
    .version = "1",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 2,
    .open = listen,
    .on_frame = look,
};

static struct sb_frame before;

// What is left of the frame before is only its description.
static int look_back(struct sb_node *node, const struct sb_frame *frame)
{
    struct sb_region nowhere = {.base = &before};
    (void)node;
    rig_note((uint64_t)(int64_t)sb_frame_region(&before, &nowhere));
    rig_note(nowhere.base == &before);
    rig_note((uint64_t)(int64_t)sb_frame_region(frame, &nowhere));
    before = *frame;
    return 0;
}

static const struct sb_processor backward_looker = {
    .struct_size = sizeof backward_looker,
    .name = "unit",
    .version = "1",
    .inputs = inputs,
    .input_count = 1,
    .on_frame = look_back,
};

static void expect_notes(uint32_t first, const int64_t *wanted, uint32_t count)
{
    rig_await_notes(first + count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal((int64_t)atomic_load(&rig_board->notes[first + i]), wanted[i]);
    }
}

// R-GPU-001
static void a_frame_and_a_buffer_say_which_mapping_they_lie_in(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &looker);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 4);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    assert_true(rig_put(in, 1));
    const int64_t wanted[] = {0, 0, 1, 1, 0, -ENOENT, 1, -EINVAL, -EINVAL};
    expect_notes(0, wanted, 9);
    rig_expect_frame(out, 1);
    rig_end(&rig);
}

// R-GPU-043
static void a_frame_that_was_given_back_is_refused_whatever_lies_in_its_place(void **state)
{
    (void)state;
    static const enum sb_delivery deliveries[] = {SB_DELIVERY_LOSSLESS, SB_DELIVERY_ORDERED,
                                                  SB_DELIVERY_LATEST};
    for (size_t i = 0; i < 3; i++) {
        struct rig rig;
        rig_init(&rig, &backward_looker);
        struct rig_link *in = rig_add_input(&rig, "in", deliveries[i], 4);
        rig_start(&rig);
        rig_want(&rig, WANT_RUN);
        for (uint32_t number = 1; number <= 8; number++) {
            assert_true(rig_put(in, number));
            const int64_t wanted[] = {-EINVAL, 1, 0};
            expect_notes(3 * (number - 1), wanted, 3);
        }
        rig_end(&rig);
    }
}

// R-GPU-001
static void a_mapping_that_goes_is_told_before_it_is_gone(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &looker);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 4);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    assert_true(rig_put(in, 1));
    rig_await_notes(9);
    rig_end_link(in, LINK_END_STREAM);
    const int64_t wanted[] = {GONE_OUTPUT, 0, GONE_INPUT, 0};
    expect_notes(9, wanted, 4);
    rig_finish(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_and_a_buffer_say_which_mapping_they_lie_in),
        cmocka_unit_test(a_frame_that_was_given_back_is_refused_whatever_lies_in_its_place),
        cmocka_unit_test(a_mapping_that_goes_is_told_before_it_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
