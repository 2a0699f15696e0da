// SPDX-License-Identifier: Apache-2.0
// When a reactive node is called, and with which frames.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "worker_rig.h"

#define CALL UINT64_C(1000000)  // a call, plus the number of its frames

static int note_frames(struct sb_node *node, const struct sb_frame *frames, size_t count)
{
    (void)node;
    for (size_t i = 0; i < count; i++) {
        rig_note(frames[i].number);
    }
    rig_note(CALL + count);
    return 0;
}

static const struct sb_port inputs[] = {
    {.name = "left", .type = SB_PORT_DATA, .is_optional = true},
    {.name = "right", .type = SB_PORT_DATA, .is_optional = true},
};

static const struct sb_processor collector = {
    .struct_size = sizeof collector,
    .name = "collector",
    .version = "1",
    .inputs = inputs,
    .input_count = 2,
    .on_frames = note_frames,
};

static void expect_notes(const uint64_t *notes, uint32_t count)
{
    rig_await_notes(count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(atomic_load(&rig_board->notes[i]), notes[i]);
    }
}

#define EXPECT_NOTES(...)                                                                          \
    do {                                                                                           \
        const uint64_t wanted[] = {__VA_ARGS__};                                                   \
        expect_notes(wanted, (uint32_t)(sizeof wanted / sizeof wanted[0]));                        \
    } while (0)

// R-STEP-006, R-STEP-001
static void any_runs_once_per_frame_of_any_input(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &collector);
    struct rig_link *left = rig_add_input(&rig, "left", SB_DELIVERY_LOSSLESS, 8);
    struct rig_link *right = rig_add_input(&rig, "right", SB_DELIVERY_LOSSLESS, 8);
    rig_start(&rig);
    rig_put(left, 1);
    rig_put(left, 2);
    rig_put(right, 21);
    rig_want(&rig, WANT_RUN);
    EXPECT_NOTES(1, CALL + 1, 2, CALL + 1, 21, CALL + 1);
    rig_await_phase(&rig, WORKER_IDLE);
    rig_put(right, 22);
    EXPECT_NOTES(1, CALL + 1, 2, CALL + 1, 21, CALL + 1, 22, CALL + 1);
    rig_end_link(left, LINK_END_STREAM);
    rig_end_link(right, LINK_END_STREAM);
    rig_finish(&rig);
}

// R-STEP-007
static void all_takes_one_of_each_and_one_frame_stays(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &collector);
    rig.setup.activation = SB_ACTIVATE_ALL;
    struct rig_link *left = rig_add_input(&rig, "left", SB_DELIVERY_LOSSLESS, 8);
    struct rig_link *right = rig_add_input(&rig, "right", SB_DELIVERY_LOSSLESS, 8);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_put(left, 1);
    rig_put(left, 2);
    rig_put(left, 3);
    rig_put(right, 21);
    rig_put(right, 22);
    EXPECT_NOTES(1, 21, CALL + 2, 2, 22, CALL + 2);
    rig_await_phase(&rig, WORKER_IDLE);
    assert_int_equal(atomic_load(&rig_board->note_count), 6);
    assert_int_equal(atomic_load(&rig.status->frames_in), 4);
    // An input that has ended takes part no longer: the frame that stayed comes now.
    rig_end_link(right, LINK_END_STREAM);
    EXPECT_NOTES(1, 21, CALL + 2, 2, 22, CALL + 2, 3, CALL + 1);
    rig_end_link(left, LINK_END_STREAM);
    rig_finish(&rig);
}

// R-NEG-016, R-STEP-007
static void all_is_not_held_up_by_an_unlinked_input(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &collector);
    rig.setup.activation = SB_ACTIVATE_ALL;
    struct rig_link *left = rig_add_input(&rig, "left", SB_DELIVERY_LOSSLESS, 8);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_put(left, 7);
    EXPECT_NOTES(7, CALL + 1);
    rig_end_link(left, LINK_END_STREAM);
    rig_finish(&rig);
}

// R-STEP-008
static void batch_takes_exactly_that_many_and_the_rest_stays_until_the_end(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &collector);
    rig.setup.activation = SB_ACTIVATE_BATCH;
    rig.setup.batch_count = 3;
    struct rig_link *left = rig_add_input(&rig, "left", SB_DELIVERY_LOSSLESS, 16);
    left->claims = 4;
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    for (uint64_t number = 1; number <= 7; number++) {
        rig_put(left, number);
    }
    EXPECT_NOTES(1, 2, 3, CALL + 3, 4, 5, 6, CALL + 3);
    rig_await_phase(&rig, WORKER_IDLE);
    assert_int_equal(atomic_load(&rig.status->frames_in), 6);
    rig_end_link(left, LINK_END_STREAM);
    EXPECT_NOTES(1, 2, 3, CALL + 3, 4, 5, 6, CALL + 3, 7, CALL + 1);
    rig_finish(&rig);
}

// R-STEP-008: two links into one port, another port unlinked.
static void batch_is_complete_with_frames_of_several_links(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &collector);
    rig.setup.activation = SB_ACTIVATE_BATCH;
    rig.setup.batch_count = 4;
    struct rig_link *first = rig_add_input(&rig, "left", SB_DELIVERY_LOSSLESS, 8);
    struct rig_link *second = rig_add_input(&rig, "left", SB_DELIVERY_LOSSLESS, 8);
    first->claims = 5;
    second->claims = 5;
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_await_phase(&rig, WORKER_IDLE);
    rig_put(first, 1);
    rig_put(first, 2);
    rig_put(second, 21);
    rig_put(second, 22);
    EXPECT_NOTES(1, 2, 21, 22, CALL + 4);
    rig_end_link(first, LINK_END_STREAM);
    rig_end_link(second, LINK_END_STREAM);
    rig_finish(&rig);
}

// R-STEP-009
static void batch_with_a_limit_is_handed_over_incomplete(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &collector);
    rig.setup.activation = SB_ACTIVATE_BATCH;
    rig.setup.batch_count = 8;
    rig.setup.batch_within_ns = 50 * CLOCK_NS_PER_MS;
    struct rig_link *left = rig_add_input(&rig, "left", SB_DELIVERY_LOSSLESS, 16);
    left->claims = 9;
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    int64_t begun_ns = clock_now_ns();
    rig_put(left, 1);
    rig_put(left, 2);
    EXPECT_NOTES(1, 2, CALL + 2);
    assert_true(clock_now_ns() - begun_ns >= 50 * CLOCK_NS_PER_MS);
    rig_end_link(left, LINK_END_STREAM);
    rig_finish(&rig);
}

static int note_times(struct sb_node *node, const struct sb_frame *frames, size_t count)
{
    (void)node;
    (void)frames;
    rig_note((uint64_t)sb_now_ns());
    rig_note(count);
    return 0;
}

static const struct sb_processor timed = {
    .struct_size = sizeof timed,
    .name = "timed",
    .version = "1",
    .inputs = inputs,
    .input_count = 2,
    .on_frames = note_times,
};

// R-STEP-010
static void every_runs_once_per_interval_and_loses_nothing(void **state)
{
    (void)state;
    const int64_t every_ns = 100 * CLOCK_NS_PER_MS;
    struct rig rig;
    rig_init(&rig, &timed);
    rig.setup.activation = SB_ACTIVATE_EVERY;
    rig.setup.every_ns = every_ns;
    struct rig_link *left = rig_add_input(&rig, "left", SB_DELIVERY_LOSSLESS, 16);
    left->claims = 16;
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_put(left, 0);
    rig_await_notes(2);
    for (uint64_t number = 1; number < 10; number++) {
        rig_put(left, number);
    }
    rig_await_notes(4);
    rig_put(left, 10);
    rig_end_link(left, LINK_END_STREAM);
    rig_finish(&rig);
}

static void every_interval_is_kept(void **state)
{
    (void)state;
    const int64_t every_ns = 100 * CLOCK_NS_PER_MS;
    struct rig rig;
    rig_init(&rig, &timed);
    rig.setup.activation = SB_ACTIVATE_EVERY;
    rig.setup.every_ns = every_ns;
    struct rig_link *left = rig_add_input(&rig, "left", SB_DELIVERY_LOSSLESS, 16);
    left->claims = 16;
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    for (uint64_t number = 0; number < 10; number++) {
        rig_put(left, number);
        rig_ring(&rig);
    }
    rig_end_link(left, LINK_END_STREAM);
    assert_int_equal(rig_exit_status(&rig), 0);
    uint32_t count = atomic_load(&rig_board->note_count);
    uint64_t frames = 0;
    for (uint32_t i = 0; i < count; i += 2) {
        frames += atomic_load(&rig_board->notes[i + 1]);
        if (i > 0) {
            int64_t gap_ns = (int64_t)(atomic_load(&rig_board->notes[i]) -
                                       atomic_load(&rig_board->notes[i - 2]));
            assert_true(gap_ns >= every_ns - CLOCK_NS_PER_MS);
        }
    }
    assert_int_equal(frames, 10);
    rig_end(&rig);
}

static int note_format(struct sb_node *node, struct sb_input *input, const struct sb_format *format)
{
    (void)node;
    (void)input;
    rig_note(CALL * 2 + (format->name[0] == '\0' ? 0 : 1));
    return 0;
}

static const struct sb_processor formatted = {
    .struct_size = sizeof formatted,
    .name = "formatted",
    .version = "1",
    .inputs = inputs,
    .input_count = 2,
    .on_frames = note_frames,
    .on_format = note_format,
};

// R-DATA-030: on_format() is called between the last frame of the old and the first of the new.
static void a_batch_never_spans_two_formats(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &formatted);
    rig.setup.activation = SB_ACTIVATE_BATCH;
    rig.setup.batch_count = 4;
    struct rig_link *left = rig_add_input(&rig, "left", SB_DELIVERY_LOSSLESS, 16);
    left->claims = 5;
    rig_start(&rig);
    rig_put(left, 1);
    rig_put(left, 2);
    rig_end_link(left, LINK_END_GENERATION);
    left->format = (struct sb_format){.kind = SB_FORMAT_BINARY, .name = "image/png"};
    rig_wire(left, 0);
    rig_put(left, 3);
    rig_put(left, 4);
    rig_put(left, 5);
    rig_put(left, 6);
    rig_end_link(left, LINK_END_STREAM);
    rig_want(&rig, WANT_RUN);
    EXPECT_NOTES(2 * CALL, 1, 2, CALL + 2, 2 * CALL + 1, 3, 4, 5, 6, CALL + 4);
    rig_finish(&rig);
}

// R-STEP-008, R-DATA-030
static void a_batch_is_complete_across_a_resize(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &formatted);
    rig.setup.activation = SB_ACTIVATE_BATCH;
    rig.setup.batch_count = 4;
    struct rig_link *left = rig_add_input(&rig, "left", SB_DELIVERY_LOSSLESS, 16);
    left->claims = 5;
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_put(left, 1);
    rig_put(left, 2);
    rig_end_link(left, LINK_END_GENERATION);
    rig_wire(left, 0);
    rig_await_phase(&rig, WORKER_IDLE);
    rig_put(left, 3);
    rig_put(left, 4);
    EXPECT_NOTES(2 * CALL, 1, 2, 3, 4, CALL + 4);
    rig_end_link(left, LINK_END_STREAM);
    rig_finish(&rig);
}

// R-STEP-008, R-DATA-030: its producer was started again after each frame.
static void a_batch_is_complete_across_many_lives_of_a_producer(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &formatted);
    rig.setup.activation = SB_ACTIVATE_BATCH;
    rig.setup.batch_count = 4;
    struct rig_link *left = rig_add_input(&rig, "left", SB_DELIVERY_LOSSLESS, 16);
    left->claims = 5;
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    for (uint64_t number = 1; number < 4; number++) {
        rig_put(left, number);
        rig_end_link(left, LINK_END_GENERATION);
        rig_wire(left, number + 1);
    }
    rig_await_phase(&rig, WORKER_IDLE);
    rig_put(left, 4);
    EXPECT_NOTES(2 * CALL, 1, 2, 3, 4, CALL + 4);
    rig_end_link(left, LINK_END_STREAM);
    rig_finish(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_runs_once_per_frame_of_any_input),
        cmocka_unit_test(all_takes_one_of_each_and_one_frame_stays),
        cmocka_unit_test(all_is_not_held_up_by_an_unlinked_input),
        cmocka_unit_test(batch_takes_exactly_that_many_and_the_rest_stays_until_the_end),
        cmocka_unit_test(batch_is_complete_with_frames_of_several_links),
        cmocka_unit_test(batch_with_a_limit_is_handed_over_incomplete),
        cmocka_unit_test(every_runs_once_per_interval_and_loses_nothing),
        cmocka_unit_test(every_interval_is_kept),
        cmocka_unit_test(a_batch_never_spans_two_formats),
        cmocka_unit_test(a_batch_is_complete_across_a_resize),
        cmocka_unit_test(a_batch_is_complete_across_many_lives_of_a_producer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
