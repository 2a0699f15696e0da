// SPDX-License-Identifier: Apache-2.0
// A common format is chosen, or the error shows both sides.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "broker/links/negotiation.h"

static struct sb_format video(enum sb_pixel pixel, uint32_t width)
{
    return (struct sb_format){
        .kind = SB_FORMAT_VIDEO,
        .video = {.pixel = pixel, .width = width, .height = 480, .fps_denominator = 1}};
}

static struct sb_format audio(enum sb_sample sample, uint32_t rate, uint32_t channels)
{
    return (struct sb_format){.kind = SB_FORMAT_AUDIO,
                              .audio = {.sample = sample, .rate = rate, .channels = channels}};
}

static int choose_one(const struct sb_format *formats, size_t count,
                      const struct negotiation_input *input, struct sb_format *out, char *text,
                      size_t text_bytes)
{
    struct negotiation_output output = {
        .address = "cam.video", .formats = formats, .format_count = count};
    struct negotiation negotiation = {
        .outputs = &output, .output_count = 1, .inputs = input, .input_count = 1};
    return negotiation_choose(&negotiation, out, text, text_bytes);
}

// R-NEG-003 R-NEG-004
static void the_first_offer_that_the_consumer_accepts_is_chosen(void **state)
{
    (void)state;
    struct sb_format offers[] = {video(SB_PIXEL_RGBA, 640), video(SB_PIXEL_I420, 640),
                                 video(SB_PIXEL_NV12, 640)};
    struct negotiation_input input = {.address = "blur.video",
                                      .type = SB_PORT_VIDEO,
                                      .pixels = SB_BIT(SB_PIXEL_NV12) | SB_BIT(SB_PIXEL_I420)};
    struct sb_format format;
    char text[512];
    assert_int_equal(choose_one(offers, 3, &input, &format, text, sizeof text), 0);
    assert_int_equal(format.video.pixel, SB_PIXEL_I420);
}

// R-NEG-003
static void the_error_shows_what_both_sides_can_do(void **state)
{
    (void)state;
    struct sb_format offers[] = {video(SB_PIXEL_RGBA, 640), video(SB_PIXEL_BGRA, 640)};
    struct negotiation_input input = {
        .address = "blur.video", .type = SB_PORT_VIDEO, .pixels = SB_BIT(SB_PIXEL_GRAY8)};
    struct sb_format format = {.kind = SB_FORMAT_TEXT};
    char text[512];
    assert_int_equal(choose_one(offers, 2, &input, &format, text, sizeof text), -ENOENT);
    assert_int_equal(format.kind, SB_FORMAT_TEXT);
    assert_non_null(strstr(text, "cam.video offers video rgba 640x480"));
    assert_non_null(strstr(text, "bgra"));
    assert_non_null(strstr(text, "blur.video accepts video gray8"));
}

// R-NEG-005
static void audio_is_compared_by_sample_rate_and_channels(void **state)
{
    (void)state;
    struct negotiation_input input = {.type = SB_PORT_AUDIO,
                                      .samples = SB_BIT(SB_SAMPLE_F32),
                                      .rate_min = 8000,
                                      .rate_max = 48000,
                                      .channels_min = 2,
                                      .channels_max = 2};
    struct sb_format good = audio(SB_SAMPLE_F32, 48000, 2);
    struct sb_format sample = audio(SB_SAMPLE_S16, 48000, 2);
    struct sb_format rate = audio(SB_SAMPLE_F32, 96000, 2);
    struct sb_format slow = audio(SB_SAMPLE_F32, 4000, 2);
    struct sb_format channels = audio(SB_SAMPLE_F32, 48000, 1);
    assert_true(negotiation_accepts(&input, &good));
    assert_false(negotiation_accepts(&input, &sample));
    assert_false(negotiation_accepts(&input, &rate));
    assert_false(negotiation_accepts(&input, &slow));
    assert_false(negotiation_accepts(&input, &channels));
}

// R-NEG-008
static void messages_match_by_their_full_name(void **state)
{
    (void)state;
    struct sb_format format = {.kind = SB_FORMAT_MESSAGE, .name = "demo.Pose"};
    struct negotiation_input input = {.type = SB_PORT_DATA, .message = "demo.Pose"};
    assert_true(negotiation_accepts(&input, &format));
    input.message = "demo.Other";
    assert_false(negotiation_accepts(&input, &format));
    input.message = NULL;
    assert_true(negotiation_accepts(&input, &format));
}

static void a_port_takes_the_kinds_of_its_type_and_any_takes_all_of_its_set(void **state)
{
    (void)state;
    struct sb_format text = {.kind = SB_FORMAT_TEXT};
    struct sb_format binary = {.kind = SB_FORMAT_BINARY};
    struct negotiation_input data = {.type = SB_PORT_DATA};
    assert_false(negotiation_accepts(&data, &text));
    assert_true(negotiation_accepts(&data, &binary));
    struct negotiation_input any = {.type = SB_PORT_ANY};
    assert_true(negotiation_accepts(&any, &text));
    any.kinds = SB_BIT(SB_FORMAT_BINARY);
    assert_false(negotiation_accepts(&any, &text));
}

static void every_consumer_of_an_output_must_accept(void **state)
{
    (void)state;
    struct sb_format offers[] = {video(SB_PIXEL_RGBA, 640), video(SB_PIXEL_GRAY8, 640)};
    struct negotiation_output output = {.address = "a.video", .formats = offers, .format_count = 2};
    struct negotiation_input inputs[] = {
        {.address = "b.video", .type = SB_PORT_VIDEO},
        {.address = "c.video", .type = SB_PORT_VIDEO, .pixels = SB_BIT(SB_PIXEL_GRAY8)}};
    struct negotiation all = {
        .outputs = &output, .output_count = 1, .inputs = inputs, .input_count = 2};
    struct sb_format format;
    char text[256];
    assert_int_equal(negotiation_choose(&all, &format, text, sizeof text), 0);
    assert_int_equal(format.video.pixel, SB_PIXEL_GRAY8);
}

static void two_outputs_into_one_input_agree_on_what_both_offer(void **state)
{
    (void)state;
    struct sb_format first[] = {video(SB_PIXEL_RGBA, 640), video(SB_PIXEL_GRAY8, 640)};
    struct sb_format second[] = {video(SB_PIXEL_GRAY8, 640)};
    struct negotiation_output outputs[] = {
        {.address = "a.video", .formats = first, .format_count = 2},
        {.address = "b.video", .formats = second, .format_count = 1}};
    struct negotiation_input input = {.address = "c.video", .type = SB_PORT_VIDEO};
    struct negotiation both = {
        .outputs = outputs, .output_count = 2, .inputs = &input, .input_count = 1};
    struct sb_format format;
    char text[512];
    assert_int_equal(negotiation_choose(&both, &format, text, sizeof text), 0);
    assert_int_equal(format.video.pixel, SB_PIXEL_GRAY8);
    second[0] = video(SB_PIXEL_GRAY8, 320);
    assert_int_equal(negotiation_choose(&both, &format, text, sizeof text), -ENOENT);
    assert_non_null(strstr(text, "a.video offers"));
    assert_non_null(strstr(text, "b.video offers"));
}

static void a_settled_link_binds_the_others_into_its_input_unless_it_takes_any(void **state)
{
    (void)state;
    struct sb_format settled = video(SB_PIXEL_RGBA, 640);
    struct sb_format offer = video(SB_PIXEL_GRAY8, 640);
    struct negotiation_input input = {
        .address = "c.video", .type = SB_PORT_VIDEO, .settled = &settled};
    struct sb_format format;
    char text[512];
    assert_int_equal(choose_one(&offer, 1, &input, &format, text, sizeof text), -ENOENT);
    assert_non_null(strstr(text, "another link into it carries video rgba"));
    input.type = SB_PORT_ANY;
    assert_int_equal(choose_one(&offer, 1, &input, &format, text, sizeof text), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_offer_that_the_consumer_accepts_is_chosen),
        cmocka_unit_test(the_error_shows_what_both_sides_can_do),
        cmocka_unit_test(audio_is_compared_by_sample_rate_and_channels),
        cmocka_unit_test(messages_match_by_their_full_name),
        cmocka_unit_test(a_port_takes_the_kinds_of_its_type_and_any_takes_all_of_its_set),
        cmocka_unit_test(every_consumer_of_an_output_must_accept),
        cmocka_unit_test(two_outputs_into_one_input_agree_on_what_both_offer),
        cmocka_unit_test(a_settled_link_binds_the_others_into_its_input_unless_it_takes_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
