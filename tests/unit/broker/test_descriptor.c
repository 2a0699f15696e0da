// SPDX-License-Identifier: Apache-2.0
// A description is believed only when every field is right.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "broker/graph/descriptor.h"

#define FORMATS                                                                                    \
    "\"formats\":{\"kinds\":[],\"pixels\":[\"rgba\",\"i420\"],\"samples\":[],\"rate\":[0,0],"      \
    "\"channels\":[1,2],\"message\":null}"

static const char whole[] =
    "{\"streambroker\":1,\"name\":\"blur\",\"version\":\"1.0.0\",\"summary\":\"Blurs.\","
    "\"mode\":\"tick\",\"interval_ns\":5,"
    "\"activation\":{\"kind\":\"batch\",\"count\":8,\"within_ns\":20},\"wants\":[\"gpu\"],"
    "\"inputs\":[{\"name\":\"video\",\"type\":\"video\",\"help\":\"h\",\"count\":16,"
    "\"optional\":true,\"delivery\":\"latest\",\"holds\":0,\"memory\":true," FORMATS "}],"
    "\"outputs\":[{\"name\":\"out\",\"type\":\"video\",\"help\":\"h\",\"count\":0,\"claims\":3,"
    "\"one_per_step\":true,\"max_payload\":4096,\"follows\":\"video_2\"," FORMATS "}],"
    "\"params\":[{\"name\":\"radius\",\"type\":\"int\",\"help\":\"h\",\"default\":\"3\","
    "\"minimum\":0,\"maximum\":64,\"choices\":[],\"fixed\":false},"
    "{\"name\":\"shape\",\"type\":\"choice\",\"help\":\"\",\"default\":null,\"minimum\":0,"
    "\"maximum\":0,\"choices\":[\"box\",\"disc\"],\"fixed\":true}]}";

static void every_field_is_read(void **state)
{
    (void)state;
    struct descriptor *descriptor = NULL;
    struct diag why = {.text = ""};
    assert_int_equal(descriptor_parse(whole, strlen(whole), &descriptor, &why), 0);
    assert_string_equal(descriptor->name, "blur");
    assert_int_equal(descriptor->mode, SB_MODE_TICK);
    assert_int_equal(descriptor->activation, SB_ACTIVATE_BATCH);
    assert_int_equal(descriptor->batch_count, 8);
    assert_string_equal(descriptor->wants[0], "gpu");
    const struct descriptor_port *input = &descriptor->inputs[0];
    assert_int_equal(input->count, 16);
    assert_int_equal(input->delivery, SB_DELIVERY_LATEST);
    assert_int_equal(input->holds, 1);
    assert_true(input->is_memory);
    assert_int_equal(input->formats.pixels, SB_BIT(SB_PIXEL_RGBA) | SB_BIT(SB_PIXEL_I420));
    assert_int_equal(input->formats.channels_max, 2);
    const struct descriptor_port *output = &descriptor->outputs[0];
    assert_int_equal(output->claims, 3);
    assert_int_equal(output->max_payload, 4096);
    assert_string_equal(output->follows, "video_2");
    assert_int_equal(descriptor->param_count, 2);
    assert_null(descriptor->params[1].initial);
    assert_string_equal(descriptor->params[1].choices[1], "disc");
    descriptor_destroy(descriptor);
}

static void the_digest_is_that_of_the_json_without_white_space_around(void **state)
{
    (void)state;
    struct descriptor *descriptor = NULL;
    struct diag why;
    char text[sizeof(whole) + 8];
    snprintf(text, sizeof(text), "\n %s \n", whole);
    assert_int_equal(descriptor_parse(text, strlen(text), &descriptor, &why), 0);
    assert_int_equal(descriptor->digest, hash_bytes(whole, strlen(whole)));
    descriptor_destroy(descriptor);
}

// R-NEG-018
static void members_of_a_port_array_are_found_by_number(void **state)
{
    (void)state;
    struct descriptor *descriptor = NULL;
    struct diag why;
    uint32_t index = 99;
    assert_int_equal(descriptor_parse(whole, strlen(whole), &descriptor, &why), 0);
    assert_ptr_equal(descriptor_find_input(descriptor, "video_15", &index), descriptor->inputs);
    assert_int_equal(index, 15);
    assert_null(descriptor_find_input(descriptor, "video", &index));
    assert_null(descriptor_find_input(descriptor, "video_16", &index));
    assert_null(descriptor_find_input(descriptor, "video_01", &index));
    assert_null(descriptor_find_input(descriptor, "video_", &index));
    assert_null(descriptor_find_input(descriptor, "video_9999999999", &index));
    assert_ptr_equal(descriptor_find_output(descriptor, "out", &index), descriptor->outputs);
    assert_null(descriptor_find_output(descriptor, "out_0", &index));
    descriptor_destroy(descriptor);
}

// The whole with one part replaced is refused, and the reason is exactly this.
static void assert_refused(const char *part, const char *instead, const char *reason)
{
    char text[2 * sizeof(whole)];
    const char *found = strstr(whole, part);
    assert_non_null(found);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(found - whole), whole, instead,
             found + strlen(part));
    struct descriptor *descriptor = NULL;
    struct diag why = {.text = ""};
    assert_int_equal(descriptor_parse(text, strlen(text), &descriptor, &why), -EPROTO);
    assert_null(descriptor);
    assert_string_equal(why.text, reason);
}

static void wrong_fields_are_refused_with_their_place(void **state)
{
    (void)state;
    assert_refused("\"streambroker\":1", "\"streambroker\":2",
                   "its description is wrong: descriptor: version 2, this broker knows 1; build "
                   "both from one version");
    assert_refused("\"name\":\"blur\"", "\"name\":\"Blur x\"",
                   "its description is wrong: descriptor: 'name' is 'Blur x', which is no name");
    assert_refused("\"name\":\"blur\",", "", "its description is wrong: descriptor: no 'name'");
    assert_refused("\"mode\":\"tick\"", "\"mode\":\"tock\"",
                   "its description is wrong: descriptor: 'mode' is 'tock', which is not known "
                   "here");
    assert_refused("\"count\":16", "\"count\":65",
                   "its description is wrong: video: 'count' is 65, allowed are 0 to 64");
    assert_refused("\"count\":16", "\"count\":-1",
                   "its description is wrong: video: 'count' is -1, allowed are 0 to 64");
    assert_refused("\"optional\":true", "\"optional\":1",
                   "its description is wrong: video: 'optional' is of a wrong type");
    assert_refused("\"rgba\"", "\"rgbx\"",
                   "its description is wrong: video: 'pixels' has 'rgbx', which is not known "
                   "here");
    assert_refused("[1,2]", "[2,1]",
                   "its description is wrong: video: 'channels' begins above its end");
    assert_refused("\"follows\":\"video_2\"", "\"follows\":\"audio\"",
                   "its description is wrong: out: it follows 'audio', which is no input");
    assert_refused("\"choices\":[\"box\",\"disc\"]", "\"choices\":[]",
                   "its description is wrong: shape: a choice without 'choices'");
    assert_refused("\"name\":\"shape\"", "\"name\":\"radius\"",
                   "its description is wrong: radius: two parameters of this name");
    assert_refused("\"count\":8", "\"count\":0",
                   "its description is wrong: activation: a batch of 0 frames");
}

static void a_port_that_is_named_like_a_member_of_an_array_is_refused(void **state)
{
    (void)state;
    static const char port[] = "{\"name\":\"%s\",\"type\":\"any\",\"help\":\"\",\"count\":%d,"
                               "\"optional\":true,\"delivery\":\"latest\",\"holds\":1,"
                               "\"memory\":false," FORMATS "}";
    static const struct {
        const char *name;
        int count;
    } pairs[][2] = {{{"in", 2}, {"in_1", 0}}, {{"in_1", 0}, {"in", 2}}, {{"in", 0}, {"in", 0}}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char first[512];
        char second[512];
        char both[1100];
        snprintf(first, sizeof(first), port, pairs[i][0].name, pairs[i][0].count);
        snprintf(second, sizeof(second), port, pairs[i][1].name, pairs[i][1].count);
        snprintf(both, sizeof(both), "\"inputs\":[%s,%s,", first, second);
        char reason[128];
        snprintf(reason, sizeof(reason), "its description is wrong: %s: two ports of this name",
                 pairs[i][1].name);
        assert_refused("\"inputs\":[", both, reason);
    }
}

static void what_is_no_json_is_refused_with_line_and_column(void **state)
{
    (void)state;
    struct descriptor *descriptor = NULL;
    struct diag why = {.text = ""};
    const char *text = "{\"streambroker\":1,\n  oops}";
    assert_int_equal(descriptor_parse(text, strlen(text), &descriptor, &why), -EPROTO);
    assert_int_equal(why.line, 2);
    assert_non_null(strstr(why.text, "its description is wrong: descriptor: "));
    assert_refused("\"version\":\"1.0.0\"", "\"name\":\"x\"",
                   "its description is wrong: descriptor: duplicate object key near '\"name\"'");
    assert_int_equal(descriptor_parse("", 0, &descriptor, &why), -EPROTO);
}

static void a_description_that_is_too_large_is_not_looked_at(void **state)
{
    (void)state;
    struct descriptor *descriptor = NULL;
    struct diag why = {.text = ""};
    char *text = calloc(DESCRIPTOR_BYTES_MAX + 1, 1);
    assert_int_equal(descriptor_parse(text, DESCRIPTOR_BYTES_MAX + 1, &descriptor, &why), -EPROTO);
    assert_string_equal(why.text, "its description is wrong: more than 262144 bytes");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_read),
        cmocka_unit_test(the_digest_is_that_of_the_json_without_white_space_around),
        cmocka_unit_test(members_of_a_port_array_are_found_by_number),
        cmocka_unit_test(wrong_fields_are_refused_with_their_place),
        cmocka_unit_test(a_port_that_is_named_like_a_member_of_an_array_is_refused),
        cmocka_unit_test(what_is_no_json_is_refused_with_line_and_column),
        cmocka_unit_test(a_description_that_is_too_large_is_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
