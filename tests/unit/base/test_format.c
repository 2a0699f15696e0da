// SPDX-License-Identifier: Apache-2.0
// Formats: bounds, sizes, planes, equality, names.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <streambroker/format.h>

static struct sb_format video(enum sb_pixel pixel, uint32_t width, uint32_t height)
{
    return (struct sb_format){.kind = SB_FORMAT_VIDEO,
                              .video = {.pixel = pixel, .width = width, .height = height}};
}

static struct sb_format audio(uint32_t rate, uint32_t channels)
{
    return (struct sb_format){
        .kind = SB_FORMAT_AUDIO,
        .audio = {.sample = SB_SAMPLE_F32, .rate = rate, .channels = channels}};
}

static struct sb_format tensor(uint32_t rank, uint32_t each)
{
    struct sb_format format = {.kind = SB_FORMAT_TENSOR,
                               .tensor = {.element = SB_ELEMENT_F32, .rank = rank}};
    for (uint32_t i = 0; i < SB_TENSOR_RANK_MAX; i++) {
        format.tensor.shape[i] = each;
    }
    return format;
}

static struct sb_format named(enum sb_format_kind kind, const char *name)
{
    struct sb_format format = {.kind = kind};
    strncpy(format.name, name, sizeof format.name - 1);
    return format;
}

static int check(struct sb_format format)
{
    return sb_format_check(&format);
}

// R-NEG-006
static void a_video_has_a_size_that_its_pixels_allow(void **state)
{
    (void)state;
    assert_int_equal(check(video(SB_PIXEL_RGBA, 1, 1)), 0);
    assert_int_equal(check(video(SB_PIXEL_RGBA, 32768, 32768)), 0);
    assert_int_equal(check(video(SB_PIXEL_RGBA, 32769, 1)), -EINVAL);
    assert_int_equal(check(video(SB_PIXEL_RGBA, 0, 1)), -EINVAL);
    assert_int_equal(check(video(SB_PIXEL_RGBA, 1, 0)), -EINVAL);
    assert_int_equal(check(video(SB_PIXEL_YUY2, 2, 3)), 0);
    assert_int_equal(check(video(SB_PIXEL_YUY2, 3, 2)), -EINVAL);
    assert_int_equal(check(video(SB_PIXEL_I420, 2, 2)), 0);
    assert_int_equal(check(video(SB_PIXEL_I420, 2, 3)), -EINVAL);
    assert_int_equal(check(video(SB_PIXEL_NV12, 3, 2)), -EINVAL);
    assert_int_equal(check(video(SB_PIXEL_NONE, 2, 2)), -EINVAL);
    assert_int_equal(check(video((enum sb_pixel)99, 2, 2)), -EINVAL);
    struct sb_format timed = video(SB_PIXEL_RGB, 2, 2);
    timed.video.fps_numerator = 30;
    assert_int_equal(check(timed), -EINVAL);
    timed.video.fps_denominator = 1;
    assert_int_equal(check(timed), 0);
}

// R-NEG-007
static void an_audio_has_a_rate_and_channels(void **state)
{
    (void)state;
    assert_int_equal(check(audio(1, 1)), 0);
    assert_int_equal(check(audio(768000, 64)), 0);
    assert_int_equal(check(audio(0, 1)), -EINVAL);
    assert_int_equal(check(audio(768001, 1)), -EINVAL);
    assert_int_equal(check(audio(1, 0)), -EINVAL);
    assert_int_equal(check(audio(1, 65)), -EINVAL);
}

// R-NEG-008
static void tensors_messages_and_binaries_are_bounded(void **state)
{
    (void)state;
    assert_int_equal(check(tensor(1, 1)), 0);
    assert_int_equal(check(tensor(8, 8)), 0);
    assert_int_equal(check(tensor(0, 1)), -EINVAL);
    assert_int_equal(check(tensor(9, 1)), -EINVAL);
    assert_int_equal(check(tensor(2, 0)), -EINVAL);
    // 2^32 bytes are the most; a product that overflows is no small number.
    assert_int_equal(check(tensor(1, UINT32_C(1) << 30)), 0);
    assert_int_equal(check(tensor(1, (UINT32_C(1) << 30) + 1)), -EINVAL);
    assert_int_equal(check(tensor(8, UINT32_C(1) << 31)), -EINVAL);
    assert_int_equal(check(named(SB_FORMAT_BINARY, "")), 0);
    assert_int_equal(check(named(SB_FORMAT_BINARY, "image/jpeg")), 0);
    assert_int_equal(check(named(SB_FORMAT_BINARY, "image/ jpeg")), -EINVAL);
    assert_int_equal(check(named(SB_FORMAT_MESSAGE, "")), -EINVAL);
    assert_int_equal(check(named(SB_FORMAT_MESSAGE, "a.B")), 0);
    struct sb_format endless = {.kind = SB_FORMAT_MESSAGE};
    memset(endless.name, 'a', sizeof endless.name);
    assert_int_equal(check(endless), -EINVAL);
    assert_int_equal(check((struct sb_format){.kind = SB_FORMAT_NONE}), -EINVAL);
    assert_int_equal(check((struct sb_format){.kind = (enum sb_format_kind)99}), -EINVAL);
}

static void planes_follow_each_other_without_a_gap(void **state)
{
    (void)state;
    static const struct {
        enum sb_pixel pixel;
        uint32_t planes;
        size_t strides[3];
        uint32_t rows[3];
    } cases[] = {
        {SB_PIXEL_RGBA, 1, {24}, {4}},      {SB_PIXEL_BGRA, 1, {24}, {4}},
        {SB_PIXEL_RGB, 1, {18}, {4}},       {SB_PIXEL_BGR, 1, {18}, {4}},
        {SB_PIXEL_GRAY8, 1, {6}, {4}},      {SB_PIXEL_YUY2, 1, {12}, {4}},
        {SB_PIXEL_NV12, 2, {6, 6}, {4, 2}}, {SB_PIXEL_I420, 3, {6, 3, 3}, {4, 2, 2}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sb_format format = video(cases[i].pixel, 6, 4);
        struct sb_video_layout layout;
        assert_int_equal(sb_video_layout_get(&format.video, &layout), 0);
        assert_int_equal(layout.plane_count, cases[i].planes);
        size_t offset = 0;
        for (uint32_t p = 0; p < layout.plane_count; p++) {
            assert_int_equal(layout.planes[p].offset_bytes, offset);
            assert_int_equal(layout.planes[p].stride_bytes, cases[i].strides[p]);
            assert_int_equal(layout.planes[p].row_bytes, cases[i].strides[p]);
            assert_int_equal(layout.planes[p].rows, cases[i].rows[p]);
            offset += cases[i].strides[p] * cases[i].rows[p];
        }
        assert_int_equal(layout.size_bytes, offset);
        assert_int_equal(sb_format_frame_bytes(&format), offset);
    }
    struct sb_format wrong = video(SB_PIXEL_I420, 5, 4);
    struct sb_video_layout untouched = {.plane_count = 77};
    assert_int_equal(sb_video_layout_get(&wrong.video, &untouched), -EINVAL);
    assert_int_equal(untouched.plane_count, 77);
    assert_int_equal(sb_format_frame_bytes(&wrong), 0);
}

// R-PROC-017: what the size of a frame is compared with.
static void only_video_and_tensors_have_one_size(void **state)
{
    (void)state;
    struct sb_format largest = video(SB_PIXEL_RGBA, 32768, 32768);
    struct sb_format cube = tensor(3, 5);
    struct sb_format sound = audio(48000, 2);
    struct sb_format text = {.kind = SB_FORMAT_TEXT};
    assert_int_equal(sb_format_frame_bytes(&largest), UINT64_C(1) << 32);
    assert_int_equal(sb_format_frame_bytes(&cube), 500);
    assert_int_equal(sb_format_frame_bytes(&sound), 0);
    assert_int_equal(sb_format_frame_bytes(&text), 0);
}

static int is_equal(struct sb_format a, struct sb_format b)
{
    assert_int_equal(sb_format_is_equal(&a, &b), sb_format_is_equal(&b, &a));
    return sb_format_is_equal(&a, &b);
}

// R-NEG-004, R-NEG-005, R-NEG-008
static void formats_are_equal_when_they_mean_the_same_bytes(void **state)
{
    (void)state;
    struct sb_format timed = video(SB_PIXEL_RGB, 4, 4);
    timed.video.fps_numerator = 30;
    timed.video.fps_denominator = 1;
    assert_true(is_equal(timed, video(SB_PIXEL_RGB, 4, 4)));
    assert_false(is_equal(timed, video(SB_PIXEL_BGR, 4, 4)));
    assert_false(is_equal(timed, video(SB_PIXEL_RGB, 5, 4)));
    assert_false(is_equal(timed, video(SB_PIXEL_RGB, 4, 5)));
    assert_true(is_equal(audio(48000, 2), audio(48000, 2)));
    assert_false(is_equal(audio(48000, 2), audio(44100, 2)));
    assert_false(is_equal(audio(48000, 2), audio(48000, 1)));
    // Behind the rank there may be anything.
    struct sb_format flat = tensor(2, 3);
    flat.tensor.shape[2] = 9;
    assert_true(is_equal(flat, tensor(2, 3)));
    assert_false(is_equal(tensor(2, 3), tensor(3, 3)));
    assert_false(is_equal(tensor(2, 3), tensor(2, 4)));
    assert_true(is_equal(named(SB_FORMAT_MESSAGE, "a.B"), named(SB_FORMAT_MESSAGE, "a.B")));
    assert_false(is_equal(named(SB_FORMAT_MESSAGE, "a.B"), named(SB_FORMAT_MESSAGE, "a.C")));
    assert_false(is_equal(named(SB_FORMAT_MESSAGE, "a.B"), named(SB_FORMAT_BINARY, "a.B")));
    assert_true(is_equal(named(SB_FORMAT_TEXT, "x"), named(SB_FORMAT_TEXT, "y")));
}

static void expect_text(struct sb_format format, const char *wanted)
{
    char text[128];
    sb_format_text(&format, text, sizeof text);
    assert_string_equal(text, wanted);
}

static void a_format_reads_like_a_sentence(void **state)
{
    (void)state;
    struct sb_format timed = video(SB_PIXEL_RGBA, 640, 360);
    expect_text(timed, "video rgba 640x360");
    timed.video.fps_numerator = 30;
    timed.video.fps_denominator = 1;
    expect_text(timed, "video rgba 640x360 30/1");
    expect_text(audio(48000, 1), "audio f32 48000 Hz 1 channel");
    expect_text(audio(48000, 2), "audio f32 48000 Hz 2 channels");
    expect_text(tensor(3, 2), "tensor f32 2x2x2");
    expect_text(named(SB_FORMAT_MESSAGE, "a.B"), "message a.B");
    expect_text((struct sb_format){.kind = SB_FORMAT_TEXT}, "text");
    expect_text((struct sb_format){.kind = (enum sb_format_kind)99}, "?");
    char small[8];
    sb_format_text(&timed, small, sizeof small);
    assert_string_equal(small, "video r");
}

#define ROUND_TRIP(stem)                                                                           \
    do {                                                                                           \
        uint32_t value = 1;                                                                        \
        for (; strcmp(sb_##stem##_name((enum sb_##stem)value), "?") != 0; value++) {               \
            const char *name = sb_##stem##_name((enum sb_##stem)value);                            \
            assert_int_equal(sb_##stem##_from_name(name), value);                                  \
        }                                                                                          \
        assert_true(value > 3);                                                                    \
        assert_string_equal(sb_##stem##_name((enum sb_##stem)0), "?");                             \
        assert_int_equal(sb_##stem##_from_name("nothing"), 0);                                     \
        assert_int_equal(sb_##stem##_from_name(""), 0);                                            \
    } while (0)

static void each_name_reads_back_as_its_value(void **state)
{
    (void)state;
    ROUND_TRIP(port_type);
    ROUND_TRIP(format_kind);
    ROUND_TRIP(pixel);
    ROUND_TRIP(sample);
    ROUND_TRIP(element);
    assert_int_equal(sb_sample_bytes(SB_SAMPLE_S16), 2);
    assert_int_equal(sb_sample_bytes((enum sb_sample)99), 0);
    assert_int_equal(sb_element_bytes(SB_ELEMENT_F64), 8);
    assert_int_equal(sb_element_bytes(SB_ELEMENT_NONE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_video_has_a_size_that_its_pixels_allow),
        cmocka_unit_test(an_audio_has_a_rate_and_channels),
        cmocka_unit_test(tensors_messages_and_binaries_are_bounded),
        cmocka_unit_test(planes_follow_each_other_without_a_gap),
        cmocka_unit_test(only_video_and_tensors_have_one_size),
        cmocka_unit_test(formats_are_equal_when_they_mean_the_same_bytes),
        cmocka_unit_test(a_format_reads_like_a_sentence),
        cmocka_unit_test(each_name_reads_back_as_its_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
