// SPDX-License-Identifier: Apache-2.0
// Percentiles of a histogram.
// test: uses=base
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "processors/common/histogram.h"

static void percentiles_are_right_to_3_percent(void **state)
{
    (void)state;
    struct histogram *histogram = calloc(1, sizeof *histogram);
    assert_non_null(histogram);
    for (int64_t value = 1; value <= 100000; value++) {
        histogram_add(histogram, value * 1000);
    }
    static const double shares[] = {0.01, 0.5, 0.99, 0.999};
    for (size_t i = 0; i < 4; i++) {
        double wanted = shares[i] * 1e8;
        double found = (double)histogram_percentile(histogram, shares[i]);
        assert_true(found >= wanted * 0.999 && found <= wanted * 1.035);
    }
    assert_int_equal(histogram->smallest, 1000);
    assert_int_equal(histogram->largest, 100000000);
    assert_int_equal(histogram->total, 100000);
    assert_int_equal(histogram_percentile(histogram, 1), 100000000);
    free(histogram);
}

static void the_ends_of_the_range_have_their_place(void **state)
{
    (void)state;
    struct histogram *histogram = calloc(1, sizeof *histogram);
    assert_non_null(histogram);
    assert_int_equal(histogram_percentile(histogram, 0.5), 0);
    histogram_add(histogram, -5);
    assert_int_equal(histogram_percentile(histogram, 1), 0);
    histogram_add(histogram, INT64_MAX);
    assert_int_equal(histogram_percentile(histogram, 1), INT64_MAX);
    for (int64_t value = 0; value < 64; value++) {
        histogram_add(histogram, value);
    }
    assert_int_equal(histogram->total, 66);
    free(histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_right_to_3_percent),
        cmocka_unit_test(the_ends_of_the_range_have_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
