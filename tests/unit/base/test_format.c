// SPDX-License-Identifier: Apache-2.0
// Formats: which are valid, how large a frame of each is, and that names go both ways.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <streambroker/format.h>

static struct sb_format video(enum sb_pixel pixel, uint32_t width, uint32_t height)
{
    return (struct sb_format){.kind = SB_FORMAT_VIDEO,
                              .video = {.pixel = pixel,
                                        .width = width,
                                        .height = height,
                                        .fps_numerator = 30,
                                        .fps_denominator = 1}};
}

static int check_video(enum sb_pixel pixel, uint32_t width, uint32_t height)
{
    struct sb_format format = video(pixel, width, height);
    return sb_format_check(&format);
}

// R-NEG-006
static void sizes_of_pictures_are_checked_against_the_pixel_format(void **state)
{
    (void)state;
    for (enum sb_pixel pixel = SB_PIXEL_RGBA; pixel <= SB_PIXEL_NV12; pixel++) {
        bool is_halved = pixel == SB_PIXEL_I420 || pixel == SB_PIXEL_NV12;
        bool is_paired = is_halved || pixel == SB_PIXEL_YUY2;
        assert_int_equal(check_video(pixel, 640, 360), 0);
        assert_int_equal(check_video(pixel, 0, 360), -EINVAL);
        assert_int_equal(check_video(pixel, 640, 0), -EINVAL);
        assert_int_equal(check_video(pixel, SB_VIDEO_SIZE_MAX + 2, 2), -EINVAL);
        assert_int_equal(check_video(pixel, 641, 360), is_paired ? -EINVAL : 0);
        assert_int_equal(check_video(pixel, 640, 361), is_halved ? -EINVAL : 0);
    }
    assert_int_equal(check_video(SB_PIXEL_NONE, 640, 360), -EINVAL);
    assert_int_equal(check_video((enum sb_pixel)99, 640, 360), -EINVAL);
}

// R-NEG-007
static void sound_has_a_rate_channels_and_a_sample(void **state)
{
    (void)state;
    static const struct {
        enum sb_sample sample;
        uint32_t rate;
        uint32_t channels;
        int result;
    } cases[] = {
        {SB_SAMPLE_S16, 48000, 2, 0},
        {SB_SAMPLE_F32, 1, SB_AUDIO_CHANNELS_MAX, 0},
        {SB_SAMPLE_S16, 0, 2, -EINVAL},
        {SB_SAMPLE_S16, 48000, 0, -EINVAL},
        {SB_SAMPLE_S16, SB_AUDIO_RATE_MAX + 1, 2, -EINVAL},
        {SB_SAMPLE_S16, 48000, SB_AUDIO_CHANNELS_MAX + 1, -EINVAL},
        {SB_SAMPLE_NONE, 48000, 2, -EINVAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sb_format format = {.kind = SB_FORMAT_AUDIO,
                                   .audio = {.sample = cases[i].sample,
                                             .rate = cases[i].rate,
                                             .channels = cases[i].channels}};
        assert_int_equal(sb_format_check(&format), cases[i].result);
    }
}

static void a_frame_of_pictures_has_the_size_of_its_planes(void **state)
{
    (void)state;
    static const struct {
        enum sb_pixel pixel;
        uint64_t size_bytes;
        size_t planes;
    } cases[] = {
        {SB_PIXEL_RGBA, 8 * 6 * 4, 1}, {SB_PIXEL_RGB, 8 * 6 * 3, 1}, {SB_PIXEL_GRAY8, 8 * 6, 1},
        {SB_PIXEL_YUY2, 8 * 6 * 2, 1}, {SB_PIXEL_I420, 72, 3},       {SB_PIXEL_NV12, 72, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sb_format format = video(cases[i].pixel, 8, 6);
        struct sb_video_layout layout;
        assert_int_equal(sb_format_frame_bytes(&format), cases[i].size_bytes);
        assert_int_equal(sb_video_layout_get(&format.video, &layout), 0);
        assert_int_equal(layout.plane_count, cases[i].planes);
        assert_int_equal(layout.size_bytes, cases[i].size_bytes);
    }
    struct sb_format odd = video(SB_PIXEL_NV12, 7, 6);
    struct sb_video_layout untouched = {.plane_count = 9};
    assert_int_equal(sb_video_layout_get(&odd.video, &untouched), -EINVAL);
    assert_int_equal(untouched.plane_count, 9);
}

static void formats_are_equal_in_every_part_or_not_at_all(void **state)
{
    (void)state;
    struct sb_format a = video(SB_PIXEL_RGBA, 640, 360);
    struct sb_format b = a;
    assert_true(sb_format_is_equal(&a, &b));
    b.video.height = 362;
    assert_false(sb_format_is_equal(&a, &b));
    b = (struct sb_format){.kind = SB_FORMAT_BINARY};
    assert_false(sb_format_is_equal(&a, &b));
    struct sb_format message = {.kind = SB_FORMAT_MESSAGE};
    assert_int_equal(sb_format_check(&message), -EINVAL);  // a message has a name
    snprintf(message.name, sizeof message.name, "sb.test.Note");
    assert_int_equal(sb_format_check(&message), 0);
    b = message;
    b.name[0] = 'x';
    assert_false(sb_format_is_equal(&message, &b));
}

static void every_name_leads_back_to_its_value(void **state)
{
    (void)state;
    for (enum sb_pixel pixel = SB_PIXEL_RGBA; pixel <= SB_PIXEL_NV12; pixel++) {
        assert_int_equal(sb_pixel_from_name(sb_pixel_name(pixel)), pixel);
    }
    for (enum sb_sample sample = SB_SAMPLE_S16; sample <= SB_SAMPLE_F32; sample++) {
        assert_int_equal(sb_sample_from_name(sb_sample_name(sample)), sample);
        assert_true(sb_sample_bytes(sample) > 0);
    }
    for (enum sb_element element = SB_ELEMENT_U8; element <= SB_ELEMENT_F64; element++) {
        assert_int_equal(sb_element_from_name(sb_element_name(element)), element);
    }
    for (enum sb_port_type type = SB_PORT_VIDEO; type <= SB_PORT_ANY; type++) {
        assert_int_equal(sb_port_type_from_name(sb_port_type_name(type)), type);
    }
    assert_int_equal(sb_pixel_from_name("RGBA"), SB_PIXEL_NONE);
    assert_int_equal(sb_format_kind_from_name(""), SB_FORMAT_NONE);
    assert_int_equal(sb_sample_bytes((enum sb_sample)99), 0);
}

static void a_format_is_said_in_one_line(void **state)
{
    (void)state;
    char text[128];
    struct sb_format format = video(SB_PIXEL_I420, 640, 360);
    sb_format_text(&format, text, sizeof text);
    assert_string_equal(text, "video i420 640x360 30/1");
    char few[6];
    sb_format_text(&format, few, sizeof few);
    assert_string_equal(few, "video");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_of_pictures_are_checked_against_the_pixel_format),
        cmocka_unit_test(sound_has_a_rate_channels_and_a_sample),
        cmocka_unit_test(a_frame_of_pictures_has_the_size_of_its_planes),
        cmocka_unit_test(formats_are_equal_in_every_part_or_not_at_all),
        cmocka_unit_test(every_name_leads_back_to_its_value),
        cmocka_unit_test(a_format_is_said_in_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
