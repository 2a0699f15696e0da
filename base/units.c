// SPDX-License-Identifier: Apache-2.0
// Parses and prints numbers with units from two tables.
#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"

struct unit {
    const char *name;
    uint64_t factor;
    bool is_printed;
};

// Largest first: printing takes the first one that divides the value.
static const struct unit duration_units[] = {
    {"h", 3600 * UINT64_C(1000000000), true},
    {"m", 60 * UINT64_C(1000000000), true},
    {"s", UINT64_C(1000000000), true},
    {"ms", 1000000, true},
    {"us", 1000, true},
    {"ns", 1, true},
};

static const struct unit size_units[] = {
    {"TiB", UINT64_C(1) << 40, true},
    {"GiB", UINT64_C(1) << 30, true},
    {"MiB", UINT64_C(1) << 20, true},
    {"KiB", UINT64_C(1) << 10, true},
    {"TB", UINT64_C(1000000000000), false},
    {"GB", 1000000000, false},
    {"MB", 1000000, false},
    {"kB", 1000, false},
    {"KB", 1000, false},
    {"B", 1, false},
    {"", 1, true},
};

int units_parse_integer(const char *string, int64_t *out_value)
{
    const char *digits = string[0] == '-' ? string + 1 : string;
    if (!isdigit((unsigned char)digits[0])) {
        return -EINVAL;
    }
    char *end;
    errno = 0;
    long long value = strtoll(string, &end, 10);
    if (*end != '\0') {
        return -EINVAL;
    }
    if (errno == ERANGE) {
        return -ERANGE;
    }
    *out_value = value;
    return 0;
}

// Reads the number at the start: digits, then perhaps a point and digits. strtod alone would take
// hexadecimal, infinity and exponents too.
static int parse_decimal(const char *string, double *out_value, const char **out_rest)
{
    size_t length = string[0] == '-' ? 1 : 0;
    size_t whole = strspn(string + length, "0123456789");
    if (whole == 0) {
        return -EINVAL;
    }
    length += whole;
    if (string[length] == '.') {
        size_t part = strspn(string + length + 1, "0123456789");
        if (part == 0) {
            return -EINVAL;
        }
        length += 1 + part;
    }
    if (length >= 64) {
        return -ERANGE;
    }
    char number[64];
    memcpy(number, string, length);
    number[length] = '\0';
    *out_value = strtod(number, NULL);
    *out_rest = string + length;
    return 0;
}

int units_parse_real(const char *string, double *out_value)
{
    double value;
    const char *rest;
    int failed = parse_decimal(string, &value, &rest);
    if (failed != 0) {
        return failed;
    }
    if (*rest == 'e' || *rest == 'E') {
        char *end;
        value = strtod(string, &end);
        rest = end;
    }
    if (*rest != '\0') {
        return -EINVAL;
    }
    if (!isfinite(value)) {
        return -ERANGE;
    }
    *out_value = value;
    return 0;
}

int units_parse_bool(const char *string, bool *out_value)
{
    bool is_true = strcmp(string, "true") == 0;
    if (!is_true && strcmp(string, "false") != 0) {
        return -EINVAL;
    }
    *out_value = is_true;
    return 0;
}

// What both return fits into the signed type that callers compute with.
static int multiply_whole(const char *digits, uint64_t factor, uint64_t *out_value)
{
    uint64_t value;
    errno = 0;
    uint64_t whole = strtoull(digits, NULL, 10);
    if (errno != 0 || __builtin_mul_overflow(whole, factor, &value) || value > INT64_MAX) {
        return -ERANGE;
    }
    *out_value = value;
    return 0;
}

static int multiply(double number, uint64_t factor, uint64_t *out_value)
{
    double value = number * (double)factor;
    if (value >= 9223372036854775808.0) {
        return -ERANGE;
    }
    *out_value = (uint64_t)(value + 0.5);
    return 0;
}

static int parse_with_unit(const char *string, const struct unit *units, size_t unit_count,
                           uint64_t *out_value)
{
    double number;
    const char *rest;
    int failed = parse_decimal(string, &number, &rest);
    if (failed != 0 || number < 0) {
        return failed != 0 ? failed : -EINVAL;
    }
    for (size_t i = 0; i < unit_count; i++) {
        if (strcmp(rest, units[i].name) != 0) {
            continue;
        }
        // Whole numbers go through integers: a double holds only 53 bits.
        bool is_whole = strchr(string, '.') == NULL;
        uint64_t value = 0;
        failed = is_whole ? multiply_whole(string, units[i].factor, &value)
                          : multiply(number, units[i].factor, &value);
        if (failed == 0) {
            *out_value = value;
        }
        return failed;
    }
    return -EINVAL;
}

int units_parse_duration(const char *string, int64_t *out_ns)
{
    if (strcmp(string, "0") == 0) {
        *out_ns = 0;
        return 0;
    }
    uint64_t value;
    int failed = parse_with_unit(string, duration_units, ARRAY_COUNT(duration_units), &value);
    if (failed == 0) {
        *out_ns = (int64_t)value;
    }
    return failed;
}

int units_parse_size(const char *string, uint64_t *out_bytes)
{
    return parse_with_unit(string, size_units, ARRAY_COUNT(size_units), out_bytes);
}

int units_parse_percent(const char *string, uint32_t *out_permille)
{
    double number;
    const char *rest;
    int failed = parse_decimal(string, &number, &rest);
    if (failed != 0 || strcmp(rest, "%") != 0) {
        return failed != 0 ? failed : -EINVAL;
    }
    if (number < 0 || number > 100000) {
        return -ERANGE;
    }
    *out_permille = (uint32_t)(number * 10 + 0.5);
    return 0;
}

int units_parse_fraction(const char *string, uint32_t *out_numerator, uint32_t *out_denominator)
{
    const char *slash = strchr(string, '/');
    char top[16];
    size_t top_length = slash != NULL ? (size_t)(slash - string) : strlen(string);
    if (top_length == 0 || top_length >= sizeof top) {
        return -EINVAL;
    }
    memcpy(top, string, top_length);
    top[top_length] = '\0';
    int64_t numerator;
    int64_t denominator = 1;
    int failed = units_parse_integer(top, &numerator);
    if (failed == 0 && slash != NULL) {
        failed = units_parse_integer(slash + 1, &denominator);
    }
    if (failed != 0) {
        return failed;
    }
    if (numerator <= 0 || denominator <= 0 || numerator > UINT32_MAX || denominator > UINT32_MAX) {
        return -ERANGE;
    }
    *out_numerator = (uint32_t)numerator;
    *out_denominator = (uint32_t)denominator;
    return 0;
}

static void format_with_unit(uint64_t value, const struct unit *units, size_t unit_count, char *out,
                             size_t size_bytes)
{
    for (size_t i = 0; i < unit_count; i++) {
        if (units[i].is_printed && value % units[i].factor == 0) {
            snprintf(out, size_bytes, "%llu%s", (unsigned long long)(value / units[i].factor),
                     units[i].name);
            return;
        }
    }
}

void units_format_duration(int64_t ns, char *out, size_t size_bytes)
{
    if (ns <= 0) {
        snprintf(out, size_bytes, "0");
        return;
    }
    format_with_unit((uint64_t)ns, duration_units, ARRAY_COUNT(duration_units), out, size_bytes);
}

void units_format_size(uint64_t bytes, char *out, size_t size_bytes)
{
    if (bytes == 0) {
        snprintf(out, size_bytes, "0");
        return;
    }
    format_with_unit(bytes, size_units, ARRAY_COUNT(size_units), out, size_bytes);
}
