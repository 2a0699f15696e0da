// SPDX-License-Identifier: Apache-2.0
// A processor alone: generated frames of a format that it allows, then the end.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "program_run.h"

static int tell_format(struct sb_node *node, struct sb_input *input, const struct sb_format *format)
{
    char text[128];
    sb_format_text(format, text, sizeof text);
    sb_log(node, SB_LOG_INFO, "%s: %s", sb_input_name(input), text);
    return 0;
}

static int tell_frame(struct sb_node *node, const struct sb_frame *frame)
{
    sb_log(node, SB_LOG_INFO, "frame %u of %u bytes", (unsigned)frame->number,
           (unsigned)frame->size_bytes);
    return 0;
}

static void tell_close(struct sb_node *node)
{
    sb_log(node, SB_LOG_INFO, "closed");
}

#define LISTENER(table)                                                                            \
    {                                                                                              \
        .struct_size = sizeof(struct sb_processor), .name = "unit", .version = "1",                \
        .inputs = (table), .input_count = sizeof(table) / sizeof(table)[0],                        \
        .on_format = tell_format, .on_frame = tell_frame, .close = tell_close                      \
    }

static const struct sb_port usual_ports[] = {
    {.name = "video", .type = SB_PORT_VIDEO}, {.name = "audio", .type = SB_PORT_AUDIO},
    {.name = "text", .type = SB_PORT_TEXT},   {.name = "data", .type = SB_PORT_DATA},
    {.name = "in", .type = SB_PORT_ANY},
};

static const struct sb_port picky_ports[] = {
    {.name = "video", .type = SB_PORT_VIDEO, .pixels = SB_BIT(SB_PIXEL_NV12)},
    {.name = "audio",
     .type = SB_PORT_AUDIO,
     .samples = SB_BIT(SB_SAMPLE_S16),
     .rate_max = 8000,
     .channels_min = 6},
    {.name = "tensor", .type = SB_PORT_DATA, .kinds = SB_BIT(SB_FORMAT_TENSOR)},
    {.name = "note", .type = SB_PORT_DATA, .message = "sb.test.Note"},
    {.name = "any_note", .type = SB_PORT_DATA, .kinds = SB_BIT(SB_FORMAT_MESSAGE)},
    {.name = "sound", .type = SB_PORT_ANY, .kinds = SB_BIT(SB_FORMAT_AUDIO)},
    {.name = "picture", .type = SB_PORT_ANY, .kinds = SB_BIT(SB_FORMAT_VIDEO)},
};

static const struct sb_processor usual = LISTENER(usual_ports);
static const struct sb_processor picky = LISTENER(picky_ports);

static struct program program;

static void expect_line(const char *line)
{
    if (strstr(program.err, line) == NULL) {
        print_error("no %s in:\n%s", line, program.err);
    }
    assert_non_null(strstr(program.err, line));
}

// R-WORKER-017
static void each_input_gets_frames_of_its_type_and_then_the_end(void **state)
{
    (void)state;
    program_run(&program, &usual, "--selftest");
    assert_int_equal(program.status, 0);
    assert_string_equal(program.out, "selftest of unit: 40 frames in, 0 frames out, 0 errors\n");
    expect_line("<6>video: video rgba 64x48 100/1\n");
    expect_line("<6>audio: audio f32 48000 Hz 2 channels\n");
    expect_line("<6>text: text\n");
    expect_line("<6>data: binary\n");
    expect_line("<6>in: text\n");
    expect_line("<6>frame 7 of 12288 bytes\n");
    // close() is the last thing that it hears.
    assert_string_equal(program.err + strlen(program.err) - strlen("<6>closed\n"), "<6>closed\n");
}

// R-WORKER-017
static void each_input_gets_only_what_it_allows(void **state)
{
    (void)state;
    program_run(&program, &picky, "--selftest");
    assert_int_equal(program.status, 0);
    expect_line("<6>video: video nv12 64x48 100/1\n");
    expect_line("<6>audio: audio s16 8000 Hz 6 channels\n");
    expect_line("<6>tensor: tensor f32 16\n");
    expect_line("<6>note: message sb.test.Note\n");
    expect_line("<6>any_note: message google.protobuf.Empty\n");
    expect_line("<6>sound: audio f32 48000 Hz 2 channels\n");
    expect_line("<6>picture: video rgba 64x48 100/1\n");
}

static int fail_one(struct sb_node *node, const struct sb_frame *frame)
{
    return frame->number == 3 ? sb_node_error(node, -EIO, "no luck") : 0;
}

static void an_error_of_one_frame_fails_the_selftest(void **state)
{
    (void)state;
    struct sb_processor clumsy = usual;
    clumsy.on_frame = fail_one;
    clumsy.input_count = 1;
    program_run(&program, &clumsy, "--selftest");
    assert_int_equal(program.status, SB_EXIT_FAILED);
    assert_string_equal(program.out, "selftest of unit: 8 frames in, 0 frames out, 1 errors\n");
    expect_line("[unit] error processing tick 4: no luck\n");
}

static int refuse_open(struct sb_node *node)
{
    return sb_node_error(node, -EIO, "no device");
}

static void an_open_that_failed_is_not_closed(void **state)
{
    (void)state;
    struct sb_processor closed = usual;
    closed.open = refuse_open;
    program_run(&program, &closed, "--selftest");
    assert_int_equal(program.status, SB_EXIT_FAILED);
    expect_line("[unit] error in open: no device\n");
    assert_null(strstr(program.err, "closed"));
}

static int miss_device(struct sb_node *node)
{
    return sb_node_error(node, -ENODEV, "no device");
}

static void a_machine_without_the_device_that_it_wants_skips_it(void **state)
{
    (void)state;
    static const char *const wants[] = {"gpu", NULL};
    struct sb_processor without = usual;
    without.open = miss_device;
    program_run(&program, &without, "--selftest");
    assert_int_equal(program.status, SB_EXIT_FAILED);
    without.wants = wants;
    program_run(&program, &without, "--selftest");
    assert_int_equal(program.status, 77);
    expect_line("[unit] error in open: no device\n");
}

static int refuse_format(struct sb_node *node, struct sb_input *input,
                         const struct sb_format *format)
{
    (void)input;
    (void)format;
    return sb_node_error(node, -EINVAL, "too small");
}

static void a_refused_format_fails_the_selftest(void **state)
{
    (void)state;
    struct sb_processor fussy = usual;
    fussy.on_format = refuse_format;
    program_run(&program, &fussy, "--selftest");
    assert_int_equal(program.status, SB_EXIT_FAILED);
    expect_line("[unit] error in on_format: too small\n");
}

static int tick_once(struct sb_node *node, uint64_t tick, int64_t due_ns)
{
    (void)due_ns;
    sb_log(node, SB_LOG_INFO, "tick %u", (unsigned)tick);
    return 0;
}

static int publish_one(struct sb_node *node)
{
    struct sb_buffer buffer;
    int failed = sb_output_claim(sb_node_output(node, "text"), 5, &buffer);
    if (failed != 0) {
        return failed;
    }
    memcpy(buffer.data, "hello", 5);
    return sb_output_publish(buffer.output, &buffer);
}

static int publish_until_stopped(struct sb_node *node)
{
    int failed = 0;
    while (failed == 0 && !sb_node_should_stop(node)) {
        failed = publish_one(node);
    }
    return failed;
}

static const struct sb_port text_port[] = {{.name = "text", .type = SB_PORT_TEXT}};

static void sources_of_each_mode_come_to_an_end(void **state)
{
    (void)state;
    struct sb_processor source = {
        .struct_size = sizeof source,
        .name = "unit",
        .version = "1",
        .outputs = text_port,
        .output_count = 1,
        .on_tick = tick_once,
        .on_loop = publish_one,
        .run = publish_until_stopped,
    };
    source.mode = SB_MODE_CONTINUOUS;
    program_run(&program, &source, "--selftest");
    assert_int_equal(program.status, 0);
    assert_string_equal(program.out, "selftest of unit: 0 frames in, 32 frames out, 0 errors\n");
    source.mode = SB_MODE_MANUAL;
    program_run(&program, &source, "--selftest");
    assert_int_equal(program.status, 0);
    assert_non_null(strstr(program.out, " frames out, 0 errors\n"));
    source.mode = SB_MODE_TICK;
    program_run(&program, &source, "--selftest");
    assert_int_equal(program.status, 0);
    expect_line("<6>tick 0\n");
    expect_line("<6>tick 31\n");
}

// Nothing would ever wake it.
static void a_reactive_processor_without_inputs_ends_at_once(void **state)
{
    (void)state;
    struct sb_processor deaf = usual;
    deaf.input_count = 0;
    program_run(&program, &deaf, "--selftest");
    assert_int_equal(program.status, 0);
    assert_string_equal(program.out, "selftest of unit: 0 frames in, 0 frames out, 0 errors\n");
}

static const struct sb_param needed[] = {{.name = "path", .type = SB_PARAM_PATH}};

static void a_parameter_without_a_default_skips_it_with_its_name(void **state)
{
    (void)state;
    struct sb_processor needy = usual;
    needy.params = needed;
    needy.param_count = 1;
    program_run(&program, &needy, "--selftest");
    assert_int_equal(program.status, 77);
    assert_string_equal(program.out, "selftest of unit skipped: parameter 'path' has no default\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_input_gets_frames_of_its_type_and_then_the_end),
        cmocka_unit_test(each_input_gets_only_what_it_allows),
        cmocka_unit_test(an_error_of_one_frame_fails_the_selftest),
        cmocka_unit_test(an_open_that_failed_is_not_closed),
        cmocka_unit_test(a_machine_without_the_device_that_it_wants_skips_it),
        cmocka_unit_test(a_refused_format_fails_the_selftest),
        cmocka_unit_test(sources_of_each_mode_come_to_an_end),
        cmocka_unit_test(a_reactive_processor_without_inputs_ends_at_once),
        cmocka_unit_test(a_parameter_without_a_default_skips_it_with_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
