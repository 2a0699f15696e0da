// SPDX-License-Identifier: Apache-2.0
// Numbers with units: what is taken, what is refused, and that nothing is written on failure.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/units.h"

// R-GRAPH-013
static void durations_need_their_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
        int64_t ns;
    } cases[] = {
        {"250ms", 0, 250000000},
        {"1.5s", 0, 1500000000},
        {"2m", 0, INT64_C(120000000000)},
        {"1h", 0, INT64_C(3600000000000)},
        {"20us", 0, 20000},
        {"7ns", 0, 7},
        {"0", 0, 0},
        {"9223372036854775807ns", 0, INT64_MAX},
        {"9007199254740993ns", 0, INT64_C(9007199254740993)},  // 2^53 + 1
        {"10", -EINVAL, 0},
        {"-1s", -EINVAL, 0},
        {"1 s", -EINVAL, 0},
        {"s", -EINVAL, 0},
        {"", -EINVAL, 0},
        {"1.s", -EINVAL, 0},
        {"0x10s", -EINVAL, 0},
        {"infs", -EINVAL, 0},
        {"1sec", -EINVAL, 0},
        {"9223372036854775808ns", -ERANGE, 0},
        {"3000000h", -ERANGE, 0},
        {"99999999999999999999999999999999999999999999999999999999999999999s", -ERANGE, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ns = -77;
        int result = units_parse_duration(cases[i].text, &ns);
        if (result != cases[i].result) {
            print_error("%s\n", cases[i].text);
        }
        assert_int_equal(result, cases[i].result);
        assert_int_equal(ns, result == 0 ? cases[i].ns : -77);
    }
}

// R-GRAPH-013
static void sizes_know_both_kinds_of_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
        uint64_t bytes;
    } cases[] = {
        {"4096", 0, 4096},
        {"64KiB", 0, 65536},
        {"1.5KiB", 0, 1536},
        {"10MB", 0, 10000000},
        {"1TiB", 0, UINT64_C(1) << 40},
        {"64MiBs", -EINVAL, 0},
        {"64M", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"8388608TiB", -ERANGE, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t bytes = 77;
        int result = units_parse_size(cases[i].text, &bytes);
        assert_int_equal(result, cases[i].result);
        assert_int_equal(bytes, result == 0 ? cases[i].bytes : 77);
    }
}

static void integers_are_decimal_and_whole(void **state)
{
    (void)state;
    int64_t value = 77;
    assert_int_equal(units_parse_integer("012", &value), 0);
    assert_int_equal(value, 12);
    assert_int_equal(units_parse_integer("-9223372036854775808", &value), 0);
    assert_true(value == INT64_MIN);
    value = 77;
    assert_int_equal(units_parse_integer("9223372036854775808", &value), -ERANGE);
    static const char *const wrong[] = {"", "-", "+1", " 1", "1 ", "1.0", "0x1", "1e3", "--1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(units_parse_integer(wrong[i], &value), -EINVAL);
    }
    assert_int_equal(value, 77);
}

static void reals_are_finite_numbers(void **state)
{
    (void)state;
    double value = 77;
    assert_int_equal(units_parse_real("-0.25", &value), 0);
    assert_true(value == -0.25);
    assert_int_equal(units_parse_real("1.5e3", &value), 0);
    assert_true(value == 1500);
    value = 77;
    assert_int_equal(units_parse_real("1e999", &value), -ERANGE);
    static const char *const wrong[] = {"", "nan", "inf", "0x1p3", "1e", "1,5", ".5", "5.", "1e3x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(units_parse_real(wrong[i], &value), -EINVAL);
    }
    assert_true(value == 77);
}

static void only_true_and_false_are_truth_values(void **state)
{
    (void)state;
    bool is_on = false;
    assert_int_equal(units_parse_bool("true", &is_on), 0);
    assert_true(is_on);
    static const char *const wrong[] = {"yes", "no", "on", "1", "True", "true ", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(units_parse_bool(wrong[i], &is_on), -EINVAL);
    }
    assert_true(is_on);
    assert_int_equal(units_parse_bool("false", &is_on), 0);
    assert_false(is_on);
}

static void percentages_are_thousandths(void **state)
{
    (void)state;
    uint32_t permille = 77;
    assert_int_equal(units_parse_percent("50%", &permille), 0);
    assert_int_equal(permille, 500);
    assert_int_equal(units_parse_percent("0.1%", &permille), 0);
    assert_int_equal(permille, 1);
    assert_int_equal(units_parse_percent("100000%", &permille), 0);
    assert_int_equal(permille, 1000000);
    assert_int_equal(units_parse_percent("100001%", &permille), -ERANGE);
    assert_int_equal(units_parse_percent("-1%", &permille), -ERANGE);
    assert_int_equal(units_parse_percent("50", &permille), -EINVAL);
    assert_int_equal(units_parse_percent("%", &permille), -EINVAL);
    assert_int_equal(permille, 1000000);
}

// R-CLOCK-001
static void a_rate_is_a_number_or_a_fraction(void **state)
{
    (void)state;
    uint32_t top = 7;
    uint32_t bottom = 7;
    assert_int_equal(units_parse_fraction("30", &top, &bottom), 0);
    assert_true(top == 30 && bottom == 1);
    assert_int_equal(units_parse_fraction("30000/1001", &top, &bottom), 0);
    assert_true(top == 30000 && bottom == 1001);
    static const struct {
        const char *text;
        int result;
    } wrong[] = {{"", -EINVAL},      {"/1", -EINVAL},          {"1/", -EINVAL},  {"1/2/3", -EINVAL},
                 {"29.97", -EINVAL}, {"4294967296", -ERANGE},  {"0/1", -ERANGE}, {"1/0", -ERANGE},
                 {"-1/1", -ERANGE},  {"1/4294967296", -ERANGE}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(units_parse_fraction(wrong[i].text, &top, &bottom), wrong[i].result);
    }
    assert_true(top == 30000 && bottom == 1001);
}

static void what_is_printed_is_short_and_reads_back(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } durations[] = {{0, "0"},
                     {250000000, "250ms"},
                     {1500000000, "1500ms"},
                     {INT64_C(7200000000000), "2h"},
                     {90000000000, "90s"},
                     {1, "1ns"},
                     {INT64_MAX, "9223372036854775807ns"}};
    char text[32];
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        int64_t back = -1;
        units_format_duration(durations[i].ns, text, sizeof text);
        assert_string_equal(text, durations[i].text);
        assert_int_equal(units_parse_duration(text, &back), 0);
        assert_int_equal(back, durations[i].ns);
    }
    static const struct {
        uint64_t bytes;
        const char *text;
    } sizes[] = {{0, "0"},
                 {1000, "1000"},
                 {65536, "64KiB"},
                 {UINT64_C(3) << 30, "3GiB"},
                 {(UINT64_C(1) << 62) + 1, "4611686018427387905"}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t back = 1;
        units_format_size(sizes[i].bytes, text, sizeof text);
        assert_string_equal(text, sizes[i].text);
        assert_int_equal(units_parse_size(text, &back), 0);
        assert_int_equal(back, sizes[i].bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_need_their_unit),
        cmocka_unit_test(sizes_know_both_kinds_of_units),
        cmocka_unit_test(integers_are_decimal_and_whole),
        cmocka_unit_test(reals_are_finite_numbers),
        cmocka_unit_test(only_true_and_false_are_truth_values),
        cmocka_unit_test(percentages_are_thousandths),
        cmocka_unit_test(a_rate_is_a_number_or_a_fraction),
        cmocka_unit_test(what_is_printed_is_short_and_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
