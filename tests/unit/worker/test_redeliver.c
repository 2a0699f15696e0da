// SPDX-License-Identifier: Apache-2.0
// Frames that a life before this one had taken and not released: first, flagged, in their steps.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "worker_rig.h"

#define CALL UINT64_C(1000000)  // a call, plus the number of its frames
#define AGAIN UINT64_C(1000)    // a frame that is flagged, times its attempt

static int note_frames(struct sb_node *node, const struct sb_frame *frames, size_t count)
{
    (void)node;
    for (size_t i = 0; i < count; i++) {
        bool is_again = (frames[i].flags & SB_FRAME_REDELIVERED) != 0;
        rig_note(frames[i].number + (is_again ? AGAIN * frames[i].attempt : 0));
    }
    rig_note(CALL + count);
    return 0;
}

static const struct sb_port inputs[] = {
    {.name = "in", .type = SB_PORT_DATA},
    {.name = "other", .type = SB_PORT_DATA, .is_optional = true},
};

static const struct sb_processor collector = {
    .struct_size = sizeof collector,
    .name = "unit",
    .version = "1",
    .inputs = inputs,
    .input_count = 2,
    .on_frames = note_frames,
};

static struct rig_link *add_link(struct rig *rig, const char *port, uint64_t taken, bool is_single)
{
    struct rig_link *link = rig_add_input(rig, port, SB_DELIVERY_LOSSLESS, 16);
    link->claims = 8;
    link->taken = taken;
    link->attempt = taken > 0 ? 2 : 1;
    link->is_single = is_single;
    return link;
}

static void put_frames(struct rig_link *link, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        assert_true(rig_put(link, number));
    }
    rig_end_link(link, LINK_END_STREAM);
}

static void expect_notes(struct rig *rig, const uint64_t *wanted, uint32_t count)
{
    rig_want(rig, WANT_RUN);
    assert_int_equal(rig_exit_status(rig), 0);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(atomic_load(&rig_board->notes[i]), wanted[i]);
    }
    assert_int_equal(atomic_load(&rig_board->note_count), count);
    rig_end(rig);
}

#define EXPECT_NOTES(rig, ...)                                                                     \
    do {                                                                                           \
        const uint64_t wanted[] = {__VA_ARGS__};                                                   \
        expect_notes(rig, wanted, (uint32_t)(sizeof wanted / sizeof wanted[0]));                   \
    } while (0)

// R-DATA-024
static void frames_that_were_taken_come_again_with_their_flag(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &collector);
    struct rig_link *in = add_link(&rig, "in", 2, false);
    rig_start(&rig);
    put_frames(in, 1, 3);
    EXPECT_NOTES(&rig, 2 * AGAIN + 1, CALL + 1, 2 * AGAIN + 2, CALL + 1, 3, CALL + 1);
}

// R-STEP-015: one of them kills its reader; alone in its step it is found.
static void a_batch_comes_again_one_by_one_when_a_frame_is_suspected(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &collector);
    rig.setup.activation = SB_ACTIVATE_BATCH;
    rig.setup.batch_count = 3;
    struct rig_link *in = add_link(&rig, "in", 2, true);
    rig_start(&rig);
    put_frames(in, 1, 5);
    EXPECT_NOTES(&rig, 2 * AGAIN + 1, CALL + 1, 2 * AGAIN + 2, CALL + 1, 3, 4, 5, CALL + 3);
}

// R-STEP-014: a step that some outputs have already comes again as the step that it was.
static void a_batch_comes_again_whole_when_an_output_has_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &collector);
    rig.setup.activation = SB_ACTIVATE_BATCH;
    rig.setup.batch_count = 3;
    struct rig_link *in = add_link(&rig, "in", 2, false);
    rig_start(&rig);
    put_frames(in, 1, 5);
    EXPECT_NOTES(&rig, 2 * AGAIN + 1, 2 * AGAIN + 2, CALL + 2, 3, 4, 5, CALL + 3);
}

// R-DATA-024: whatever turn it would be.
static void they_come_before_frames_of_other_links(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &collector);
    struct rig_link *first = add_link(&rig, "in", 0, false);
    struct rig_link *second = add_link(&rig, "in", 1, false);
    struct rig_link *other = add_link(&rig, "other", 1, false);
    rig_start(&rig);
    put_frames(first, 1, 2);
    put_frames(second, 21, 22);
    put_frames(other, 41, 41);
    rig_want(&rig, WANT_RUN);
    assert_int_equal(rig_exit_status(&rig), 0);
    assert_int_equal(atomic_load(&rig_board->notes[0]), 2 * AGAIN + 21);
    assert_int_equal(atomic_load(&rig_board->notes[2]), 2 * AGAIN + 41);
    assert_int_equal(atomic_load(&rig_board->note_count), 10);
    rig_end(&rig);
}

// R-STEP-007: what was taken of one input meets the next of the other.
static void all_pairs_them_as_always(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &collector);
    rig.setup.activation = SB_ACTIVATE_ALL;
    struct rig_link *in = add_link(&rig, "in", 1, false);
    struct rig_link *other = add_link(&rig, "other", 0, false);
    rig_start(&rig);
    put_frames(in, 1, 2);
    put_frames(other, 41, 42);
    EXPECT_NOTES(&rig, 2 * AGAIN + 1, 41, CALL + 2, 2, 42, CALL + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_that_were_taken_come_again_with_their_flag),
        cmocka_unit_test(a_batch_comes_again_one_by_one_when_a_frame_is_suspected),
        cmocka_unit_test(a_batch_comes_again_whole_when_an_output_has_it),
        cmocka_unit_test(they_come_before_frames_of_other_links),
        cmocka_unit_test(all_pairs_them_as_always),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
