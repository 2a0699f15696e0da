// SPDX-License-Identifier: Apache-2.0
// The rate of a video from the period of a clock.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processors/common/video_rate.h"

static void expect(int64_t period_ns, uint32_t numerator, uint32_t denominator)
{
    struct sb_video_format format = {0};
    video_rate_set(&format, period_ns);
    assert_int_equal(format.fps_numerator, numerator);
    assert_int_equal(format.fps_denominator, denominator);
}

static void a_whole_rate_is_one_over_one(void **state)
{
    (void)state;
    expect(33333333, 30, 1);
    expect(40000000, 25, 1);
}

static void the_rates_of_television_are_over_1001(void **state)
{
    (void)state;
    expect(33366667, 30000, 1001);
    expect(16683333, 60000, 1001);
}

static void any_other_rate_is_that_of_the_period(void **state)
{
    (void)state;
    expect(3000000000, 1000000000, 3000000000U);
    expect(0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_rate_is_one_over_one),
        cmocka_unit_test(the_rates_of_television_are_over_1001),
        cmocka_unit_test(any_other_rate_is_that_of_the_period),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
