// SPDX-License-Identifier: Apache-2.0
// Pixel formats: known colours, every pair of formats, and sizes that some cannot have.
// test: uses=base
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "processors/common/pixels.h"

#define WIDTH 16
#define HEIGHT 8
#define BYTES (WIDTH * HEIGHT * 4)

static void convert(const struct sb_video_format *from, enum sb_pixel to, const void *source,
                    void *target)
{
    struct pixels_converter *converter = NULL;
    int result = pixels_converter_create(from, to, pixels_matrix_of(from->height), &converter);
    assert_int_equal(result, 0);
    pixels_convert(converter, source, target);
    pixels_converter_destroy(converter);
}

// Blocks of 4x4 pixels of one colour each, so that halved chroma loses nothing.
static void paint(uint8_t rgba[BYTES])
{
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            uint8_t *pixel = rgba + (y * WIDTH + x) * 4;
            int block = x / 4 + y / 4 * 4;
            pixel[0] = (uint8_t)(block * 32 % 256);
            pixel[1] = (uint8_t)(255 - block * 20);
            pixel[2] = (uint8_t)(block * 77 % 256);
            pixel[3] = 255;
        }
    }
}

static void known_colours_have_their_known_luma_and_chroma(void **state)
{
    (void)state;
    static const struct {
        uint8_t rgba[4];
        uint8_t yuv[3];
    } colours[] = {
        // BT.601, limited range
        {{255, 255, 255, 255}, {235, 128, 128}}, {{0, 0, 0, 255}, {16, 128, 128}},
        {{255, 0, 0, 255}, {81, 90, 240}},       {{0, 255, 0, 255}, {145, 54, 34}},
        {{0, 0, 255, 255}, {41, 240, 110}},
    };
    struct sb_video_format format = {.pixel = SB_PIXEL_RGBA, .width = 2, .height = 2};
    for (size_t i = 0; i < sizeof colours / sizeof colours[0]; i++) {
        uint8_t rgba[16];
        uint8_t yuv[6];
        for (int j = 0; j < 4; j++) {
            memcpy(rgba + 4 * j, colours[i].rgba, 4);
        }
        convert(&format, SB_PIXEL_I420, rgba, yuv);
        uint8_t found[3] = {yuv[0], yuv[4], yuv[5]};
        for (int j = 0; j < 3; j++) {
            assert_in_range(found[j], colours[i].yuv[j] - 1, colours[i].yuv[j] + 1);
        }
    }
}

static void large_pictures_use_the_matrix_of_high_definition(void **state)
{
    (void)state;
    struct sb_video_format format = {.pixel = SB_PIXEL_RGBA, .width = 2, .height = 720};
    size_t bytes = 2 * 720 * 4;
    uint8_t *rgba = calloc(1, bytes);
    uint8_t *yuv = calloc(1, bytes);
    assert_non_null(rgba);
    assert_non_null(yuv);
    for (size_t i = 0; i < bytes; i += 4) {
        rgba[i + 1] = 255;
        rgba[i + 3] = 255;
    }
    convert(&format, SB_PIXEL_I420, rgba, yuv);
    assert_in_range(yuv[0], 172, 174);  // green: 173 by BT.709, 145 by BT.601
    free(rgba);
    free(yuv);
}

// The way there and back through every format keeps colours, where the format has them.
static void every_format_can_be_made_and_read(void **state)
{
    (void)state;
    uint8_t rgba[BYTES];
    paint(rgba);
    struct sb_video_format format = {.pixel = SB_PIXEL_RGBA, .width = WIDTH, .height = HEIGHT};
    for (int pixel = 1; pixel <= SB_PIXEL_NV12; pixel++) {
        uint8_t made[BYTES] = {0};
        uint8_t back[BYTES] = {0};
        convert(&format, (enum sb_pixel)pixel, rgba, made);
        struct sb_video_format other = format;
        other.pixel = (enum sb_pixel)pixel;
        convert(&other, SB_PIXEL_RGBA, made, back);
        for (size_t i = 0; i < BYTES; i++) {
            if (pixel == SB_PIXEL_GRAY8) {
                const uint8_t *p = rgba + i / 4 * 4;
                double gray = 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
                assert_true(i % 4 == 3 || fabs(gray - back[i]) <= 1);
            } else {
                assert_true(abs(rgba[i] - back[i]) <= 3);
            }
        }
    }
}

// Between two formats of luma and chroma nothing is recomputed.
static void luma_and_chroma_formats_change_into_each_other_without_loss(void **state)
{
    (void)state;
    static const enum sb_pixel others[] = {SB_PIXEL_NV12, SB_PIXEL_YUY2};
    struct sb_video_format format = {.pixel = SB_PIXEL_I420, .width = WIDTH, .height = HEIGHT};
    uint8_t source[WIDTH * HEIGHT * 3 / 2];
    for (size_t i = 0; i < sizeof source; i++) {
        source[i] = (uint8_t)(i * 37 + 11);
    }
    for (size_t i = 0; i < 2; i++) {
        uint8_t made[BYTES];
        uint8_t back[BYTES];
        convert(&format, others[i], source, made);
        struct sb_video_format other = format;
        other.pixel = others[i];
        convert(&other, SB_PIXEL_I420, made, back);
        assert_memory_equal(source, back, sizeof source);
    }
}

static void packed_formats_only_move_bytes(void **state)
{
    (void)state;
    struct sb_video_format format = {.pixel = SB_PIXEL_RGBA, .width = 1, .height = 3};
    const uint8_t rgba[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const uint8_t bgra[12] = {3, 2, 1, 4, 7, 6, 5, 8, 11, 10, 9, 12};
    const uint8_t rgb[9] = {1, 2, 3, 5, 6, 7, 9, 10, 11};
    uint8_t made[12];
    convert(&format, SB_PIXEL_BGRA, rgba, made);
    assert_memory_equal(made, bgra, sizeof bgra);
    convert(&format, SB_PIXEL_RGB, rgba, made);
    assert_memory_equal(made, rgb, sizeof rgb);
}

static void sizes_that_a_format_cannot_have_are_refused(void **state)
{
    (void)state;
    struct sb_video_format format = {.pixel = SB_PIXEL_RGBA, .width = 3, .height = 2};
    struct pixels_converter *converter = NULL;
    assert_int_equal(pixels_converter_create(&format, SB_PIXEL_I420, PIXELS_BT601, &converter),
                     -22);
    format.width = 0;
    assert_int_equal(pixels_converter_create(&format, SB_PIXEL_RGB, PIXELS_BT601, &converter), -22);
    assert_null(converter);
    pixels_converter_destroy(NULL);
}

// Prints the rates for whoever changes the loops; it decides nothing.
static void the_rates_at_1080p_are_printed(void **state)
{
    (void)state;
    size_t bytes = 1920 * 1080 * 4;
    uint8_t *source = calloc(1, bytes);
    uint8_t *target = calloc(1, bytes);
    static const enum sb_pixel pairs[][2] = {{SB_PIXEL_RGBA, SB_PIXEL_I420},
                                             {SB_PIXEL_I420, SB_PIXEL_RGBA},
                                             {SB_PIXEL_RGBA, SB_PIXEL_RGB}};
    assert_non_null(source);
    assert_non_null(target);
    for (size_t i = 0; i < 3; i++) {
        struct sb_video_format format = {.pixel = pairs[i][0], .width = 1920, .height = 1080};
        struct pixels_converter *converter = NULL;
        struct timespec from;
        struct timespec to;
        assert_int_equal(pixels_converter_create(&format, pairs[i][1], PIXELS_BT709, &converter),
                         0);
        pixels_convert(converter, source, target);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        for (int j = 0; j < 10; j++) {
            pixels_convert(converter, source, target);
        }
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        double seconds =
            (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
        print_message("1080p %s to %s: %.0f frames per second\n", sb_pixel_name(pairs[i][0]),
                      sb_pixel_name(pairs[i][1]), 10 / seconds);
        pixels_converter_destroy(converter);
    }
    free(source);
    free(target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_colours_have_their_known_luma_and_chroma),
        cmocka_unit_test(large_pictures_use_the_matrix_of_high_definition),
        cmocka_unit_test(every_format_can_be_made_and_read),
        cmocka_unit_test(luma_and_chroma_formats_change_into_each_other_without_loss),
        cmocka_unit_test(packed_formats_only_move_bytes),
        cmocka_unit_test(sizes_that_a_format_cannot_have_are_refused),
        cmocka_unit_test(the_rates_at_1080p_are_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
