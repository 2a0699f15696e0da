// SPDX-License-Identifier: Apache-2.0
// What a processor asks of its node: names, ports, its own pointers, finishing.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "worker_rig.h"

static const struct sb_port inputs[] = {
    {.name = "in", .type = SB_PORT_DATA},
    {.name = "side", .type = SB_PORT_DATA, .count = 3, .is_optional = true},
};
static const struct sb_port outputs[] = {
    {.name = "out", .type = SB_PORT_DATA},
    {.name = "spare", .type = SB_PORT_DATA, .count = 2},
};

// One note: whether everything that was asked had the answer that is expected.
static void expect(bool is_so)
{
    rig_note(is_so);
}

static int ask_everything(struct sb_node *node)
{
    expect(strcmp(sb_node_id(node), "unit") == 0);
    expect(sb_node_generation(node) == 3);
    int own;
    expect(sb_node_data(node) == NULL);
    sb_node_set_data(node, &own);
    expect(sb_node_data(node) == &own);
    struct sb_input *second = sb_node_input(node, "side_1");
    expect(second != NULL && sb_input_index(second) == 1);
    expect(second != NULL && strcmp(sb_input_name(second), "side_1") == 0);
    expect(sb_node_input(node, "side") == NULL && sb_node_input(node, "side_3") == NULL);
    expect(sb_node_input(node, "out") == NULL && sb_node_output(node, "in") == NULL);
    expect(sb_input_is_linked(second) && !sb_input_is_linked(sb_node_input(node, "side_0")));
    // Never linked is not ended: nothing was there to end.
    expect(!sb_input_is_ended(sb_node_input(node, "side_0")));
    sb_input_set_data(second, &own);
    expect(sb_input_data(second) == &own && sb_input_data(sb_node_input(node, "in")) == NULL);
    struct sb_output *out = sb_node_output(node, "out");
    expect(strcmp(sb_output_name(out), "out") == 0 && sb_output_is_linked(out));
    expect(!sb_output_is_linked(sb_node_output(node, "spare_1")));
    sb_output_set_data(out, &own);
    expect(sb_output_data(out) == &own && sb_output_data(sb_node_output(node, "spare_0")) == NULL);
    // Nothing is agreed yet.
    expect(sb_input_format(second) == NULL && sb_input_frame_bytes_max(second) == 0);
    expect(sb_output_format(out) == NULL);
    return 0;
}

static int ask_again(struct sb_node *node, const struct sb_frame *frame)
{
    expect(sb_input_format(frame->input) != NULL && frame->format->kind == SB_FORMAT_BINARY);
    expect(sb_input_frame_bytes_max(frame->input) == RIG_PAYLOAD_BYTES);
    expect(sb_output_format(sb_node_output(node, "out"))->kind == SB_FORMAT_BINARY);
    // An output without a link has the best of its own formats.
    expect(sb_output_format(sb_node_output(node, "spare_0"))->kind == SB_FORMAT_BINARY);
    int64_t before_ns = clock_now_ns();
    int64_t now_ns = sb_now_ns();
    expect(before_ns <= now_ns && now_ns <= clock_now_ns());
    expect(!sb_node_should_stop(node) && !sb_node_is_paused(node));
    sb_node_finish(node);
    expect(sb_node_should_stop(node));
    return 0;
}

static const struct sb_processor asker = {
    .struct_size = sizeof asker,
    .name = "unit",
    .version = "1",
    .inputs = inputs,
    .input_count = 2,
    .outputs = outputs,
    .output_count = 2,
    .open = ask_everything,
    .on_frame = ask_again,
};

#define QUESTIONS 23

// R-NEG-018, R-DATA-032
static void a_processor_gets_an_answer_to_everything_it_may_ask(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &asker);
    rig.setup.generation = 3;
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    rig_add_input(&rig, "side_1", SB_DELIVERY_LOSSLESS, 4);
    struct rig_link *out = rig_add_output(&rig, "out", SB_DELIVERY_LOSSLESS, 4);
    rig_start(&rig);
    rig_want(&rig, WANT_RUN);
    rig_put(in, 1);
    rig_put(in, 2);
    // It finished after the first frame, though inputs are open: outputs end, and the status is 0.
    rig_expect_end(out);
    assert_int_equal(rig_exit_status(&rig), 0);
    assert_int_equal(atomic_load(&rig.status->frames_in), 1);
    uint32_t count = atomic_load(&rig_board->note_count);
    for (uint32_t i = 0; i < count; i++) {
        if (atomic_load(&rig_board->notes[i]) != 1) {
            print_error("question %u\n", i);
        }
        assert_int_equal(atomic_load(&rig_board->notes[i]), 1);
    }
    assert_int_equal(count, QUESTIONS);
    rig_end(&rig);
}

static int fail_long(struct sb_node *node)
{
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    return sb_node_error(node, -EIO, "%s", text);
}

static int take_frame(struct sb_node *node, const struct sb_frame *frame)
{
    (void)node;
    (void)frame;
    return 0;
}

static const struct sb_processor talker = {
    .struct_size = sizeof talker,
    .name = "unit",
    .version = "1",
    .open = fail_long,
    .on_frame = take_frame,
};

static void an_error_text_is_cut_and_still_arrives(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &talker);
    rig_fork(&rig);
    rig_setup(&rig);
    rig_give_bell(&rig);
    const struct wire_failed *failed = &rig_expect(&rig, WIRE_FAILED)->failed;
    assert_int_equal(failed->code, -EIO);
    assert_ptr_equal(strstr(failed->text, "open: xxx"), failed->text);
    assert_int_equal(strlen(failed->text), LIMIT_ERROR_TEXT_BYTES_MAX - 1);
    assert_int_equal(rig_exit_status(&rig), SB_EXIT_FAILED);
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_processor_gets_an_answer_to_everything_it_may_ask),
        cmocka_unit_test(an_error_text_is_cut_and_still_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
