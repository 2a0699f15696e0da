// SPDX-License-Identifier: Apache-2.0
// Numbers with units: what is taken, what is refused, and that printing gives them back.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"

#define UNTOUCHED 77

static void expect_duration(const char *text, int result, int64_t ns)
{
    int64_t value = UNTOUCHED;
    assert_int_equal(units_parse_duration(text, &value), result);
    assert_int_equal(value, result == 0 ? ns : UNTOUCHED);
}

static void expect_size(const char *text, int result, uint64_t bytes)
{
    uint64_t value = UNTOUCHED;
    assert_int_equal(units_parse_size(text, &value), result);
    assert_int_equal(value, result == 0 ? bytes : UNTOUCHED);
}

// R-GRAPH-013
static void durations_need_a_unit_and_zero_does_not(void **state)
{
    (void)state;
    expect_duration("250ms", 0, 250000000);
    expect_duration("1.5s", 0, 1500000000);
    expect_duration("2m", 0, 120000000000);
    expect_duration("1h", 0, 3600000000000);
    expect_duration("7ns", 0, 7);
    expect_duration("0", 0, 0);
    expect_duration("9223372036854775807ns", -ERANGE, 0);
    expect_duration("999999999h", -ERANGE, 0);
    static const char *const wrong[] = {"", "5", "-1s", "1 s", "1S", "s", "1e3s", "0x1s", "1.s"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        expect_duration(wrong[i], -EINVAL, 0);
    }
}

static void sizes_are_exact_above_53_bits(void **state)
{
    (void)state;
    expect_size("4096", 0, 4096);
    expect_size("64KiB", 0, 65536);
    expect_size("10MB", 0, 10000000);
    expect_size("0.5GiB", 0, 536870912);
    expect_size("9007199254740993", 0, UINT64_C(9007199254740993));
    expect_size("99999999TiB", -ERANGE, 0);
    expect_size("-1", -EINVAL, 0);
    expect_size("1Kib", -EINVAL, 0);
    expect_size("inf", -EINVAL, 0);
}

static void percentages_and_fractions(void **state)
{
    (void)state;
    uint32_t permille = UNTOUCHED;
    assert_int_equal(units_parse_percent("12.5%", &permille), 0);
    assert_int_equal(permille, 125);
    assert_int_equal(units_parse_percent("12.5", &permille), -EINVAL);
    assert_int_equal(units_parse_percent("-1%", &permille), -ERANGE);
    assert_int_equal(permille, 125);
    uint32_t top = 0;
    uint32_t bottom = 0;
    assert_int_equal(units_parse_fraction("30000/1001", &top, &bottom), 0);
    assert_int_equal(top, 30000);
    assert_int_equal(bottom, 1001);
    assert_int_equal(units_parse_fraction("25", &top, &bottom), 0);
    assert_int_equal(bottom, 1);
    assert_int_equal(units_parse_fraction("1/0", &top, &bottom), -ERANGE);
    assert_int_equal(units_parse_fraction("0", &top, &bottom), -ERANGE);
    assert_int_equal(units_parse_fraction("1/", &top, &bottom), -EINVAL);
    assert_int_equal(units_parse_fraction("/1", &top, &bottom), -EINVAL);
    assert_int_equal(top, 25);
}

static void numbers_are_decimal_and_truth_has_two_words(void **state)
{
    (void)state;
    int64_t whole = UNTOUCHED;
    assert_int_equal(units_parse_integer("012", &whole), 0);
    assert_int_equal(whole, 12);
    assert_int_equal(units_parse_integer("-3", &whole), 0);
    assert_int_equal(whole, -3);
    assert_int_equal(units_parse_integer("9223372036854775808", &whole), -ERANGE);
    assert_int_equal(units_parse_integer("0x1", &whole), -EINVAL);
    assert_int_equal(units_parse_integer(" 1", &whole), -EINVAL);
    assert_int_equal(units_parse_integer("+1", &whole), -EINVAL);
    assert_int_equal(whole, -3);
    double real = 0;
    assert_int_equal(units_parse_real("-2.5e3", &real), 0);
    assert_true(real > -2500.1 && real < -2499.9);
    assert_int_equal(units_parse_real("1e999", &real), -ERANGE);
    assert_int_equal(units_parse_real("nan", &real), -EINVAL);
    bool truth = false;
    assert_int_equal(units_parse_bool("true", &truth), 0);
    assert_true(truth);
    assert_int_equal(units_parse_bool("yes", &truth), -EINVAL);
    assert_true(truth);
}

static void what_is_printed_is_read_as_the_same(void **state)
{
    (void)state;
    static const uint64_t values[] = {1, 999, 1024, 65536, 1000000, UINT64_C(3) << 40, 4097};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[32];
        units_format_size(values[i], text, sizeof text);
        expect_size(text, 0, values[i]);
        units_format_duration((int64_t)values[i], text, sizeof text);
        expect_duration(text, 0, (int64_t)values[i]);
    }
    char text[32];
    units_format_size(UINT64_C(64) << 20, text, sizeof text);
    assert_string_equal(text, "64MiB");
    units_format_duration(250000000, text, sizeof text);
    assert_string_equal(text, "250ms");
    units_format_duration(0, text, sizeof text);
    assert_string_equal(text, "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_need_a_unit_and_zero_does_not),
        cmocka_unit_test(sizes_are_exact_above_53_bits),
        cmocka_unit_test(percentages_and_fractions),
        cmocka_unit_test(numbers_are_decimal_and_truth_has_two_words),
        cmocka_unit_test(what_is_printed_is_read_as_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
