// SPDX-License-Identifier: Apache-2.0
// Waiting: for frames, for one input of several, to a deadline, until a pause or a stop.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/clock.h"
#include "worker/rest.h"
#include "worker_rig.h"

static const struct sb_port inputs[] = {
    {.name = "in", .type = SB_PORT_DATA},
    {.name = "other", .type = SB_PORT_DATA, .is_optional = true},
};

#define WAITER(function)                                                                           \
    {                                                                                              \
        .struct_size = sizeof(struct sb_processor), .name = "unit", .version = "1",                \
        .inputs = inputs, .input_count = 2, .mode = SB_MODE_MANUAL, .run = (function)              \
    }

static int wait_to_deadlines(struct sb_node *node)
{
    int64_t begun_ns = sb_now_ns();
    rig_note_result(sb_node_wait(node, begun_ns + 20 * CLOCK_NS_PER_MS));
    rig_note((uint64_t)(sb_now_ns() - begun_ns));
    rig_note_result(sb_node_wait(node, 0));
    rig_note_result(sb_input_wait(sb_node_input(node, "in"), begun_ns));
    return 0;
}

static const struct sb_processor punctual = WAITER(wait_to_deadlines);

static void a_deadline_ends_a_wait_and_not_before(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &punctual);
    rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    assert_int_equal(rig_note_at(0), 0);
    assert_true(rig_note_at(1) >= 20 * CLOCK_NS_PER_MS);
    assert_int_equal(rig_note_at(2), 0);
    assert_int_equal(rig_note_at(3), 0);
    rig_finish(&rig);
}

static int wait_for_one(struct sb_node *node)
{
    struct sb_input *in = sb_node_input(node, "in");
    rig_note(0);
    rig_note_result(sb_input_wait(in, INT64_MAX));
    struct sb_frame frame;
    rig_note_result(sb_input_take(in, &frame));
    rig_note(frame.number);
    // The frame of the other input has waited all the time.
    rig_note_result(sb_node_wait(node, INT64_MAX));
    rig_note_result(sb_input_take(sb_node_input(node, "other"), &frame));
    return 0;
}

static const struct sb_processor choosy = WAITER(wait_for_one);

// R-DATA-019
static void a_wait_for_one_input_passes_by_the_others(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &choosy);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    struct rig_link *other = rig_add_input(&rig, "other", SB_DELIVERY_LOSSLESS, 4);
    rig_start(&rig);
    rig_put(other, 5);
    rig_want(&rig, WANT_RUN);
    assert_int_equal(rig_note_at(0), 0);
    rig_await_phase(&rig, WORKER_IDLE);
    rig_put(other, 6);
    rig_ring(&rig);
    assert_int_equal(atomic_load(&rig_board->note_count), 1);
    rig_put(in, 7);
    const int64_t wanted[] = {0, 1, 1, 7, 1, 1};
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(rig_note_at(i), wanted[i]);
    }
    rig_finish(&rig);
}

// The first pause is there before the wait, the second comes while it sleeps.
static int wait_twice(struct sb_node *node)
{
    rig_note(0);
    rig_wait_gate(0);
    rig_note_result(sb_node_wait(node, INT64_MAX));
    rig_note_result(sb_node_is_paused(node));
    rig_note_result(sb_node_wait(node, INT64_MAX));
    rig_note_result(sb_node_wait(node, INT64_MAX));
    return 0;
}

static const struct sb_processor patient = WAITER(wait_twice);

// R-STEP-003, R-STEP-016
static void a_pause_and_a_stop_end_a_wait_each_in_its_way(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &patient);
    rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    assert_int_equal(rig_note_at(0), 0);
    rig_want(&rig, WANT_PAUSE);
    rig_open_gate(0);
    assert_int_equal(rig_note_at(1), 0);
    assert_int_equal(rig_note_at(2), 1);
    rig_want(&rig, WANT_RUN);
    rig_await_phase(&rig, WORKER_IDLE);
    rig_want(&rig, WANT_PAUSE);
    assert_int_equal(rig_note_at(3), 0);
    rig_want(&rig, WANT_STOP);
    assert_int_equal(rig_note_at(4), -ECANCELED);
    rig_finish(&rig);
}

static int note_frame(struct sb_node *node, const struct sb_frame *frame)
{
    (void)node;
    rig_note(frame->number);
    return 0;
}

static const struct sb_processor listener = {
    .struct_size = sizeof listener,
    .name = "unit",
    .version = "1",
    .inputs = inputs,
    .input_count = 2,
    .on_frame = note_frame,
};

static void run_ping_pong(bool is_auto, int64_t spin_ns)
{
    struct rig rig;
    rig_init(&rig, &listener);
    rig.setup.is_spin_auto = is_auto;
    rig.setup.spin_ns = spin_ns;
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    // Each one goes only when the one before was handled: the reader sleeps or spins each time.
    for (uint32_t number = 0; number < 500; number++) {
        assert_true(rig_put(in, number));
        assert_int_equal(rig_note_at(number), number);
    }
    rig_end_link(in, LINK_END_STREAM);
    rig_finish(&rig);
}

// R-DATA-019
static void no_frame_is_slept_through_with_any_spin(void **state)
{
    (void)state;
    run_ping_pong(false, 0);
    run_ping_pong(true, 0);
    run_ping_pong(false, 30 * CLOCK_NS_PER_US);
}

// R-DATA-021: CPU time of the child, read when it is gone.
static void a_node_that_waits_uses_no_cpu(void **state)
{
    (void)state;
    struct rusage before;
    struct rusage after;
    struct rig rig;
    rig_init(&rig, &punctual);
    rig.setup.mode = SB_MODE_MANUAL;
    rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    getrusage(RUSAGE_CHILDREN, &before);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    assert_int_equal(rig_exit_status(&rig), 0);
    getrusage(RUSAGE_CHILDREN, &after);
    // It waited once for 20 ms: whoever wakes up more than a few times there polls.
    assert_true(after.ru_nvcsw - before.ru_nvcsw < 200);
    rig_end(&rig);
}

// A reader at seq 1 of a ring of 64 cells whose writer has published up to tail.
static void set_up_reader(struct ring_reader *reader, struct publish_page *page, uint64_t tail)
{
    *reader = (struct ring_reader){.config = {.peer = page, .depth = 64}, .next = 1};
    atomic_store(&page->tail, tail);
}

static void a_reader_with_a_quarter_ahead_looks_again_after_half_of_it(void **state)
{
    (void)state;
    struct publish_page page = {.depth = 64};
    struct ring_reader reader;
    set_up_reader(&reader, &page, 16);
    reader.pace_ns = clock_now_ns();
    rest_keep_distance(&reader);
    assert_int_equal(reader.pace_seq, 1 + 16 / 2 + 1);
    assert_int_equal(reader.pace_ns, 0);
}

static void a_reader_close_behind_looks_at_the_time_and_again_after_some_frames(void **state)
{
    (void)state;
    struct publish_page page = {.depth = 64};
    struct ring_reader reader;
    set_up_reader(&reader, &page, 15);
    int64_t before_ns = clock_now_ns();
    rest_keep_distance(&reader);
    assert_true(reader.pace_ns >= before_ns);
    assert_int_equal(reader.pace_seq, 33);
    // Likewise in a fast stream whose writer stands still: nobody waits for it.
    reader.next = 10;
    rest_keep_distance(&reader);
    assert_int_equal(reader.pace_seq, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_with_a_quarter_ahead_looks_again_after_half_of_it),
        cmocka_unit_test(a_reader_close_behind_looks_at_the_time_and_again_after_some_frames),
        cmocka_unit_test(a_deadline_ends_a_wait_and_not_before),
        cmocka_unit_test(a_wait_for_one_input_passes_by_the_others),
        cmocka_unit_test(a_pause_and_a_stop_end_a_wait_each_in_its_way),
        cmocka_unit_test(no_frame_is_slept_through_with_any_spin),
        cmocka_unit_test(a_node_that_waits_uses_no_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
