// SPDX-License-Identifier: Apache-2.0
// What the shaders make, against what the same processors make on the CPU: byte for byte.
// test: needs=processors_gpu uses=processors_gpu timeout=120
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "processors/common/boxblur.h"
#include "processors/common/pixels.h"
#include "processors/common/planes.h"
#include "processors/gpu/gpu_effect.h"
#include "processors/test-pattern/drawing.h"

#define SKIP 77
#define BYTES_MAX (256 * 1024)

static struct gpu_effects effects;
static struct sb_gpu_span spans[3];
static uint8_t expected[BYTES_MAX];

static void begin(void)
{
    assert_int_equal(sb_gpu_begin(effects.gpu), 0);
}

static void finish(void)
{
    assert_int_equal(sb_gpu_finish(effects.gpu), 0);
    assert_int_equal(sb_gpu_counts_of(effects.gpu).complaints, 0);
}

static void set_size(size_t bytes)
{
    assert_true(bytes <= BYTES_MAX);
    for (int i = 0; i < 3; i++) {
        spans[i].size_bytes = bytes;
        memset(spans[i].host, 0xa5, BYTES_MAX);
    }
}

static void fill_noise(uint8_t *bytes, size_t count)
{
    uint32_t word = 12345;
    for (size_t i = 0; i < count; i++) {
        word = word * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(word >> 24);
    }
}

static void draw(const struct gpu_effect_pattern *pattern)
{
    struct drawing drawing = {expected, pattern->width, pattern->height};
    if (pattern->pattern == GPU_PATTERN_SMPTE) {
        drawing_smpte(&drawing);
    } else if (pattern->pattern == GPU_PATTERN_BALL) {
        drawing_ball(&drawing, pattern->number);
    } else if (pattern->pattern == GPU_PATTERN_GRADIENT) {
        drawing_gradient(&drawing, pattern->number);
    } else {
        drawing_noise(&drawing, pattern->seed, pattern->number);
    }
}

// R-GPU-007
static void every_pattern_equals_the_one_drawn_on_the_cpu(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{64, 36}, {7, 5}, {161, 91}};
    for (size_t i = 0; i < 3; i++) {
        for (int kind = GPU_PATTERN_SMPTE; kind <= GPU_PATTERN_NOISE; kind++) {
            for (uint64_t number = 0; number < 200; number += 67) {
                struct gpu_effect_pattern pattern = {.width = sizes[i][0],
                                                     .height = sizes[i][1],
                                                     .pattern = (enum gpu_pattern)kind,
                                                     .seed = UINT64_C(0x123456789a),
                                                     .number = number + (number << 33)};
                size_t bytes = (size_t)pattern.width * pattern.height * 4;
                set_size(bytes);
                draw(&pattern);
                begin();
                assert_int_equal(gpu_effect_pattern(&effects, &pattern, &spans[0]), 0);
                finish();
                assert_memory_equal(spans[0].host, expected, bytes);
            }
        }
    }
}

static void blur_on_cpu(const struct sb_video_format *format, uint32_t radius,
                        const uint8_t *source)
{
    struct sb_video_layout layout;
    struct plane_shape shapes[SB_PLANES_MAX];
    assert_int_equal(sb_video_layout_get(format, &layout), 0);
    uint32_t count = planes_shapes(format->pixel, shapes);
    for (uint32_t i = 0; i < count; i++) {
        struct boxblur *blur;
        const struct sb_plane *plane = &layout.planes[i];
        uint32_t half = (1U << shapes[i].shift_x) - 1;
        assert_int_equal(boxblur_create(format->width >> shapes[i].shift_x, plane->rows,
                                        shapes[i].channels, (radius + half) >> shapes[i].shift_x,
                                        &blur),
                         0);
        boxblur_run(blur, source + plane->offset_bytes, plane->stride_bytes,
                    expected + plane->offset_bytes, plane->stride_bytes);
        boxblur_destroy(blur);
    }
}

// R-GPU-007
static void every_blur_equals_the_one_made_on_the_cpu(void **state)
{
    (void)state;
    static const enum sb_pixel pixels[] = {SB_PIXEL_RGBA, SB_PIXEL_BGRA, SB_PIXEL_GRAY8,
                                           SB_PIXEL_I420, SB_PIXEL_NV12};
    // The planes of the second size do not begin at words.
    static const uint32_t sizes[][2] = {{64, 36}, {6, 6}, {130, 62}};
    static const uint32_t radii[] = {0, 1, 4, 127};
    for (size_t i = 0; i < sizeof pixels / sizeof pixels[0] * 3 * 4; i++) {
        struct sb_video_format format = {
            .pixel = pixels[i / 12], .width = sizes[i / 4 % 3][0], .height = sizes[i / 4 % 3][1]};
        struct sb_format whole = {.kind = SB_FORMAT_VIDEO, .video = format};
        size_t bytes = (size_t)sb_format_frame_bytes(&whole);
        set_size(bytes);
        fill_noise(spans[0].host, bytes);
        blur_on_cpu(&format, radii[i % 4], spans[0].host);
        begin();
        assert_int_equal(gpu_effect_blur(&effects, &format, radii[i % 4], spans), 0);
        finish();
        assert_memory_equal(spans[2].host, expected, bytes);
    }
}

static uint8_t *plane_at(const struct sb_plane *plane, uint8_t *frame, uint32_t channels, int64_t x,
                         int64_t y)
{
    int64_t right = (int64_t)(plane->row_bytes / channels) - 1;
    int64_t bottom = (int64_t)plane->rows - 1;
    x = x < 0 ? 0 : x > right ? right : x;
    y = y < 0 ? 0 : y > bottom ? bottom : y;
    return frame + plane->offset_bytes + (uint64_t)y * plane->stride_bytes + (uint64_t)x * channels;
}

// In double precision, sideways or downwards.
static void gauss_plane(const struct sb_plane *plane, uint32_t channels, uint32_t radius,
                        const uint8_t *from, uint8_t *to, bool is_down)
{
    double deviation = radius / 2.0;
    uint32_t row = (uint32_t)plane->row_bytes;
    for (uint32_t i = 0; i < plane->rows * row; i++) {
        int64_t x = i % row / channels;
        int64_t y = i / row;
        uint32_t channel = i % row % channels;
        double sum = 0;
        double weights = 0;
        for (int64_t d = -(int64_t)radius; d <= radius; d++) {
            double weight = radius == 0 ? 1 : exp(-(double)(d * d) / (2 * deviation * deviation));
            sum += weight * plane_at(plane, (uint8_t *)(size_t)from, channels, is_down ? x : x + d,
                                     is_down ? y + d : y)[channel];
            weights += weight;
        }
        plane_at(plane, to, channels, x, y)[channel] = (uint8_t)(sum / weights + 0.5);
    }
}

static void gauss_on_cpu(const struct sb_video_format *format, uint32_t radius,
                         const uint8_t *source)
{
    static uint8_t between[BYTES_MAX];
    struct sb_video_layout layout;
    struct plane_shape shapes[SB_PLANES_MAX];
    assert_int_equal(sb_video_layout_get(format, &layout), 0);
    uint32_t count = planes_shapes(format->pixel, shapes);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t half = (1U << shapes[i].shift_x) - 1;
        uint32_t own = (radius + half) >> shapes[i].shift_x;
        gauss_plane(&layout.planes[i], shapes[i].channels, own, source, between, false);
        gauss_plane(&layout.planes[i], shapes[i].channels, own, between, expected, true);
    }
}

// R-GPU-042
static void a_gaussian_is_within_one_of_the_same_in_exact_numbers(void **state)
{
    (void)state;
    static const enum sb_pixel pixels[] = {SB_PIXEL_RGBA, SB_PIXEL_BGRA, SB_PIXEL_GRAY8,
                                           SB_PIXEL_I420, SB_PIXEL_NV12};
    static const uint32_t sizes[][2] = {{64, 36}, {6, 6}, {130, 62}};
    static const uint32_t radii[] = {0, 1, 4, 31};
    size_t different = 0;
    for (size_t i = 0; i < sizeof pixels / sizeof pixels[0] * 3 * 4; i++) {
        struct sb_video_format format = {
            .pixel = pixels[i / 12], .width = sizes[i / 4 % 3][0], .height = sizes[i / 4 % 3][1]};
        struct sb_format whole = {.kind = SB_FORMAT_VIDEO, .video = format};
        size_t bytes = (size_t)sb_format_frame_bytes(&whole);
        set_size(bytes);
        fill_noise(spans[0].host, bytes);
        gauss_on_cpu(&format, radii[i % 4], spans[0].host);
        begin();
        assert_int_equal(gpu_effect_gauss(&effects, &format, radii[i % 4], spans), 0);
        finish();
        for (size_t j = 0; j < bytes; j++) {
            int off = abs(((const uint8_t *)spans[2].host)[j] - expected[j]);
            assert_in_range(off, 0, 1);
            different += off != 0;
        }
    }
    printf("%zu bytes differ by one\n", different);
}

// R-GPU-007
static void every_conversion_equals_the_one_made_on_the_cpu(void **state)
{
    (void)state;
    static const enum sb_pixel pixels[] = {SB_PIXEL_RGBA, SB_PIXEL_BGRA, SB_PIXEL_I420,
                                           SB_PIXEL_NV12};
    static const uint32_t sizes[][2] = {{64, 36}, {6, 6}, {18, 578}};
    for (size_t i = 0; i < 4 * 4 * 3; i++) {
        enum sb_pixel to = pixels[i / 4 % 4];
        struct sb_video_format from = {
            .pixel = pixels[i % 4], .width = sizes[i / 16][0], .height = sizes[i / 16][1]};
        struct sb_format format = {.kind = SB_FORMAT_VIDEO, .video = from};
        struct pixels_converter *converter;
        assert_int_equal(
            pixels_converter_create(&from, to, pixels_matrix_of(from.height), &converter), 0);
        size_t bytes = (size_t)pixels_target_bytes(converter);
        set_size(BYTES_MAX);
        spans[0].size_bytes = sb_format_frame_bytes(&format);
        spans[1].size_bytes = bytes;
        fill_noise(spans[0].host, (size_t)spans[0].size_bytes);
        pixels_convert(converter, spans[0].host, expected);
        pixels_converter_destroy(converter);
        begin();
        assert_int_equal(gpu_effect_convert(&effects, &from, to, spans), 0);
        finish();
        assert_memory_equal(spans[1].host, expected, bytes);
    }
}

static uint32_t blend(uint32_t lower, uint32_t upper, uint32_t alpha)
{
    return (upper * alpha + lower * (255 - alpha) + 127) / 255;
}

static void overlay_on_cpu(const struct gpu_effect_overlay *overlay)
{
    const uint8_t *ground = spans[0].host;
    const uint8_t *over = spans[1].host;
    for (uint32_t i = 0; i < overlay->ground.width * overlay->ground.height; i++) {
        int64_t x = (int64_t)(i % overlay->ground.width) - overlay->x;
        int64_t y = (int64_t)(i / overlay->ground.width) - overlay->y;
        uint32_t alpha = 0;
        const uint8_t *upper = ground;
        if (x >= 0 && y >= 0 && x < overlay->over.width && y < overlay->over.height) {
            upper = over + ((size_t)y * overlay->over.width + (size_t)x) * 4;
            alpha = (upper[3] * overlay->opacity + 127) / 255;
        }
        for (uint32_t j = 0; j < 4; j++) {
            uint32_t value = j == 3 ? 255 : upper[j];
            expected[i * 4 + j] = (uint8_t)blend(ground[i * 4 + j], value, alpha);
        }
    }
}

// R-GPU-008
static void a_picture_over_another_is_blended_by_its_alpha_and_cut_at_the_edges(void **state)
{
    (void)state;
    static const int32_t places[][2] = {{0, 0}, {10, 5}, {-7, -3}, {60, 30}, {64, 0}};
    static const uint32_t opacities[] = {0, 100, 255};
    for (size_t i = 0; i < 15; i++) {
        struct gpu_effect_overlay overlay = {
            .ground = {.pixel = SB_PIXEL_RGBA, .width = 64, .height = 36},
            .over = {.pixel = SB_PIXEL_RGBA, .width = 20, .height = 15},
            .x = places[i / 3][0],
            .y = places[i / 3][1],
            .opacity = opacities[i % 3],
        };
        set_size(64 * 36 * 4);
        fill_noise(spans[0].host, 64 * 36 * 4);
        fill_noise((uint8_t *)spans[1].host, 20 * 15 * 4);
        overlay_on_cpu(&overlay);
        begin();
        assert_int_equal(gpu_effect_overlay(&effects, &overlay, spans), 0);
        finish();
        assert_memory_equal(spans[2].host, expected, 64 * 36 * 4);
    }
}

static void a_format_that_is_not_in_the_set_is_refused(void **state)
{
    (void)state;
    struct sb_video_format rgb = {.pixel = SB_PIXEL_RGB, .width = 8, .height = 8};
    struct gpu_effect_overlay overlay = {.ground = rgb, .over = rgb};
    begin();
    assert_int_equal(gpu_effect_blur(&effects, &rgb, 1, spans), -EINVAL);
    assert_int_equal(gpu_effect_convert(&effects, &rgb, SB_PIXEL_RGBA, spans), -EINVAL);
    assert_int_equal(gpu_effect_overlay(&effects, &overlay, spans), -EINVAL);
    rgb.pixel = SB_PIXEL_RGBA;
    assert_int_equal(gpu_effect_blur(&effects, &rgb, GPU_EFFECT_RADIUS_MAX + 1, spans), -EINVAL);
    sb_gpu_cancel(effects.gpu);
}

static int open_device(void **state)
{
    (void)state;
    struct sb_gpu_options options = {.struct_size = sizeof options, .is_validated = true};
    int failed = sb_gpu_open(NULL, &options, &effects.gpu);
    for (int i = 0; i < 3 && failed == 0; i++) {
        failed = sb_gpu_memory_make(effects.gpu, BYTES_MAX, &spans[i]);
    }
    return failed;
}

static int close_device(void **state)
{
    (void)state;
    sb_gpu_close(effects.gpu);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pattern_equals_the_one_drawn_on_the_cpu),
        cmocka_unit_test(every_blur_equals_the_one_made_on_the_cpu),
        cmocka_unit_test(a_gaussian_is_within_one_of_the_same_in_exact_numbers),
        cmocka_unit_test(every_conversion_equals_the_one_made_on_the_cpu),
        cmocka_unit_test(a_picture_over_another_is_blended_by_its_alpha_and_cut_at_the_edges),
        cmocka_unit_test(a_format_that_is_not_in_the_set_is_refused),
    };
    struct sb_gpu_device device;
#ifdef SB_SANITIZE_NAME
    printf("skipped: a driver's memory and threads mean nothing to a sanitizer\n");
    return SKIP;
#endif
    if (sb_gpu_list(&device, 1) < 1) {
        printf("skipped: there is no Vulkan driver\n");
        return SKIP;
    }
    return cmocka_run_group_tests(tests, open_device, close_device);
}
