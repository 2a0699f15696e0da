// SPDX-License-Identifier: Apache-2.0
// The life of a node after READY: four modes, errors, drain, stop and end.
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "worker_rig.h"

#define CLOSED UINT64_C(777)
#define DRAINED UINT64_C(888)
#define ENDED UINT64_C(999)

static const struct sb_port input_port[] = {
    {.name = "in", .type = SB_PORT_DATA, .is_optional = true, .holds = 1}};
static const struct sb_port output_port[] = {
    {.name = "out", .type = SB_PORT_DATA, .is_one_per_step = true}};

#define FILTER_PORTS                                                                               \
    .struct_size = sizeof(struct sb_processor), .name = "unit", .version = "1",                    \
    .inputs = input_port, .input_count = 1, .outputs = output_port, .output_count = 1

static void note_close(struct sb_node *node)
{
    (void)node;
    rig_note(CLOSED);
}

static int pass_frame(struct sb_node *node, const struct sb_frame *frame)
{
    if (frame->number == 3 || frame->number == 5) {
        return sb_node_error(node, -EIO, "no luck with %u", (unsigned)frame->number);
    }
    return sb_output_copy(sb_node_output(node, "out"), frame);
}

static int note_drain(struct sb_node *node)
{
    (void)node;
    rig_note(DRAINED);
    return 0;
}

static int note_end(struct sb_node *node, struct sb_input *input)
{
    (void)node;
    rig_note(ENDED + (sb_input_is_ended(input) ? 0 : 1));
    return 0;
}

static const struct sb_processor filter = {FILTER_PORTS, .on_frame = pass_frame, .on_end = note_end,
                                           .on_drain = note_drain, .close = note_close};

// R-STEP-012, R-STEP-011, R-DATA-014, R-DATA-013, R-WORKER-015, R-LOG-010, R-DATA-010
static void an_error_drops_its_frame_and_the_end_follows_the_last_one(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &filter);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 8);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 8);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    for (uint64_t number = 1; number <= 6; number++) {
        assert_true(rig_put(in, number));
    }
    rig_end_link(in, LINK_END_STREAM);
    const uint64_t wanted[] = {1, 2, 4, 6};
    const uint64_t steps[] = {1, 2, 4, 6};
    for (uint32_t i = 0; i < 4; i++) {
        const struct publish_page *page = rig_now(out)->publish.bytes;
        rig_expect_frame(out, wanted[i]);
        assert_int_equal(atomic_load(&publish_cell(page, page->depth, i)->step), steps[i]);
    }
    rig_expect_end(out);
    assert_int_equal(rig_expect(&rig, WIRE_ENDED)->ended.exit_status, 0);
    assert_int_equal(rig_exit_status(&rig), 0);
    assert_int_equal(atomic_load(&rig.status->errors), 2);
    assert_int_equal(atomic_load(&rig.status->failed_frames), 2);
    assert_int_equal(atomic_load(&rig.status->frames_in), 6);
    assert_int_equal(atomic_load(&rig.status->frames_out), 4);
    assert_true(rig_has_logged(&rig, "[unit] error processing tick 3: no luck with 3\n"));
    assert_true(rig_has_logged(&rig, "[unit] error processing tick 5: no luck with 5\n"));
    // Everything was given back: on_end, on_drain and close came once each, in this order.
    assert_int_equal(
        atomic_load(&((const struct consume_page *)rig_now(in)->consume.bytes)->retired), 6);
    assert_int_equal(atomic_load(&rig_board->note_count), 3);
    assert_int_equal(atomic_load(&rig_board->notes[0]), ENDED);
    assert_int_equal(atomic_load(&rig_board->notes[1]), DRAINED);
    assert_int_equal(atomic_load(&rig_board->notes[2]), CLOSED);
    rig_end(&rig);
}

// R-WORKER-006: nothing runs before all are ready.
static void a_node_runs_nothing_before_it_is_told_to(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &filter);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 8);
    rig_start(&rig);
    rig_put(in, 1);
    rig_await_phase(&rig, WORKER_READY);
    rig_want(&rig, WANT_HOLD);
    rig_end_link(in, LINK_END_STREAM);
    assert_int_equal(atomic_load(&rig.status->frames_in), 0);
    rig_want(&rig, WANT_STOP);
    assert_int_equal(rig_exit_status(&rig), 0);
    assert_int_equal(atomic_load(&rig.status->frames_in), 0);
    // Stopped, not drained: close only.
    assert_int_equal(atomic_load(&rig_board->note_count), 1);
    rig_end(&rig);
}

// R-DATA-014: a filter drains what its inputs still bring, then ends.
static void a_drain_waits_for_the_inputs_to_end(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &filter);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 8);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 8);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_want(&rig, WANT_DRAIN);
    rig_put(in, 1);
    rig_expect_frame(out, 1);
    rig_put(in, 2);
    rig_end_link(in, LINK_END_STREAM);
    rig_expect_frame(out, 2);
    rig_expect_end(out);
    rig_finish(&rig);
}

static void a_node_without_links_drains_while_it_sleeps(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &filter);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_await_phase(&rig, WORKER_IDLE);
    rig_want(&rig, WANT_DRAIN);
    rig_finish(&rig);
}

// R-STEP-018 is the broker's; this is what it asks of a worker.
static void a_paused_node_takes_nothing_until_it_is_resumed(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &filter);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 8);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 8);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_put(in, 1);
    rig_expect_frame(out, 1);
    rig_want(&rig, WANT_PAUSE);
    rig_want(&rig, WANT_PAUSE);
    rig_await_phase(&rig, WORKER_PAUSED);
    rig_put(in, 2);
    rig_ring(&rig);
    rig_await_phase(&rig, WORKER_PAUSED);
    assert_int_equal(atomic_load(&rig.status->frames_in), 1);
    rig_want(&rig, WANT_RUN);
    rig_expect_frame(out, 2);
    rig_end_link(in, LINK_END_STREAM);
    rig_finish(&rig);
}

static int note_loop(struct sb_node *node)
{
    rig_note((uint64_t)sb_now_ns());
    if (atomic_load(&rig_board->note_count) == 6) {
        sb_node_finish(node);
    }
    return 0;
}

static const struct sb_processor looper = {FILTER_PORTS, .mode = SB_MODE_CONTINUOUS,
                                           .interval_ns = 20 * CLOCK_NS_PER_MS,
                                           .on_loop = note_loop};

// R-STEP-002: also while the broker rings for other reasons.
static void a_continuous_node_keeps_its_interval_between_starts(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &looper);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    for (uint32_t i = 1; i <= 5; i++) {
        rig_await_notes(i);
        rig_ring(&rig);
    }
    assert_int_equal(rig_exit_status(&rig), 0);
    for (uint32_t i = 1; i < 6; i++) {
        int64_t gap_ns =
            (int64_t)(atomic_load(&rig_board->notes[i]) - atomic_load(&rig_board->notes[i - 1]));
        // The call notes its own start, which is a little after the one that is kept.
        assert_true(gap_ns >= 15 * CLOCK_NS_PER_MS);
    }
    rig_end(&rig);
}

static int count_loop(struct sb_node *node)
{
    (void)node;
    return 0;
}

static const struct sb_processor idler = {FILTER_PORTS, .mode = SB_MODE_CONTINUOUS,
                                          .on_loop = count_loop};

// R-STEP-002: a loop that does nothing yields.
static void an_idle_loop_without_an_interval_does_not_burn_a_cpu(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &idler);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    uint64_t step;
    int64_t begun_ns = clock_now_ns();
    do {
        step = atomic_load(&rig.status->step);
    } while (step < 200 && clock_now_ns() - begun_ns < RIG_DEADLINE_NS);
    // 100 us each at the least.
    assert_true(clock_now_ns() - begun_ns >= 199 * 100 * CLOCK_NS_PER_US / 2);
    rig_want(&rig, WANT_STOP);
    rig_finish(&rig);
}

static int run_source(struct sb_node *node)
{
    struct sb_output *out = sb_node_output(node, "out");
    for (uint64_t number = 0; number < 4; number++) {
        struct sb_buffer buffer;
        int failed = sb_output_claim(out, 8, &buffer);
        if (failed != 0) {
            return failed;
        }
        buffer.number = number;
        failed = sb_output_publish(out, &buffer);
        if (failed != 0) {
            return failed;
        }
    }
    return 0;
}

static const struct sb_processor source = {FILTER_PORTS, .mode = SB_MODE_MANUAL, .run = run_source};

// R-STEP-003, R-STEP-011: every frame of a manual source is a step of its own.
static void a_manual_node_runs_once_and_each_frame_is_a_step(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &source);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 4);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    for (uint64_t number = 0; number < 4; number++) {
        const struct publish_page *page = rig_now(out)->publish.bytes;
        rig_expect_frame(out, number);
        assert_int_equal(atomic_load(&publish_cell(page, page->depth, number)->step), number + 1);
    }
    rig_expect_end(out);
    rig_finish(&rig);
}

static int fail_run(struct sb_node *node)
{
    return sb_node_error(node, -EIO, "the camera is gone");
}

static const struct sb_processor broken = {FILTER_PORTS, .mode = SB_MODE_MANUAL, .run = fail_run,
                                           .on_drain = note_drain};

// A run() that fails is a node that failed, not one that finished.
static void a_manual_node_that_fails_does_not_end_its_streams(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &broken);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 2);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    struct wire_message *failed = rig_expect(&rig, WIRE_FAILED);
    assert_int_equal(failed->failed.code, -EIO);
    assert_string_equal(failed->failed.text, "run: the camera is gone");
    assert_int_equal(rig_exit_status(&rig), SB_EXIT_FAILED);
    const struct publish_page *page = rig_now(out)->publish.bytes;
    assert_int_equal(atomic_load(&page->end), 0);
    assert_int_equal(atomic_load(&rig_board->note_count), 0);
    rig_end(&rig);
}

static int find_bad_data(struct sb_node *node, const struct sb_frame *frame)
{
    sb_node_fail_data(node, "frame %u is wrong", (unsigned)frame->number);
    return 0;
}

static const struct sb_processor checker = {FILTER_PORTS, .on_frame = find_bad_data};

// R-EXIT-012
static void wrong_data_ends_the_node_with_125(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &checker);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 8);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_put(in, 9);
    assert_int_equal(rig_expect(&rig, WIRE_ENDED)->ended.exit_status, SB_EXIT_BAD_DATA);
    assert_int_equal(rig_exit_status(&rig), SB_EXIT_BAD_DATA);
    assert_true(rig_has_logged(&rig, "frame 9 is wrong"));
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_drops_its_frame_and_the_end_follows_the_last_one),
        cmocka_unit_test(a_node_runs_nothing_before_it_is_told_to),
        cmocka_unit_test(a_drain_waits_for_the_inputs_to_end),
        cmocka_unit_test(a_node_without_links_drains_while_it_sleeps),
        cmocka_unit_test(a_paused_node_takes_nothing_until_it_is_resumed),
        cmocka_unit_test(a_continuous_node_keeps_its_interval_between_starts),
        cmocka_unit_test(an_idle_loop_without_an_interval_does_not_burn_a_cpu),
        cmocka_unit_test(a_manual_node_runs_once_and_each_frame_is_a_step),
        cmocka_unit_test(a_manual_node_that_fails_does_not_end_its_streams),
        cmocka_unit_test(wrong_data_ends_the_node_with_125),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
