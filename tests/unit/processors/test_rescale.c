// SPDX-License-Identifier: Apache-2.0
// Bilinear scaling against the formula in floating point.
// test: uses=base
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "processors/common/rescale.h"

static double place_of(uint32_t target, uint32_t from, uint32_t to)
{
    double place = (target + 0.5) * from / to - 0.5;
    return place < 0 ? 0 : place > from - 1 ? from - 1 : place;
}

static void compare(uint32_t from_width, uint32_t from_height, uint32_t to_width,
                    uint32_t to_height, uint32_t channels)
{
    size_t from_stride = (size_t)from_width * channels + 3;
    size_t to_stride = (size_t)to_width * channels + 1;
    uint8_t *source = malloc(from_stride * from_height);
    uint8_t *target = malloc(to_stride * to_height);
    struct rescale *rescale = NULL;
    assert_non_null(source);
    assert_non_null(target);
    for (size_t i = 0; i < from_stride * from_height; i++) {
        source[i] = (uint8_t)(i * i / 3 + i);
    }
    assert_int_equal(
        rescale_create(from_width, from_height, to_width, to_height, channels, &rescale), 0);
    rescale_run(rescale, source, from_stride, target, to_stride);
    for (uint32_t y = 0; y < to_height; y++) {
        double v = place_of(y, from_height, to_height);
        size_t top = (size_t)v;
        size_t bottom = top + 1 < from_height ? top + 1 : top;
        for (uint32_t x = 0; x < to_width * channels; x++) {
            double u = place_of(x / channels, from_width, to_width);
            size_t left = (size_t)u;
            size_t right = left + 1 < from_width ? left + 1 : left;
            size_t c = x % channels;
            double upper = source[top * from_stride + left * channels + c] * (1 - (u - floor(u))) +
                           source[top * from_stride + right * channels + c] * (u - floor(u));
            double lower =
                source[bottom * from_stride + left * channels + c] * (1 - (u - floor(u))) +
                source[bottom * from_stride + right * channels + c] * (u - floor(u));
            double wanted = upper * (1 - (v - floor(v))) + lower * (v - floor(v));
            // Weights have 8 bits.
            assert_true(fabs(wanted - target[y * to_stride + x]) <= 2);
        }
    }
    rescale_destroy(rescale);
    free(source);
    free(target);
}

static void every_value_is_the_mean_of_its_four_neighbours(void **state)
{
    (void)state;
    compare(20, 10, 33, 17, 4);
    compare(64, 48, 20, 15, 3);
    compare(7, 9, 7, 30, 1);
    compare(5, 5, 50, 2, 2);
    compare(1, 1, 9, 9, 4);
}

static void the_same_size_is_a_copy(void **state)
{
    (void)state;
    uint8_t source[60];
    uint8_t target[60] = {0};
    struct rescale *rescale = NULL;
    for (size_t i = 0; i < sizeof source; i++) {
        source[i] = (uint8_t)(i * 13);
    }
    assert_int_equal(rescale_create(5, 4, 5, 4, 3, &rescale), 0);
    rescale_run(rescale, source, 15, target, 15);
    assert_memory_equal(source, target, sizeof source);
    rescale_destroy(rescale);
}

static void wrong_sizes_are_refused(void **state)
{
    (void)state;
    struct rescale *rescale = NULL;
    assert_true(rescale_create(0, 1, 1, 1, 1, &rescale) < 0);
    assert_true(rescale_create(1, 1, 1, 0, 1, &rescale) < 0);
    assert_true(rescale_create(1, 1, 1, 1, 5, &rescale) < 0);
    assert_null(rescale);
    rescale_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_the_mean_of_its_four_neighbours),
        cmocka_unit_test(the_same_size_is_a_copy),
        cmocka_unit_test(wrong_sizes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
