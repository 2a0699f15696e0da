// SPDX-License-Identifier: Apache-2.0
// Caps and formats: there and back, and what is refused.
// test: uses=processors_gst,base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "processors/gst/caps.h"

static void there_and_back(const struct sb_format *format)
{
    struct sb_format back = {0};
    GstCaps *caps = caps_of_format(format);
    assert_non_null(caps);
    assert_true(gst_caps_is_fixed(caps));
    assert_int_equal(caps_to_format(caps, &back), 0);
    assert_true(sb_format_is_equal(format, &back));
    assert_int_equal(format->video.fps_numerator, back.video.fps_numerator);
    gst_caps_unref(caps);
}

static void every_video_format_has_caps(void **state)
{
    (void)state;
    for (int pixel = 1; pixel <= SB_PIXEL_NV12; pixel++) {
        struct sb_format format = {.kind = SB_FORMAT_VIDEO,
                                   .video = {(enum sb_pixel)pixel, 640, 360, 30000, 1001}};
        there_and_back(&format);
        format.video.fps_numerator = 0;
        format.video.fps_denominator = 0;
        there_and_back(&format);
    }
}

static void every_audio_format_has_caps(void **state)
{
    (void)state;
    for (int sample = 1; sample <= SB_SAMPLE_F32; sample++) {
        for (uint32_t channels = 1; channels <= 6; channels++) {
            struct sb_format format = {.kind = SB_FORMAT_AUDIO,
                                       .audio = {(enum sb_sample)sample, 44100, channels}};
            there_and_back(&format);
        }
    }
}

static void binary_formats_are_their_media_type(void **state)
{
    (void)state;
    struct sb_format format = {.kind = SB_FORMAT_BINARY, .name = "image/jpeg"};
    there_and_back(&format);
    GstCaps *caps = gst_caps_from_string("video/x-h264, width=640, stream-format=byte-stream");
    struct sb_format back = {0};
    assert_int_equal(caps_to_format(caps, &back), 0);
    assert_int_equal(back.kind, SB_FORMAT_BINARY);
    assert_string_equal(back.name, "video/x-h264");
    gst_caps_unref(caps);
}

static void raw_caps_that_no_format_describes_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "video/x-raw, format=Y444, width=640, height=360, framerate=30/1",
        "video/x-raw, format=I420, width=641, height=360, framerate=30/1",
        "video/x-raw, format=I420, width=[1,640], height=360",
        "video/x-raw, format=I420",
        "audio/x-raw, format=S24LE, rate=48000, channels=2, layout=interleaved",
        "audio/x-raw, format=S16LE, rate=48000, channels=2, layout=non-interleaved",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        GstCaps *caps = gst_caps_from_string(wrong[i]);
        struct sb_format format = {0};
        assert_non_null(caps);
        assert_true(caps_to_format(caps, &format) < 0);
        assert_int_equal(format.kind, SB_FORMAT_NONE);
        gst_caps_unref(caps);
    }
    struct sb_format format = {0};
    assert_true(caps_to_format(NULL, &format) < 0);
    format.kind = SB_FORMAT_TENSOR;
    assert_null(caps_of_format(&format));
}

static void the_caps_of_a_port_take_its_formats_only(void **state)
{
    (void)state;
    GstCaps *video = caps_of_port(SB_PORT_VIDEO);
    GstCaps *data = caps_of_port(SB_PORT_DATA);
    struct sb_format format = {.kind = SB_FORMAT_VIDEO, .video = {SB_PIXEL_NV12, 64, 48, 30, 1}};
    GstCaps *good = caps_of_format(&format);
    GstCaps *jpeg = gst_caps_from_string("image/jpeg");
    assert_true(gst_caps_can_intersect(video, good));
    assert_false(gst_caps_can_intersect(video, jpeg));
    assert_true(gst_caps_can_intersect(data, jpeg));
    gst_caps_unref(video);
    gst_caps_unref(data);
    gst_caps_unref(good);
    gst_caps_unref(jpeg);
}

static int start(void **state)
{
    (void)state;
    g_setenv("GST_REGISTRY_FORK", "no", TRUE);
    gst_init(NULL, NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_video_format_has_caps),
        cmocka_unit_test(every_audio_format_has_caps),
        cmocka_unit_test(binary_formats_are_their_media_type),
        cmocka_unit_test(raw_caps_that_no_format_describes_are_refused),
        cmocka_unit_test(the_caps_of_a_port_take_its_formats_only),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
