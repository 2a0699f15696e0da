// SPDX-License-Identifier: Apache-2.0
// The broker's messages while the node runs: parameters, nonsense, and a broker that is gone.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/text.h"
#include "worker_rig.h"

#define CLOSED UINT64_C(777)
#define CONFIG UINT64_C(1000)

static const struct sb_port inputs[] = {{.name = "in", .type = SB_PORT_DATA}};
static const struct sb_port outputs[] = {{.name = "out", .type = SB_PORT_DATA}};
static const struct sb_param params[] = {
    {.name = "gain", .type = SB_PARAM_INT, .initial = "1", .minimum = 0, .maximum = 9},
    {.name = "word", .type = SB_PARAM_STRING, .initial = "a"},
    {.name = "size", .type = SB_PARAM_INT, .initial = "4", .is_fixed = true},
};

// While the gate is shut the call-back sees the parameters that it began with.
static int note_gain(struct sb_node *node, const struct sb_frame *frame)
{
    rig_note(frame->number);
    if (frame->number == 2) {
        rig_wait_gate(0);
        // This asks the bell, and finds the CONFIG.
        struct sb_buffer buffer;
        sb_output_claim(sb_node_output(node, "out"), 8, &buffer);
    }
    rig_note((uint64_t)sb_param_int(node, "gain"));
    return 0;
}

static int take_config(struct sb_node *node)
{
    rig_note(CONFIG + (uint64_t)sb_param_int(node, "gain"));
    return sb_param_int(node, "gain") == 7 ? sb_node_error(node, -EINVAL, "no sevens") : 0;
}

static void note_close(struct sb_node *node)
{
    (void)node;
    rig_note(CLOSED);
}

#define NODE                                                                                       \
    .struct_size = sizeof(struct sb_processor), .name = "unit", .version = "1", .inputs = inputs,  \
    .input_count = 1, .outputs = outputs, .output_count = 1, .params = params, .param_count = 3,   \
    .on_config = take_config, .close = note_close

static const struct sb_processor listener = {NODE, .on_frame = note_gain};

static uint64_t note_at(uint32_t index)
{
    rig_await_notes(index + 1);
    return atomic_load(&rig_board->notes[index]);
}

static void send_config(struct rig *rig, uint32_t serial, const char *name, const char *value)
{
    struct wire_param param = {.value = value};
    text_copy(param.name, sizeof param.name, name);
    struct wire_config *config = &rig_begin(rig, WIRE_CONFIG)->config;
    config->serial = serial;
    config->params = &param;
    config->param_count = 1;
    rig_send(rig, NULL, 0);
}

static void expect_config_done(struct rig *rig, uint32_t serial, int code, const char *text)
{
    const struct wire_config_done *done = &rig_await(rig, WIRE_CONFIG_DONE)->config_done;
    assert_int_equal(done->serial, serial);
    assert_int_equal(done->code, code);
    assert_string_equal(done->text, text);
}

static void start(struct rig *rig, const struct sb_processor *processor, struct rig_link **out_in)
{
    rig_init(rig, processor);
    *out_in = rig_add_input(rig, "in", SB_DELIVERY_LOSSLESS, 8);
    rig_start(rig);
    rig_want(rig, WANT_RUN);
}

static void finish(struct rig *rig, struct rig_link *in)
{
    rig_end_link(in, LINK_END_STREAM);
    rig_finish(rig);
}

// R-WORKER-023
static void new_parameters_reach_the_next_step_and_wrong_ones_change_nothing(void **state)
{
    (void)state;
    struct rig rig;
    struct rig_link *in;
    start(&rig, &listener, &in);
    send_config(&rig, 1, "gain", "5");
    expect_config_done(&rig, 1, 0, "");
    assert_int_equal(note_at(0), CONFIG + 5);
    send_config(&rig, 2, "gain", "10");
    expect_config_done(&rig, 2, -EINVAL, "parameter 'gain' is 10; it must be from 0 to 9");
    send_config(&rig, 3, "gian", "1");
    expect_config_done(&rig, 3, -EINVAL, "there is no parameter 'gian'");
    send_config(&rig, 4, "size", "5");
    expect_config_done(&rig, 4, -EINVAL, "parameter 'size' cannot be changed while the node runs");
    send_config(&rig, 5, "size", "4");
    expect_config_done(&rig, 5, 0, "");
    assert_int_equal(note_at(1), CONFIG + 5);
    // The processor itself may refuse: it keeps what it had.
    send_config(&rig, 6, "gain", "7");
    expect_config_done(&rig, 6, -EINVAL, "no sevens");
    assert_int_equal(note_at(2), CONFIG + 7);
    rig_put(in, 1);
    assert_int_equal(note_at(3), 1);
    assert_int_equal(note_at(4), 5);
    finish(&rig, in);
}

// A step that runs keeps the parameters that it began with; of two that wait the newer one counts.
static void parameters_do_not_change_inside_a_step(void **state)
{
    (void)state;
    struct rig rig;
    struct rig_link *in;
    start(&rig, &listener, &in);
    rig_put(in, 2);
    assert_int_equal(note_at(0), 2);
    send_config(&rig, 1, "gain", "5");
    send_config(&rig, 2, "gain", "6");
    rig_open_gate(0);
    expect_config_done(&rig, 1, -ECANCELED, "replaced by newer parameters");
    expect_config_done(&rig, 2, 0, "");
    assert_int_equal(note_at(1), 1);
    assert_int_equal(note_at(2), CONFIG + 6);
    finish(&rig, in);
}

static int wait_for_life(struct sb_node *node)
{
    while (sb_node_wait(node, INT64_MAX) != -ECANCELED) {
        struct sb_frame frame;
        int taken = sb_input_take(sb_node_input(node, "in"), &frame);
        if (taken == 1) {
            rig_note((uint64_t)sb_param_int(node, "gain"));
            sb_frame_release(&frame);
        } else if (taken == -EPIPE) {
            return 0;
        }
    }
    return 0;
}

static const struct sb_processor manual = {NODE, .mode = SB_MODE_MANUAL, .run = wait_for_life};

static void a_manual_node_takes_its_parameters_where_it_waits(void **state)
{
    (void)state;
    struct rig rig;
    struct rig_link *in;
    start(&rig, &manual, &in);
    rig_put(in, 1);
    assert_int_equal(note_at(0), 1);
    // Without a frame that would end its wait.
    send_config(&rig, 1, "gain", "3");
    expect_config_done(&rig, 1, 0, "");
    rig_put(in, 2);
    rig_put(in, 3);
    rig_end_link(in, LINK_END_STREAM);
    assert_int_equal(rig_exit_status(&rig), 0);
    uint32_t count = atomic_load(&rig_board->note_count);
    assert_int_equal(count, 5);
    assert_int_equal(note_at(count - 2), 3);
    rig_end(&rig);
}

// R-WORKER-021, R-WORKER-015: the socket's end is the broker's end.
static void a_node_ends_when_the_broker_is_gone(void **state)
{
    (void)state;
    struct rig rig;
    struct rig_link *in;
    start(&rig, &listener, &in);
    rig_await_phase(&rig, WORKER_IDLE);
    close(rig.socket);
    rig_ring(&rig);
    assert_int_equal(rig_exit_status(&rig), SB_EXIT_FAILED);
    assert_int_equal(atomic_load(&rig_board->note_count), 1);
    assert_int_equal(note_at(0), CLOSED);
    rig.socket = dup(STDIN_FILENO);
    rig_end(&rig);
}

static void expect_the_end_of(const void *bytes, size_t count, const int *fds, size_t fd_count,
                              const char *said)
{
    struct rig rig;
    struct rig_link *in;
    start(&rig, &listener, &in);
    rig_await_phase(&rig, WORKER_IDLE);
    assert_int_equal(fd_send_message(rig.socket, bytes, count, fds, fd_count), 0);
    rig_ring(&rig);
    assert_int_equal(rig_exit_status(&rig), SB_EXIT_FAILED);
    assert_true(rig_has_logged(&rig, "<3>[unit] control message refused: "));
    assert_true(rig_has_logged(&rig, said));
    assert_int_equal(note_at(0), CLOSED);
    rig_end(&rig);
}

// R-WORKER-008, seen from the other side.
static void nonsense_ends_the_node_with_its_reason(void **state)
{
    (void)state;
    static uint8_t longest[LIMIT_MESSAGE_BYTES_MAX + 1];
    int fd = STDIN_FILENO;
    expect_the_end_of("nonsense", 8, NULL, 0, "; the node ends");
    expect_the_end_of("x", 1, &fd, 1, "; the node ends");
    expect_the_end_of(longest, sizeof longest, NULL, 0, "too long, or too many descriptors");
}

static void expect_refusal(void (*fill)(struct wire_message *message), enum wire_type type, int fd,
                           const char *said)
{
    struct rig rig;
    struct rig_link *in;
    start(&rig, &listener, &in);
    rig_await_phase(&rig, WORKER_IDLE);
    fill(rig_begin(&rig, type));
    rig_send(&rig, &fd, fd >= 0 ? 1 : 0);
    assert_int_equal(rig_exit_status(&rig), SB_EXIT_FAILED);
    assert_true(rig_has_logged(&rig, said));
    rig_end(&rig);
}

static void fill_leave(struct wire_message *message)
{
    message->leave.link_id = 99;
}

static void fill_link_end(struct wire_message *message)
{
    message->link_end.link_id = 99;
    message->link_end.generation = 1;
    message->link_end.end_seq = 1;
    message->link_end.kind = LINK_END_STREAM;
}

static void fill_status(struct wire_message *message)
{
    message->memory.serial = 1;
    message->memory.kind = WIRE_MEMORY_STATUS;
    message->memory.size_bytes = 1 << 20;
}

// Well-formed, but about what is not there, or there already.
static void messages_about_nothing_end_the_node(void **state)
{
    (void)state;
    expect_refusal(fill_leave, WIRE_LEAVE, -1, "the other side broke the protocol");
    expect_refusal(fill_link_end, WIRE_LINK_END, -1, "the other side broke the protocol");
    expect_refusal(fill_status, WIRE_MEMORY, STDIN_FILENO, "the other side broke the protocol");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_parameters_reach_the_next_step_and_wrong_ones_change_nothing),
        cmocka_unit_test(parameters_do_not_change_inside_a_step),
        cmocka_unit_test(a_manual_node_takes_its_parameters_where_it_waits),
        cmocka_unit_test(a_node_ends_when_the_broker_is_gone),
        cmocka_unit_test(nonsense_ends_the_node_with_its_reason),
        cmocka_unit_test(messages_about_nothing_end_the_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
