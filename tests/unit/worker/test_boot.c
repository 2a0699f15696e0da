// SPDX-License-Identifier: Apache-2.0
// The handshake: what open() finds, and each way in which a start fails.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "worker/describe.h"
#include "worker_rig.h"

#define CLOSED UINT64_C(777)

static const struct sb_port inputs[] = {{.name = "in", .type = SB_PORT_DATA}};
static const struct sb_port outputs[] = {{.name = "out", .type = SB_PORT_DATA}};
static const struct sb_param params[] = {
    {.name = "level", .type = SB_PARAM_INT, .initial = "1", .minimum = 0, .maximum = 9}};

static int open_and_look(struct sb_node *node)
{
    rig_note((uint64_t)sb_param_int(node, "level"));
    rig_note(sb_input_is_linked(sb_node_input(node, "in")));
    rig_note(sb_output_is_linked(sb_node_output(node, "out")));
    return sb_param_int(node, "level") == 9 ? sb_node_error(node, -EACCES, "no device") : 0;
}

static int take_frame(struct sb_node *node, const struct sb_frame *frame)
{
    (void)node;
    (void)frame;
    return 0;
}

static void note_close(struct sb_node *node)
{
    (void)node;
    rig_note(CLOSED);
}

static const struct sb_processor sample = {
    .struct_size = sizeof sample,
    .name = "unit",
    .version = "1.2.3",
    .inputs = inputs,
    .input_count = 1,
    .outputs = outputs,
    .output_count = 1,
    .params = params,
    .param_count = 1,
    .open = open_and_look,
    .on_frame = take_frame,
    .close = note_close,
};

static uint64_t note_at(uint32_t index)
{
    rig_await_notes(index + 1);
    return atomic_load(&rig_board->notes[index]);
}

// R-WORKER-007: protocol, name and a digest of the descriptor come first.
static void a_worker_says_who_it_is(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &sample);
    rig_fork(&rig);
    const struct wire_hello *hello = &rig.message->hello;
    assert_int_equal(hello->protocol, WIRE_PROTOCOL_VERSION);
    assert_string_equal(hello->name, "unit");
    assert_string_equal(hello->version, "1.2.3");
    char *json;
    size_t count;
    assert_int_equal(describe_json(&sample, &json, &count), 0);
    assert_int_equal(hello->digest, hash_bytes(json, count));
    free(json);
    rig_end(&rig);
}

// R-WORKER-023, R-WORKER-006
static void open_finds_its_parameters_and_links(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &sample);
    rig_add_param(&rig, "level", "5");
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    rig_start(&rig);
    assert_int_equal(note_at(0), 5);
    assert_int_equal(note_at(1), 1);
    assert_int_equal(note_at(2), 0);
    rig_await_phase(&rig, WORKER_READY);
    rig_want(&rig, WANT_RUN);
    rig_end_link(in, LINK_END_STREAM);
    assert_int_equal(rig_exit_status(&rig), 0);
    assert_int_equal(note_at(3), CLOSED);
    rig_end(&rig);
}

static void expect_failed(struct rig *rig, int code, const char *text, int status)
{
    rig_fork(rig);
    rig_setup(rig);
    if (strncmp(text, "open", 4) == 0) {
        rig_give_bell(rig);
    }
    const struct wire_failed *failed = &rig_expect(rig, WIRE_FAILED)->failed;
    assert_int_equal(failed->code, code);
    assert_string_equal(failed->text, text);
    assert_int_equal(rig_exit_status(rig), status);
}

// R-WORKER-009: and close() is not owed to it.
static void an_open_that_fails_says_why_and_is_not_closed(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &sample);
    rig_add_param(&rig, "level", "9");
    expect_failed(&rig, -EACCES, "open: no device", SB_EXIT_FAILED);
    assert_int_equal(atomic_load(&rig_board->note_count), 3);
    rig_end(&rig);
}

// R-EXIT-013: started again it would fail again.
static void a_setup_that_cannot_be_honoured_is_78(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &sample);
    rig_add_param(&rig, "level", "ten");
    expect_failed(&rig, -EINVAL, "setup: parameter 'level' is 'ten', which is no int",
                  SB_EXIT_BAD_CONFIG);
    rig_end(&rig);
    rig_init(&rig, &sample);
    rig_add_param(&rig, "volume", "1");
    expect_failed(&rig, -EINVAL, "setup: there is no parameter 'volume'", SB_EXIT_BAD_CONFIG);
    rig_end(&rig);
    rig_init(&rig, &sample);
    rig.setup.mode = SB_MODE_TICK;
    expect_failed(&rig, -EINVAL, "setup: the processor has mode tick and no on_tick",
                  SB_EXIT_BAD_CONFIG);
    assert_int_equal(atomic_load(&rig_board->note_count), 0);
    rig_end(&rig);
}

static void a_link_to_a_port_that_is_not_there_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &sample);
    rig_add_input(&rig, "inn", SB_DELIVERY_LOSSLESS, 4);
    expect_failed(&rig, -EPROTO, "setup: the other side broke the protocol", SB_EXIT_FAILED);
    rig_end(&rig);
    rig_init(&rig, &sample);
    rig_add_output(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    expect_failed(&rig, -EPROTO, "setup: the other side broke the protocol", SB_EXIT_FAILED);
    rig_end(&rig);
}

// R-WORKER-021
static void a_broker_that_is_gone_during_the_handshake_ends_it(void **state)
{
    (void)state;
    for (int is_open = 0; is_open < 2; is_open++) {
        struct rig rig;
        rig_init(&rig, &sample);
        rig_fork(&rig);
        if (is_open) {
            rig_open(&rig);
        }
        close(rig.socket);
        rig.socket = dup(STDIN_FILENO);
        assert_int_equal(rig_exit_status(&rig), SB_EXIT_FAILED);
        uint32_t count = atomic_load(&rig_board->note_count);
        assert_int_equal(count, is_open ? 4 : 0);
        assert_true(!is_open || note_at(3) == CLOSED);
        rig_end(&rig);
    }
}

static void a_start_before_the_memory_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, &sample);
    rig_fork(&rig);
    rig_open(&rig);
    // No status page yet.
    rig_begin(&rig, WIRE_START);
    rig_send(&rig, NULL, 0);
    assert_int_equal(rig_exit_status(&rig), SB_EXIT_FAILED);
    assert_true(rig_has_logged(&rig, "control message refused: start"));
    assert_int_equal(note_at(3), CLOSED);
    rig_end(&rig);
}

static int refuse_format(struct sb_node *node, struct sb_input *input,
                         const struct sb_format *format)
{
    (void)input;
    (void)format;
    return sb_node_error(node, -EINVAL, "too wide");
}

// R-NEG-003
static void a_format_that_is_refused_at_the_start_is_reported_with_its_input(void **state)
{
    (void)state;
    struct sb_processor fussy = sample;
    fussy.on_format = refuse_format;
    struct rig rig;
    rig_init(&rig, &fussy);
    struct rig_link *in = rig_add_input(&rig, "in", SB_DELIVERY_LOSSLESS, 4);
    rig_fork(&rig);
    rig_open(&rig);
    struct wire_message *message = rig_begin(&rig, WIRE_INPUT_FORMAT);
    message->input_format.link_id = in->id;
    message->input_format.serial = 1;
    message->input_format.format = in->format;
    message->input_format.frame_bytes_max = 64;
    rig_send(&rig, NULL, 0);
    const struct wire_failed *failed = &rig_await(&rig, WIRE_FAILED)->failed;
    assert_string_equal(failed->text, "on_format of input in: too wide");
    rig_end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_says_who_it_is),
        cmocka_unit_test(open_finds_its_parameters_and_links),
        cmocka_unit_test(an_open_that_fails_says_why_and_is_not_closed),
        cmocka_unit_test(a_setup_that_cannot_be_honoured_is_78),
        cmocka_unit_test(a_link_to_a_port_that_is_not_there_is_refused),
        cmocka_unit_test(a_broker_that_is_gone_during_the_handshake_ends_it),
        cmocka_unit_test(a_start_before_the_memory_is_refused),
        cmocka_unit_test(a_format_that_is_refused_at_the_start_is_reported_with_its_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
