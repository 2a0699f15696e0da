// SPDX-License-Identifier: Apache-2.0
// A descriptor that cannot work is refused before anything runs, with the name of what is wrong.
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "program_run.h"
#include "worker/describe_check.h"

static int take_frame(struct sb_node *node, const struct sb_frame *frame)
{
    (void)node;
    (void)frame;
    return 0;
}

static const char *const shapes[] = {"round", "square", NULL};

// A good descriptor that each case spoils in one place.
struct sample {
    struct sb_processor processor;
    struct sb_port inputs[2];
    struct sb_port outputs[2];
    struct sb_param params[2];
};

static void make_sample(struct sample *sample)
{
    *sample = (struct sample){
        .inputs = {{.name = "video", .type = SB_PORT_VIDEO, .count = 4},
                   {.name = "audio", .type = SB_PORT_AUDIO, .rate_min = 8000, .rate_max = 48000}},
        .outputs = {{.name = "out", .type = SB_PORT_VIDEO, .follows = "video_3", .claims = 1024},
                    {.name = "data", .type = SB_PORT_DATA, .kinds = SB_BIT(SB_FORMAT_TENSOR)}},
        .params =
            {{.name = "radius", .type = SB_PARAM_INT, .initial = "3", .maximum = 9},
             {.name = "shape", .type = SB_PARAM_CHOICE, .initial = "round", .choices = shapes}},
    };
    sample->processor = (struct sb_processor){
        .struct_size = sizeof(struct sb_processor),
        .name = "sample",
        .version = "1",
        .inputs = sample->inputs,
        .input_count = 2,
        .outputs = sample->outputs,
        .output_count = 2,
        .params = sample->params,
        .param_count = 2,
        .on_frame = take_frame,
    };
}

static void expect_refusal(const struct sample *sample, const char *wanted)
{
    char reason[512] = "";
    int result = describe_check(&sample->processor, reason, sizeof reason);
    if (result != -EINVAL || strstr(reason, wanted) == NULL) {
        print_error("wanted: %s\nis: %s\n", wanted, reason);
    }
    assert_int_equal(result, -EINVAL);
    assert_non_null(strstr(reason, wanted));
}

#define REFUSED(change, wanted)                                                                    \
    do {                                                                                           \
        struct sample spoiled;                                                                     \
        make_sample(&spoiled);                                                                     \
        spoiled.change;                                                                            \
        expect_refusal(&spoiled, wanted);                                                          \
    } while (0)

static void a_good_descriptor_passes(void **state)
{
    (void)state;
    struct sample sample;
    make_sample(&sample);
    char reason[512] = "?";
    assert_int_equal(describe_check(&sample.processor, reason, sizeof reason), 0);
    assert_string_equal(reason, "");
}

static void a_program_without_identity_is_refused(void **state)
{
    (void)state;
    REFUSED(processor.struct_size = 8, "another version of this library");
    REFUSED(processor.name = NULL, "'?' has a name that is not");
    REFUSED(processor.name = "Sample", "'Sample' has a name that is not");
    REFUSED(processor.version = NULL, "has no version");
}

static void a_wrong_port_is_refused_by_its_name(void **state)
{
    (void)state;
    REFUSED(inputs[1].name = "Audio", "has a port whose name is not");
    REFUSED(inputs[1].type = SB_PORT_NONE, "port 'audio' without a type");
    REFUSED(inputs[1].type = (enum sb_port_type)9, "port 'audio' without a type");
    REFUSED(inputs[0].count = 65, "port 'video' with 65 members; at most 64");
    REFUSED(inputs[0].holds = 1025, "port 'video' with 1025 frames to keep; at most 1024");
    REFUSED(outputs[0].claims = 1025, "port 'out' with 1025 frames to keep; at most 1024");
    REFUSED(inputs[0].delivery = (enum sb_delivery)4, "port 'video' with a delivery");
    REFUSED(outputs[0].max_payload = (UINT64_C(1) << 32) + 1, "port 'out' with a max_payload");
    REFUSED(inputs[0].pixels = SB_BIT(9), "port 'video' with a pixel");
    REFUSED(inputs[0].pixels = 1, "port 'video' with a pixel");
    REFUSED(inputs[1].samples = SB_BIT(4), "port 'audio' with a pixel or sample");
    REFUSED(outputs[1].kinds = SB_BIT(SB_FORMAT_VIDEO),
            "port 'data' with kinds that a port of type data cannot carry");
    REFUSED(inputs[1].rate_min = 96000, "port 'audio' with bounds of rate");
    REFUSED(inputs[1].channels_max = 65, "port 'audio' with bounds of rate or channels");
    REFUSED(outputs[1].message = "", "port 'data' with a message");
    REFUSED(processor.inputs = NULL, "counts 2 ports and has no table");
    REFUSED(processor.output_count = 65, "has 65 inputs or outputs; at most 64");
}

static void a_member_of_an_array_has_a_name_of_its_own(void **state)
{
    (void)state;
    REFUSED(inputs[1].name = "video", "two ports of one name: 'video' and 'video'");
    REFUSED(inputs[1].name = "video_0", "two ports of one name: 'video' and 'video_0'");
    REFUSED(inputs[1].name = "video_3", "two ports of one name: 'video' and 'video_3'");
    struct sample sample;
    make_sample(&sample);
    sample.inputs[1].name = "video_4";
    char reason[512];
    assert_int_equal(describe_check(&sample.processor, reason, sizeof reason), 0);
    sample.inputs[1].name = "video_03";
    assert_int_equal(describe_check(&sample.processor, reason, sizeof reason), 0);
    // 62 characters and "_0" do not fit into a name.
    REFUSED(inputs[0].name = "a23456789012345678901234567890123456789012345678901234567890aa",
            "leaves no room for the number of a member");
}

static void an_output_follows_an_input_of_its_type(void **state)
{
    (void)state;
    REFUSED(outputs[0].follows = "video", "'out', which follows 'video', which is no input");
    REFUSED(outputs[0].follows = "video_4", "'out', which follows 'video_4', which is no input");
    REFUSED(outputs[0].follows = "out", "'out', which follows 'out', which is no input");
    REFUSED(outputs[0].follows = "audio", "'out' of type video, which follows 'audio' of type");
    struct sample sample;
    make_sample(&sample);
    sample.outputs[0].follows = "audio";
    sample.outputs[0].type = SB_PORT_ANY;
    char reason[512];
    assert_int_equal(describe_check(&sample.processor, reason, sizeof reason), 0);
}

static void a_wrong_parameter_is_refused_by_its_name(void **state)
{
    (void)state;
    static const char *const none[] = {NULL};
    REFUSED(params[0].name = "", "has a parameter whose name is not");
    REFUSED(params[0].type = SB_PARAM_NONE, "parameter 'radius' without a type");
    REFUSED(params[0].initial = "three", "parameter 'radius' is 'three', which is no int");
    REFUSED(params[0].initial = "10", "parameter 'radius' is 10; it must be from 0 to 9");
    REFUSED(params[1].initial = "oval", "parameter 'shape' is 'oval', which is no choice");
    REFUSED(params[1].choices = NULL, "parameter 'shape' with no choices");
    REFUSED(params[1].choices = none, "parameter 'shape' with no choices");
    REFUSED(params[0].minimum = (double)NAN, "parameter 'radius' with bounds that are no numbers");
    REFUSED(params[0].maximum = (double)INFINITY, "parameter 'radius' with bounds");
    REFUSED(params[1].name = "radius", "two parameters of one name: 'radius'");
    REFUSED(processor.params = NULL, "counts 2 parameters and has no table");
    REFUSED(processor.param_count = 65, "has 65 parameters; at most 64");
}

static void a_mode_or_an_activation_that_cannot_run_is_refused(void **state)
{
    (void)state;
    REFUSED(processor.mode = SB_MODE_TICK, "has mode tick and no on_tick");
    REFUSED(processor.mode = SB_MODE_CONTINUOUS, "has mode continuous and no on_loop");
    REFUSED(processor.mode = SB_MODE_MANUAL, "has mode manual and no run");
    REFUSED(processor.mode = (enum sb_mode)5, "has a mode that does not exist");
    REFUSED(processor.on_frame = NULL, "neither on_frame nor on_frames");
    REFUSED(processor.activation = (enum sb_activation)5, "an activation that does not exist");
    REFUSED(processor.activation = SB_ACTIVATE_BATCH, "batches of 0 frames; from 1 to 1024");
    REFUSED(processor.batch_count = 1025, "batches of 1025 frames; from 1 to 1024");
    REFUSED(processor.activation = SB_ACTIVATE_EVERY, "activation every and no interval_ns");
    REFUSED(processor.interval_ns = -1, "an interval or a time limit that is out of bounds");
    REFUSED(processor.batch_within_ns = INT64_MAX, "an interval or a time limit");
}

// R-WORKER-018: not the message about memory that a bad default once got.
static void the_program_says_it_and_ends_with_78(void **state)
{
    (void)state;
    static struct program program;
    struct sample sample;
    make_sample(&sample);
    sample.params[0].initial = "three";
    program_run(&program, &sample.processor, "--describe");
    assert_int_equal(program.status, SB_EXIT_BAD_CONFIG);
    assert_string_equal(program.err, "<3>processor 'sample' has a default that does not fit: "
                                     "parameter 'radius' is 'three', which is no int\n");
    assert_string_equal(program.out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_descriptor_passes),
        cmocka_unit_test(a_program_without_identity_is_refused),
        cmocka_unit_test(a_wrong_port_is_refused_by_its_name),
        cmocka_unit_test(a_member_of_an_array_has_a_name_of_its_own),
        cmocka_unit_test(an_output_follows_an_input_of_its_type),
        cmocka_unit_test(a_wrong_parameter_is_refused_by_its_name),
        cmocka_unit_test(a_mode_or_an_activation_that_cannot_run_is_refused),
        cmocka_unit_test(the_program_says_it_and_ends_with_78),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
