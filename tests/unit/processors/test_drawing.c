// SPDX-License-Identifier: Apache-2.0
// Patterns, and frame numbers read back from the pixels as the header describes them.
// test: uses=base
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "processors/common/boxblur.h"
#include "processors/test-pattern/drawing.h"

#define WIDTH 640
#define HEIGHT 360

static struct drawing make(void)
{
    struct drawing drawing = {calloc(WIDTH * HEIGHT, 4), WIDTH, HEIGHT};
    assert_non_null(drawing.pixels);
    return drawing;
}

// Mean of the inner half of a cell's green.
static uint32_t level_of(const struct drawing *drawing, uint32_t index)
{
    uint32_t cell = drawing->width / 40;
    uint32_t sum = 0;
    uint32_t count = 0;
    for (uint32_t y = 2 * cell + cell / 2; y < 4 * cell - cell / 2; y++) {
        for (uint32_t x = (2 + index) * cell + cell / 4; x < (3 + index) * cell - cell / 4; x++) {
            sum += drawing->pixels[((size_t)y * drawing->width + x) * 4 + 1];
            count++;
        }
    }
    return sum / count;
}

static int64_t read_number(const struct drawing *drawing)
{
    uint32_t middle = (level_of(drawing, 0) + level_of(drawing, 1)) / 2;
    uint32_t bits = 0;
    for (uint32_t i = 0; i < DRAWING_CODE_CELLS; i++) {
        bits = bits << 1 | (level_of(drawing, i) > middle);
    }
    uint32_t check = 10;
    uint32_t number = bits >> 6 & 0xfffff;
    for (uint32_t shift = 0; shift < 20; shift += 4) {
        check ^= number >> shift & 15;
    }
    bool is_framed = bits >> 26 == 2 && (bits & 3) == 1;
    return is_framed && (bits >> 2 & 15) == check ? (int64_t)number : -1;
}

static void a_number_is_read_back_over_every_pattern(void **state)
{
    (void)state;
    struct drawing drawing = make();
    static const uint32_t numbers[] = {0, 1, 149, 4095, 65536, 0xfffff};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        drawing_noise(&drawing, 1, numbers[i]);
        assert_int_equal(read_number(&drawing), -1);
        drawing_number(&drawing, numbers[i]);
        assert_int_equal(read_number(&drawing), numbers[i]);
    }
    drawing_number(&drawing, (1U << 20) + 5);
    assert_int_equal(read_number(&drawing), 5);
    free(drawing.pixels);
}

static void a_number_survives_blurring(void **state)
{
    (void)state;
    struct drawing drawing = make();
    struct drawing blurred = make();
    struct boxblur *blur = NULL;
    assert_int_equal(boxblur_create(WIDTH, HEIGHT, 4, 6, &blur), 0);
    for (uint32_t number = 0; number < 1000; number += 37) {
        drawing_gradient(&drawing, number);
        drawing_number(&drawing, number);
        boxblur_run(blur, drawing.pixels, WIDTH * 4, blurred.pixels, WIDTH * 4);
        assert_int_equal(read_number(&blurred), number);
    }
    boxblur_destroy(blur);
    free(drawing.pixels);
    free(blurred.pixels);
}

static void patterns_follow_from_number_and_seed_alone(void **state)
{
    (void)state;
    struct drawing a = make();
    struct drawing b = make();
    size_t bytes = (size_t)WIDTH * HEIGHT * 4;
    drawing_noise(&a, 7, 3);
    drawing_noise(&b, 7, 3);
    assert_memory_equal(a.pixels, b.pixels, bytes);
    drawing_noise(&b, 8, 3);
    assert_true(memcmp(a.pixels, b.pixels, bytes) != 0);
    drawing_ball(&a, 10);
    drawing_ball(&b, 10);
    assert_memory_equal(a.pixels, b.pixels, bytes);
    drawing_ball(&b, 11);
    assert_true(memcmp(a.pixels, b.pixels, bytes) != 0);
    drawing_gradient(&a, 1);
    drawing_gradient(&b, 2);
    assert_true(memcmp(a.pixels, b.pixels, bytes) != 0);
    free(a.pixels);
    free(b.pixels);
}

static void the_bars_are_the_seven_colours_in_their_order(void **state)
{
    (void)state;
    static const uint8_t bars[7][3] = {{191, 191, 191}, {191, 191, 0}, {0, 191, 191}, {0, 191, 0},
                                       {191, 0, 191},   {191, 0, 0},   {0, 0, 191}};
    struct drawing drawing = make();
    drawing_smpte(&drawing);
    for (uint32_t i = 0; i < 7; i++) {
        const uint8_t *pixel = drawing.pixels + (10 * WIDTH + WIDTH * (2 * i + 1) / 14) * 4;
        assert_memory_equal(pixel, bars[i], 3);
        assert_int_equal(pixel[3], 255);
    }
    free(drawing.pixels);
}

static void small_pictures_are_drawn_inside_their_memory(void **state)
{
    (void)state;
    uint8_t *pixels = malloc(2 * 2 * 4);
    assert_non_null(pixels);
    struct drawing drawing = {pixels, 2, 2};
    drawing_smpte(&drawing);
    drawing_ball(&drawing, 5);
    drawing_gradient(&drawing, 5);
    drawing_noise(&drawing, 1, 5);
    drawing_number(&drawing, 5);
    assert_int_equal(pixels[3], 255);
    free(pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_read_back_over_every_pattern),
        cmocka_unit_test(a_number_survives_blurring),
        cmocka_unit_test(patterns_follow_from_number_and_seed_alone),
        cmocka_unit_test(the_bars_are_the_seven_colours_in_their_order),
        cmocka_unit_test(small_pictures_are_drawn_inside_their_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
