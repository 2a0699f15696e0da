// SPDX-License-Identifier: Apache-2.0
// Several links into one input, the three deliveries, and frames that are kept or given back twice.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "worker_rig.h"

static const struct sb_port inputs[] = {
    {.name = "in", .type = SB_PORT_DATA, .holds = 2},
    {.name = "other", .type = SB_PORT_DATA},
};

static int note_frame(struct sb_node *node, const struct sb_frame *frame)
{
    (void)node;
    rig_note(frame->number);
    return 0;
}

#define NODE                                                                                       \
    .struct_size = sizeof(struct sb_processor), .name = "unit", .version = "1", .inputs = inputs,  \
    .input_count = 2

static const struct sb_processor listener = {NODE, .on_frame = note_frame};

static uint64_t note_at(uint32_t index)
{
    return atomic_load(&rig_board->notes[index]);
}

// R-DATA-012
static void links_take_turns_with_at_most_eight_in_a_row(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &listener);
    struct rig_link *first = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 32);
    struct rig_link *second = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 32);
    rig_start(&rig);
    for (uint64_t number = 0; number < 20; number++) {
        assert_true(rig_put(first, number));
    }
    for (uint64_t number = 100; number < 110; number++) {
        assert_true(rig_put(second, number));
    }
    rig_end_link(first, LINK_END_STREAM);
    rig_end_link(second, LINK_END_STREAM);
    rig_want(&rig, WANT_RUN);
    assert_int_equal(rig_exit_status(&rig), 0);
    assert_int_equal(atomic_load(&rig_board->note_count), 30);
    const uint64_t starts[] = {0, 100, 8, 108, 16};
    const uint32_t counts[] = {8, 8, 8, 2, 4};
    uint32_t index = 0;
    for (uint32_t turn = 0; turn < 5; turn++) {
        for (uint32_t i = 0; i < counts[turn]; i++) {
            assert_int_equal(note_at(index++), starts[turn] + i);
        }
    }
    rig_end(&rig);
}

// R-DATA-012: the same between inputs.
static void inputs_take_turns_too(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &listener);
    struct rig_link *first = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 32);
    struct rig_link *second = rig_add_input(&rig, "other", SB_DELIVERY_LOSSLESS, 32);
    rig_start(&rig);
    for (uint64_t number = 0; number < 9; number++) {
        assert_true(rig_put(first, number));
        assert_true(rig_put(second, 100 + number));
    }
    rig_end_link(first, LINK_END_STREAM);
    rig_end_link(second, LINK_END_STREAM);
    rig_want(&rig, WANT_RUN);
    assert_int_equal(rig_exit_status(&rig), 0);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(note_at(i), i);
        assert_int_equal(note_at(8 + i), 100 + i);
    }
    assert_int_equal(note_at(16), 8);
    assert_int_equal(note_at(17), 108);
    rig_end(&rig);
}

static void expect_last_notes(struct rig *rig, const uint64_t *wanted, uint32_t count,
                              struct rig_link *link, uint64_t evicted)
{
    const struct consume_page *page = rig_now(link)->consume.bytes;
    rig_end_link(link, LINK_END_STREAM);
    rig_want(rig, WANT_RUN);
    assert_int_equal(rig_exit_status(rig), 0);
    assert_int_equal(atomic_load(&rig_board->note_count), count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(note_at(i), wanted[i]);
    }
    assert_int_equal(atomic_load(&page->evicted), evicted);
    assert_int_equal(atomic_load(&page->next), 11);
}

// R-DATA-004, R-DATA-008, R-DATA-015
static void an_ordered_link_keeps_the_newest_in_order(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &listener);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_ORDERED, 4);
    rig_start(&rig);
    for (uint64_t number = 1; number <= 10; number++) {
        assert_true(rig_put(in, number));
    }
    const uint64_t wanted[] = {7, 8, 9, 10};
    expect_last_notes(&rig, wanted, 4, in, 6);
    rig_end(&rig);
}

// R-DATA-005, R-DATA-008
static void a_latest_link_gives_the_newest_only(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &listener);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LATEST, 4);
    rig_start(&rig);
    for (uint64_t number = 1; number <= 10; number++) {
        assert_true(rig_put(in, number));
    }
    const uint64_t wanted[] = {10};
    expect_last_notes(&rig, wanted, 1, in, 9);
    rig_end(&rig);
}

static void note_result(int result)
{
    rig_note((uint64_t)(int64_t)result);
}

static int64_t result_at(uint32_t index)
{
    rig_await_notes(index + 1);
    return (int64_t)note_at(index);
}

static struct sb_frame kept[4];

static int misuse_frame(struct sb_node *node, const struct sb_frame *frame)
{
    (void)node;
    if (frame->number <= 2) {
        note_result(sb_frame_hold(frame, &kept[frame->number]));
        // Kept once is kept; a second hold of it would be released twice.
        note_result(sb_frame_hold(frame, &kept[0]));
        return 0;
    }
    if (frame->number == 3) {
        // As many as the port declares are held.
        note_result(sb_frame_hold(frame, &kept[3]));
        note_result(sb_frame_release(&kept[1]));
        note_result(sb_frame_release(&kept[1]));
        note_result(sb_frame_hold(frame, &kept[3]));
        return 0;
    }
    struct sb_frame nobody = {0};
    struct sb_frame never = *frame;
    never.lease = 99;
    note_result(sb_frame_release(&nobody));
    note_result(sb_frame_hold(&nobody, &kept[0]));
    note_result(sb_frame_release(&never));
    note_result(sb_frame_hold(&never, &kept[0]));
    note_result(sb_frame_release(frame));
    note_result(sb_frame_release(frame));
    note_result(sb_frame_hold(frame, &kept[0]));
    // The bytes of what is held are still there.
    rig_note(*(const uint64_t *)kept[2].data);
    rig_note(*(const uint64_t *)kept[3].data);
    return 0;
}

static const struct sb_processor misuser = {NODE, .on_frame = misuse_frame};

// R-WORKER-018, R-WORKER-022, R-DATA-017, R-STEP-017
static void holding_and_releasing_wrongly_is_an_error_and_changes_nothing(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &misuser);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 8);
    in->claims = 4;
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    for (uint64_t number = 1; number <= 4; number++) {
        assert_true(rig_put(in, number));
    }
    const int64_t wanted[] = {0,       -EINVAL, 0,       -EINVAL, -EBUSY,  0,
                              -EINVAL, 0,       -EINVAL, -EINVAL, -EINVAL, -EINVAL,
                              0,       -EINVAL, -EINVAL, 2,       3};
    for (uint32_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_int_equal(result_at(i), wanted[i]);
    }
    const struct consume_page *page = rig_now(in)->consume.bytes;
    rig_await_phase(&rig, WORKER_IDLE);
    // Frame 1 went back, 2 and 3 are held: cells retire in order.
    assert_int_equal(atomic_load(&page->retired), 1);
    rig_end_link(in, LINK_END_STREAM);
    assert_int_equal(rig_exit_status(&rig), 0);
    assert_int_equal(atomic_load(&page->retired), 4);
    rig_end(&rig);
}

static int take_for_a_life(struct sb_node *node)
{
    struct sb_input *in = sb_node_input(node, "in");
    struct sb_frame frames[4];
    note_result(sb_input_take(in, &frames[0]));
    note_result(sb_input_wait(in, INT64_MAX));
    rig_wait_gate(0);
    for (int i = 0; i < 4; i++) {
        note_result(sb_input_take(in, &frames[i]));
    }
    note_result(sb_frame_release(&frames[0]));
    note_result(sb_input_take_latest(in, &frames[0]));
    rig_note(frames[0].number);
    for (int i = 0; i < 3; i++) {
        note_result(sb_frame_release(&frames[i]));
    }
    note_result(sb_input_wait(in, INT64_MAX));
    note_result(sb_input_take(in, &frames[0]));
    note_result(sb_input_is_ended(in));
    return 0;
}

static const struct sb_processor taker = {NODE, .mode = SB_MODE_MANUAL, .run = take_for_a_life};

static void a_manual_node_takes_as_many_as_it_may_and_sees_the_end(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &taker);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 8);
    in->claims = 3;
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    assert_int_equal(result_at(0), 0);
    for (uint64_t number = 1; number <= 6; number++) {
        assert_true(rig_put(in, number));
    }
    rig_open_gate(0);
    const int64_t wanted[] = {0, 1, 1, 1, 1, -EBUSY, 0, 1, 6, 0, 0, 0};
    for (uint32_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_int_equal(result_at(i), wanted[i]);
    }
    rig_end_link(in, LINK_END_STREAM);
    assert_int_equal(result_at(12), 1);
    assert_int_equal(result_at(13), -EPIPE);
    assert_int_equal(result_at(14), 1);
    assert_int_equal(rig_exit_status(&rig), 0);
    const struct consume_page *page = rig_now(in)->consume.bytes;
    assert_int_equal(atomic_load(&page->retired), 6);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_take_turns_with_at_most_eight_in_a_row),
        cmocka_unit_test(inputs_take_turns_too),
        cmocka_unit_test(an_ordered_link_keeps_the_newest_in_order),
        cmocka_unit_test(a_latest_link_gives_the_newest_only),
        cmocka_unit_test(holding_and_releasing_wrongly_is_an_error_and_changes_nothing),
        cmocka_unit_test(a_manual_node_takes_as_many_as_it_may_and_sees_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
