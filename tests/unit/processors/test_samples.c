// SPDX-License-Identifier: Apache-2.0
// Audio samples: scale, sum, change of kind, and the ends of the range.
// test: uses=base
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "processors/common/samples.h"

static void a_factor_of_1_changes_no_sample(void **state)
{
    (void)state;
    const int16_t small[] = {0, 1, -1, 32767, -32768, 12345};
    const int32_t large[] = {0, 1, -1, INT32_MAX, INT32_MIN, 123456789};
    const float real[] = {0, 1, -1, 0.125F, 3};
    int16_t small_out[6];
    int32_t large_out[6];
    float real_out[5];
    samples_scale(SB_SAMPLE_S16, small, 1, 6, small_out);
    samples_scale(SB_SAMPLE_S32, large, 1, 6, large_out);
    samples_scale(SB_SAMPLE_F32, real, 1, 5, real_out);
    assert_memory_equal(small, small_out, sizeof small);
    assert_memory_equal(large, large_out, sizeof large);
    assert_memory_equal(real, real_out, sizeof real);
}

static void what_is_too_loud_stays_at_the_end_of_the_range(void **state)
{
    (void)state;
    const int16_t small[] = {20000, -20000};
    const int32_t large[] = {2000000000, -2000000000};
    int16_t small_out[2];
    int32_t large_out[2];
    samples_scale(SB_SAMPLE_S16, small, 10, 2, small_out);
    samples_scale(SB_SAMPLE_S32, large, 10, 2, large_out);
    assert_int_equal(small_out[0], 32767);
    assert_int_equal(small_out[1], -32768);
    assert_int_equal(large_out[0], INT32_MAX);
    assert_int_equal(large_out[1], INT32_MIN);
}

static void half_is_half(void **state)
{
    (void)state;
    const int16_t in[] = {1000, -1000, 3};
    int16_t out[3];
    samples_scale(SB_SAMPLE_S16, in, 0.5F, 3, out);
    assert_int_equal(out[0], 500);
    assert_int_equal(out[1], -500);
    assert_in_range(out[2], 1, 2);
}

static void sums_are_sums_and_stay_in_range(void **state)
{
    (void)state;
    const int16_t a[] = {100, 30000, -30000, 7};
    const int16_t b[] = {23, 30000, -30000, -7};
    const int16_t wanted[] = {123, 32767, -32768, 0};
    float sums[4] = {0};
    int16_t out[4];
    samples_add(SB_SAMPLE_S16, a, 1, 4, sums);
    samples_add(SB_SAMPLE_S16, b, 1, 4, sums);
    samples_from_float(SB_SAMPLE_S16, sums, 4, out);
    assert_memory_equal(out, wanted, sizeof wanted);
}

static void every_16_bit_sample_comes_back_from_a_float(void **state)
{
    (void)state;
    for (int32_t value = INT16_MIN; value <= INT16_MAX; value++) {
        int16_t in = (int16_t)value;
        int16_t out = 0;
        float between = 0;
        samples_to_float(SB_SAMPLE_S16, &in, 1, &between);
        samples_from_float(SB_SAMPLE_S16, &between, 1, &out);
        assert_true(between >= -1 && between < 1);
        assert_int_equal(in, out);
    }
}

static void a_32_bit_sample_is_right_to_the_24_bits_of_a_float(void **state)
{
    (void)state;
    const int32_t in[] = {INT32_MAX, INT32_MIN, 1 << 20, -12345678};
    int32_t out[4];
    float between[4];
    samples_to_float(SB_SAMPLE_S32, in, 4, between);
    samples_from_float(SB_SAMPLE_S32, between, 4, out);
    for (int i = 0; i < 4; i++) {
        assert_true(fabs((double)in[i] - (double)out[i]) <= 128);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_factor_of_1_changes_no_sample),
        cmocka_unit_test(what_is_too_loud_stays_at_the_end_of_the_range),
        cmocka_unit_test(half_is_half),
        cmocka_unit_test(sums_are_sums_and_stay_in_range),
        cmocka_unit_test(every_16_bit_sample_comes_back_from_a_float),
        cmocka_unit_test(a_32_bit_sample_is_right_to_the_24_bits_of_a_float),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
