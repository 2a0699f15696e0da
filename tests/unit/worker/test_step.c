// SPDX-License-Identifier: Apache-2.0
// What the status page says at each moment of a step: from it the broker tells after a crash which
// frames are done.
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
    {.name = "other", .type = SB_PORT_DATA, .is_optional = true},
};
static const struct sb_port outputs[] = {{.name = "out", .type = SB_PORT_DATA}};

#define NODE                                                                                       \
    .struct_size = sizeof(struct sb_processor), .name = "unit", .version = "1", .inputs = inputs,  \
    .input_count = 2, .outputs = outputs, .output_count = 1

static int publish_between_gates(struct sb_node *node, const struct sb_frame *frames, size_t count)
{
    rig_note(count);
    rig_wait_gate(0);
    int failed = sb_output_copy(sb_node_output(node, "out"), &frames[0]);
    rig_note(count);
    rig_wait_gate(1);
    return failed;
}

static const struct sb_processor stepper = {NODE, .activation = SB_ACTIVATE_ALL,
                                            .on_frames = publish_between_gates};

static void expect_claim(const struct rig *rig, uint32_t index, uint32_t link_id, uint64_t seq)
{
    assert_int_equal(atomic_load(&rig->status->claims[index].link_id), link_id);
    assert_int_equal(atomic_load(&rig->status->claims[index].seq), seq);
}

static uint64_t retired(struct rig_link *link)
{
    const struct consume_page *page = rig_now(link)->consume.bytes;
    return atomic_load(&page->retired);
}

// R-STEP-011: claims and number before the call, done after the publish, releases last.
static void a_step_is_claimed_before_and_done_after_its_publish(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &stepper);
    rig.setup.first_step = 42;
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 8);
    struct rig_link *other = rig_add_input(&rig, "other", SB_DELIVERY_LOSSLESS, 8);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 8);
    rig_start(&rig);
    int64_t begun_ns = clock_now_ns();
    rig_put(in, 7);
    rig_put(other, 8);
    rig_want(&rig, WANT_RUN);
    rig_await_notes(1);
    assert_int_equal(atomic_load(&rig.status->step), 42);
    assert_int_equal(atomic_load(&rig.status->done), 0);
    assert_int_equal(atomic_load(&rig.status->claim_count), 2);
    expect_claim(&rig, 0, in->id, 1);
    expect_claim(&rig, 1, other->id, 1);
    assert_int_equal(atomic_load(&rig.status->phase), WORKER_PROCESSING);
    int64_t entered_ns = atomic_load(&rig.status->entered_ns);
    assert_true(entered_ns >= begun_ns && entered_ns <= clock_now_ns());
    rig_open_gate(0);
    rig_await_notes(2);
    // Published, and nothing is released yet: a crash here brings the frames again, and the number
    // of the step keeps their output from being sent again.
    const struct publish_page *page = rig_now(out)->publish.bytes;
    assert_int_equal(atomic_load(&publish_cell(page, page->depth, 0)->seq), 1);
    assert_int_equal(atomic_load(&publish_cell(page, page->depth, 0)->step), 42);
    assert_int_equal(atomic_load(&rig.status->done), 0);
    assert_int_equal(retired(in), 0);
    rig_open_gate(1);
    rig_end_link(in, LINK_END_STREAM);
    rig_end_link(other, LINK_END_STREAM);
    assert_int_equal(rig_exit_status(&rig), 0);
    assert_true(atomic_load(&rig.status->done) >= 42);
    assert_int_equal(atomic_load(&rig.status->entered_ns), 0);
    assert_int_equal(retired(in), 1);
    assert_int_equal(retired(other), 1);
    rig_end(&rig);
}

static int slide(struct sb_node *node)
{
    struct sb_input *in = sb_node_input(node, "in");
    struct sb_frame window[3];
    for (uint32_t i = 0; i < 3; i++) {
        sb_input_wait(in, INT64_MAX);
        rig_note((uint64_t)sb_input_take(in, &window[i]));
    }
    // Of 1, 2, 3 the middle one goes back first.
    rig_note((uint64_t)(int64_t)sb_frame_release(&window[1]));
    rig_wait_gate(0);
    sb_node_wait(node, 0);
    rig_note(0);
    rig_wait_gate(1);
    rig_note((uint64_t)(int64_t)sb_frame_release(&window[1]));
    rig_note((uint64_t)(int64_t)sb_frame_release(&window[0]));
    rig_note((uint64_t)(int64_t)sb_frame_release(&window[2]));
    rig_wait_gate(2);
    return 0;
}

static const struct sb_processor slider = {NODE, .mode = SB_MODE_MANUAL, .run = slide};

// R-DATA-019: what was given back is free before the node waits; what it keeps is claimed anew.
static void a_window_gives_back_what_leaves_it(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &slider);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    in->claims = 3;
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    for (uint64_t number = 1; number <= 3; number++) {
        rig_put(in, number);
    }
    assert_int_equal(rig_note_at(3), 0);
    assert_int_equal(atomic_load(&rig.status->step), 1);
    assert_int_equal(atomic_load(&rig.status->claim_count), 3);
    rig_open_gate(0);
    assert_int_equal(rig_note_at(4), 0);
    assert_int_equal(atomic_load(&rig.status->done), 1);
    assert_int_equal(atomic_load(&rig.status->step), 2);
    assert_int_equal(atomic_load(&rig.status->claim_count), 2);
    uint64_t first = atomic_load(&rig.status->claims[0].seq);
    uint64_t second = atomic_load(&rig.status->claims[1].seq);
    assert_true((first == 1 && second == 3) || (first == 3 && second == 1));
    // Cells retire in order: 2 waits for 1.
    assert_int_equal(retired(in), 0);
    rig_open_gate(1);
    assert_int_equal(rig_note_at(5), -EINVAL);
    assert_int_equal(rig_note_at(6), 0);
    assert_int_equal(rig_note_at(7), 0);
    assert_int_equal(retired(in), 3);
    assert_int_equal(atomic_load(&rig.status->done), 2);
    assert_int_equal(atomic_load(&rig.status->claim_count), 0);
    rig_open_gate(2);
    rig_finish(&rig);
}

static struct sb_frame kept;

static int keep_first(struct sb_node *node, const struct sb_frame *frame)
{
    (void)node;
    int failed = frame->number == 1 ? sb_frame_hold(frame, &kept) : 0;
    if (frame->number == 3) {
        struct sb_frame again;
        failed = sb_frame_hold(frame, &again);
        failed = failed == 0 ? sb_frame_release(&again) : failed;
    }
    rig_note((uint64_t)(int64_t)failed);
    rig_wait_gate((uint32_t)frame->number - 1);
    return failed;
}

static const struct sb_processor keeper = {NODE, .on_frame = keep_first};

// R-DATA-036: the broker would take it for released when its step is done.
static void a_claim_of_a_held_frame_says_so(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &keeper);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    in->claims = 3;
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    const uint32_t is_held[] = {1, 0, 0};
    for (uint32_t i = 0; i < 3; i++) {
        rig_put(in, i + 1);
        assert_int_equal(rig_note_at(i), 0);
        expect_claim(&rig, 0, in->id, i + 1);
        assert_int_equal(atomic_load(&rig.status->claims[0].is_held), is_held[i]);
        rig_open_gate(i);
    }
    rig_end_link(in, LINK_END_STREAM);
    rig_finish(&rig);
}

static int preset_as(struct sb_node *node, const struct sb_frame *frame)
{
    struct sb_buffer buffer;
    int failed = sb_output_claim(sb_node_output(node, "out"), 8, &buffer);
    if (failed != 0) {
        return failed;
    }
    rig_note(buffer.number);
    rig_note((uint64_t)buffer.pts_ns);
    rig_note(buffer.flags);
    (void)frame;
    return sb_output_publish(buffer.output, &buffer);
}

static const struct sb_processor presetter = {NODE, .on_frame = preset_as};

// R-DATA-010
static void a_buffer_is_preset_with_the_frame_in_work(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &presetter);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 4);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_put(in, 12);
    assert_int_equal(rig_note_at(0), 12);
    assert_int_equal(rig_note_at(1), 12 * CLOCK_NS_PER_MS);
    assert_int_equal(rig_note_at(2), SB_FRAME_KEYFRAME);
    rig_expect_frame(out, 12);
    rig_end_link(in, LINK_END_STREAM);
    rig_finish(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_claimed_before_and_done_after_its_publish),
        cmocka_unit_test(a_window_gives_back_what_leaves_it),
        cmocka_unit_test(a_claim_of_a_held_frame_says_so),
        cmocka_unit_test(a_buffer_is_preset_with_the_frame_in_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
