// SPDX-License-Identifier: Apache-2.0
// The shortest chain of converters between two sides.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "broker/graph/conversion.h"

#define CPU SB_BIT(SB_MEMORY_CPU)

static struct conversion_side video(uint32_t pixels, uint32_t width, uint32_t height)
{
    return (struct conversion_side){.kind = SB_FORMAT_VIDEO,
                                    .memories = CPU,
                                    .pixels = pixels,
                                    .width = width,
                                    .height = height};
}

static struct conversion_side audio(uint32_t samples, uint32_t rate_min, uint32_t rate_max,
                                    uint32_t channels_min, uint32_t channels_max)
{
    return (struct conversion_side){.kind = SB_FORMAT_AUDIO,
                                    .memories = CPU,
                                    .samples = samples,
                                    .rate_min = rate_min,
                                    .rate_max = rate_max,
                                    .channels_min = channels_min,
                                    .channels_max = channels_max};
}

static void assert_param(const struct conversion_step *step, const char *name, const char *value)
{
    for (size_t i = 0; i < step->param_count; i++) {
        if (strcmp(step->params[i].name, name) == 0) {
            assert_string_equal(step->params[i].value, value);
            return;
        }
    }
    fail_msg("no parameter %s", name);
}

// R-NEG-011
static void another_pixel_format_needs_one_converter(void **state)
{
    (void)state;
    struct conversion_side from = video(SB_BIT(SB_PIXEL_YUY2), 640, 480);
    struct conversion_side to = video(SB_BIT(SB_PIXEL_RGB) | SB_BIT(SB_PIXEL_BGR), 0, 0);
    struct conversion conversion;
    assert_false(conversion_meets(&from, &to));
    assert_int_equal(conversion_find(&from, &to, &conversion), 0);
    assert_int_equal(conversion.step_count, 1);
    assert_string_equal(conversion_processor(conversion.steps[0].converter), "convert");
    assert_int_equal(conversion.steps[0].param_count, 0);
}

// R-NEG-011
static void another_size_needs_a_scaler_with_that_size(void **state)
{
    (void)state;
    struct conversion_side from = video(SB_BIT(SB_PIXEL_RGB), 640, 480);
    struct conversion_side to = video(SB_BIT(SB_PIXEL_RGB), 320, 200);
    struct conversion conversion;
    assert_int_equal(conversion_find(&from, &to, &conversion), 0);
    assert_int_equal(conversion.step_count, 1);
    assert_int_equal(conversion.steps[0].converter, CONVERTER_SCALE);
    assert_param(&conversion.steps[0], "width", "320");
    assert_param(&conversion.steps[0], "height", "200");
}

// R-NEG-011
static void a_scaler_that_does_not_take_the_pixels_comes_behind_a_converter(void **state)
{
    (void)state;
    struct conversion_side from = video(SB_BIT(SB_PIXEL_YUY2), 640, 480);
    struct conversion_side to = video(SB_BIT(SB_PIXEL_NV12), 320, 240);
    struct conversion conversion;
    assert_int_equal(conversion_find(&from, &to, &conversion), 0);
    assert_int_equal(conversion.step_count, 2);
    assert_int_equal(conversion.steps[0].converter, CONVERTER_CONVERT);
    assert_param(&conversion.steps[0], "pixel", "nv12");
    assert_int_equal(conversion.steps[1].converter, CONVERTER_SCALE);
}

static void pixels_that_need_an_even_size_are_made_after_scaling_to_one(void **state)
{
    (void)state;
    struct conversion_side from = video(SB_BIT(SB_PIXEL_RGB), 641, 480);
    struct conversion_side to = video(SB_BIT(SB_PIXEL_I420), 0, 0);
    struct conversion conversion;
    assert_int_equal(conversion_find(&from, &to, &conversion), 0);
    assert_int_equal(conversion.step_count, 2);
    assert_int_equal(conversion.steps[0].converter, CONVERTER_SCALE);
    assert_param(&conversion.steps[0], "width", "642");
    assert_param(&conversion.steps[0], "height", "480");
    assert_int_equal(conversion.steps[1].converter, CONVERTER_CONVERT);
}

// R-NEG-011
static void rate_samples_and_channels_need_one_resampler_with_just_what_differs(void **state)
{
    (void)state;
    struct conversion_side from = audio(SB_BIT(SB_SAMPLE_S16), 44100, 44100, 2, 2);
    struct conversion_side to =
        audio(SB_BIT(SB_SAMPLE_S32) | SB_BIT(SB_SAMPLE_F32), 8000, 16000, 1, 2);
    struct conversion conversion;
    assert_int_equal(conversion_find(&from, &to, &conversion), 0);
    assert_int_equal(conversion.step_count, 1);
    assert_int_equal(conversion.steps[0].converter, CONVERTER_RESAMPLE);
    assert_int_equal(conversion.steps[0].param_count, 2);
    assert_param(&conversion.steps[0], "sample", "f32");
    assert_param(&conversion.steps[0], "rate", "16000");
}

static void the_nearest_value_within_the_bounds_is_made(void **state)
{
    (void)state;
    struct conversion_side low = audio(0, 8000, 16000, 0, 0);
    struct conversion_side high = audio(0, 44100, 48000, 2, 2);
    struct conversion conversion;
    assert_int_equal(conversion_find(&low, &high, &conversion), 0);
    assert_param(&conversion.steps[0], "rate", "44100");
    // What may come out with other channels is settled at once.
    assert_param(&conversion.steps[0], "channels", "2");
    assert_int_equal(conversion_find(&high, &low, &conversion), 0);
    assert_param(&conversion.steps[0], "rate", "16000");
    assert_int_equal(conversion.steps[0].param_count, 1);
}

static void sides_without_bounds_meet(void **state)
{
    (void)state;
    struct conversion_side any = video(0, 0, 0);
    struct conversion_side one = video(SB_BIT(SB_PIXEL_GRAY8), 3, 5);
    assert_true(conversion_meets(&any, &one));
    assert_true(conversion_meets(&one, &any));
    // An odd size is none for these pixels.
    struct conversion_side odd = video(SB_BIT(SB_PIXEL_I420), 0, 0);
    assert_false(conversion_meets(&one, &odd));
}

static void what_no_converter_changes_is_no_chain(void **state)
{
    (void)state;
    struct conversion conversion = {.step_count = 7};
    struct conversion_side video_side = video(0, 0, 0);
    struct conversion_side audio_side = audio(0, 0, 0, 0, 0);
    assert_int_equal(conversion_find(&video_side, &audio_side, &conversion), -ENOENT);
    assert_int_equal(conversion.step_count, 7);
}

// R-NEG-012
static void frames_are_carried_to_the_memory_that_the_reader_works_on(void **state)
{
    (void)state;
    struct conversion conversion;
    struct conversion_side cpu = video(0, 0, 0);
    struct conversion_side gpu = cpu;
    gpu.memories = SB_BIT(SB_MEMORY_GPU);
    assert_false(conversion_meets(&cpu, &gpu));
    assert_int_equal(conversion_find(&cpu, &gpu, &conversion), 0);
    assert_int_equal(conversion.step_count, 1);
    assert_string_equal(conversion_processor(conversion.steps[0].converter), "gpu-upload");
    assert_true(conversion_is_on_gpu(conversion.steps[0].converter));
    assert_int_equal(conversion_find(&gpu, &cpu, &conversion), 0);
    assert_int_equal(conversion.step_count, 1);
    assert_string_equal(conversion_processor(conversion.steps[0].converter), "gpu-download");
    struct conversion_side both = cpu;
    both.memories |= gpu.memories;
    assert_true(conversion_meets(&gpu, &both));
    assert_true(conversion_meets(&cpu, &both));
}

static void pixels_are_converted_where_the_frames_are(void **state)
{
    (void)state;
    struct conversion conversion;
    struct conversion_side from = video(SB_BIT(SB_PIXEL_RGBA), 64, 64);
    struct conversion_side to = video(SB_BIT(SB_PIXEL_I420), 0, 0);
    from.memories = to.memories = SB_BIT(SB_MEMORY_GPU);
    assert_int_equal(conversion_find(&from, &to, &conversion), 0);
    assert_int_equal(conversion.step_count, 1);
    assert_string_equal(conversion_processor(conversion.steps[0].converter), "gpu-convert");
    // What the GPU cannot make the CPU does, on the way there.
    from = video(SB_BIT(SB_PIXEL_YUY2), 64, 64);
    assert_int_equal(conversion_find(&from, &to, &conversion), 0);
    assert_int_equal(conversion.step_count, 2);
    assert_string_equal(conversion_processor(conversion.steps[0].converter), "convert");
    assert_string_equal(conversion_processor(conversion.steps[1].converter), "gpu-upload");
    assert_false(conversion_is_on_gpu(conversion.steps[0].converter));
}

static void one_format_is_a_side_of_its_own(void **state)
{
    (void)state;
    struct sb_format format = {.kind = SB_FORMAT_AUDIO,
                               .audio = {.sample = SB_SAMPLE_S16, .rate = 48000, .channels = 2}};
    struct conversion_side side = conversion_side_of(&format, CPU);
    struct conversion_side to = audio(SB_BIT(SB_SAMPLE_S16), 48000, 48000, 2, 2);
    assert_true(conversion_meets(&side, &to));
    to.channels_min = to.channels_max = 1;
    assert_false(conversion_meets(&side, &to));
    format = (struct sb_format){.kind = SB_FORMAT_VIDEO,
                                .video = {.pixel = SB_PIXEL_RGB, .width = 4, .height = 6}};
    side = conversion_side_of(&format, CPU);
    assert_int_equal(side.width, 4);
    assert_int_equal(side.height, 6);
    assert_int_equal(side.pixels, SB_BIT(SB_PIXEL_RGB));
}

static void a_chain_is_named_in_words(void **state)
{
    (void)state;
    char text[64];
    struct conversion conversion = {
        .step_count = 2,
        .steps = {{.converter = CONVERTER_SCALE}, {.converter = CONVERTER_CONVERT}}};
    conversion_text(&conversion, text, sizeof text);
    assert_string_equal(text, "'scale' and 'convert'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_pixel_format_needs_one_converter),
        cmocka_unit_test(another_size_needs_a_scaler_with_that_size),
        cmocka_unit_test(a_scaler_that_does_not_take_the_pixels_comes_behind_a_converter),
        cmocka_unit_test(pixels_that_need_an_even_size_are_made_after_scaling_to_one),
        cmocka_unit_test(rate_samples_and_channels_need_one_resampler_with_just_what_differs),
        cmocka_unit_test(the_nearest_value_within_the_bounds_is_made),
        cmocka_unit_test(sides_without_bounds_meet),
        cmocka_unit_test(what_no_converter_changes_is_no_chain),
        cmocka_unit_test(frames_are_carried_to_the_memory_that_the_reader_works_on),
        cmocka_unit_test(pixels_are_converted_where_the_frames_are),
        cmocka_unit_test(one_format_is_a_side_of_its_own),
        cmocka_unit_test(a_chain_is_named_in_words),
    };
    return cmocka_run_group_tests_name("conversion", tests, NULL, NULL);
}
