// SPDX-License-Identifier: Apache-2.0
// Box blur against the plain sum over the window.
// test: uses=base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "processors/common/boxblur.h"

static uint8_t at(const uint8_t *plane, size_t stride, uint32_t channels, uint32_t width,
                  uint32_t height, int64_t x, int64_t y, uint32_t channel)
{
    int64_t right = (int64_t)width - 1;
    int64_t bottom = (int64_t)height - 1;
    int64_t inside_x = x < 0 ? 0 : x > right ? right : x;
    int64_t inside_y = y < 0 ? 0 : y > bottom ? bottom : y;
    return plane[(size_t)inside_y * stride + (size_t)inside_x * channels + channel];
}

static double mean(const uint8_t *plane, size_t stride, uint32_t channels, uint32_t width,
                   uint32_t height, int64_t x, int64_t y, uint32_t channel, int64_t radius)
{
    int64_t sum = 0;
    for (int64_t v = y - radius; v <= y + radius; v++) {
        for (int64_t u = x - radius; u <= x + radius; u++) {
            sum += at(plane, stride, channels, width, height, u, v, channel);
        }
    }
    return (double)sum / (double)((2 * radius + 1) * (2 * radius + 1));
}

static void compare(uint32_t width, uint32_t height, uint32_t channels, uint32_t radius)
{
    size_t row = (size_t)width * channels;
    size_t stride = row + 5;
    uint8_t *source = malloc(stride * height);
    uint8_t *target = malloc(stride * height);
    assert_non_null(source);
    assert_non_null(target);
    srand(width * 31 + height * 7 + radius);
    for (size_t i = 0; i < stride * height; i++) {
        source[i] = (uint8_t)(rand() >> 7);
    }
    memset(target, 0xee, stride * height);
    struct boxblur *blur = NULL;
    assert_int_equal(boxblur_create(width, height, channels, radius, &blur), 0);
    boxblur_run(blur, source, stride, target, stride);
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            for (uint32_t c = 0; c < channels; c++) {
                double wanted =
                    mean(source, stride, channels, width, height, x, y, c, (int64_t)radius);
                double found = target[y * stride + (size_t)x * channels + c];
                if (found < wanted - 1.5 || found > wanted + 1.5) {
                    fail_msg("%ux%u radius %u at %u,%u: %f, not %f", width, height, radius, x, y,
                             found, wanted);
                }
            }
        }
        for (size_t i = row; i < stride; i++) {
            assert_int_equal(target[y * stride + i], 0xee);
        }
    }
    boxblur_destroy(blur);
    free(source);
    free(target);
}

static void every_value_is_the_mean_of_its_window(void **state)
{
    (void)state;
    compare(37, 23, 4, 4);
    compare(64, 16, 1, 1);
    compare(40, 30, 3, 2);
    compare(33, 21, 2, 7);
}

static void a_window_larger_than_the_picture_repeats_the_edges(void **state)
{
    (void)state;
    compare(3, 2, 4, 9);
    compare(1, 1, 1, 5);
    compare(20, 20, 1, BOXBLUR_RADIUS_MAX);
}

static void a_radius_of_0_copies(void **state)
{
    (void)state;
    uint8_t source[24];
    uint8_t target[24] = {0};
    struct boxblur *blur = NULL;
    for (size_t i = 0; i < sizeof source; i++) {
        source[i] = (uint8_t)(i * 9);
    }
    assert_int_equal(boxblur_create(3, 2, 4, 0, &blur), 0);
    boxblur_run(blur, source, 12, target, 12);
    assert_memory_equal(source, target, sizeof source);
    boxblur_destroy(blur);
}

static void white_stays_white_and_black_stays_black_at_every_radius(void **state)
{
    (void)state;
    uint8_t source[64];
    uint8_t target[64];
    for (uint32_t radius = 0; radius <= BOXBLUR_RADIUS_MAX; radius++) {
        struct boxblur *blur = NULL;
        assert_int_equal(boxblur_create(8, 8, 1, radius, &blur), 0);
        for (int level = 0; level <= 255; level += 255) {
            memset(source, level, sizeof source);
            boxblur_run(blur, source, 8, target, 8);
            assert_memory_equal(source, target, sizeof source);
        }
        boxblur_destroy(blur);
    }
}

static void wrong_sizes_are_refused(void **state)
{
    (void)state;
    struct boxblur *blur = NULL;
    assert_true(boxblur_create(0, 4, 1, 1, &blur) < 0);
    assert_true(boxblur_create(4, 0, 1, 1, &blur) < 0);
    assert_true(boxblur_create(4, 4, 0, 1, &blur) < 0);
    assert_true(boxblur_create(4, 4, 1, BOXBLUR_RADIUS_MAX + 1, &blur) < 0);
    assert_null(blur);
    boxblur_destroy(NULL);
}

// Prints the rate for whoever changes the loops; it decides nothing.
static void the_rate_at_1080p_is_printed(void **state)
{
    (void)state;
    size_t bytes = 1920 * 1080 * 4;
    uint8_t *source = calloc(1, bytes);
    uint8_t *target = calloc(1, bytes);
    struct boxblur *blur = NULL;
    struct timespec from;
    struct timespec to;
    assert_non_null(source);
    assert_non_null(target);
    assert_int_equal(boxblur_create(1920, 1080, 4, 4, &blur), 0);
    boxblur_run(blur, source, 7680, target, 7680);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
    for (int i = 0; i < 10; i++) {
        boxblur_run(blur, source, 7680, target, 7680);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    print_message("1080p rgba, radius 4: %.0f frames per second\n", 10 / seconds);
    boxblur_destroy(blur);
    free(source);
    free(target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_the_mean_of_its_window),
        cmocka_unit_test(a_window_larger_than_the_picture_repeats_the_edges),
        cmocka_unit_test(a_radius_of_0_copies),
        cmocka_unit_test(white_stays_white_and_black_stays_black_at_every_radius),
        cmocka_unit_test(wrong_sizes_are_refused),
        cmocka_unit_test(the_rate_at_1080p_is_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
