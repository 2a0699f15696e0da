// SPDX-License-Identifier: Apache-2.0
// Numbers with units as people write them: 250ms, 64MiB, 50%, 30000/1001.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Each parser takes the whole string or refuses it with -EINVAL (no number or unknown unit) or
// -ERANGE (does not fit). Nothing is written on failure.

// "10", "-3": decimal only, so that 012 is never read as eight.
int units_parse_integer(const char *string, int64_t *out_value);
int units_parse_real(const char *string, double *out_value);
// "true", "false" and nothing else: yes, no and on are words.
int units_parse_bool(const char *string, bool *out_value);
// "250ms", "1.5s", "2m", "1h", "20us", "7ns": nanoseconds. "0" needs no unit, others do.
int units_parse_duration(const char *string, int64_t *out_ns);
// "4096", "64KiB", "64MiB", "1GiB", "10MB": bytes.
int units_parse_size(const char *string, uint64_t *out_bytes);
// "50%": thousandths, so 50% is 500.
int units_parse_percent(const char *string, uint32_t *out_permille);
// "30" or "30000/1001": numerator and denominator, both above 0.
int units_parse_fraction(const char *string, uint32_t *out_numerator, uint32_t *out_denominator);

// The shortest exact text: 250ms, 64MiB. size_bytes of at least 32 is always enough.
void units_format_duration(int64_t ns, char *out, size_t size_bytes);
void units_format_size(uint64_t bytes, char *out, size_t size_bytes);
