// SPDX-License-Identifier: Apache-2.0
// Arithmetic on audio samples; sums that leave the range stay at its end.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <streambroker/format.h>

// out[i] = in[i] * factor, for count samples of one kind.
void samples_scale(enum sb_sample sample, const void *in, float factor, size_t count, void *out);

// sums[i] += in[i] * factor; the sums are floats on the scale of samples_to_float().
void samples_add(enum sb_sample sample, const void *in, float factor, size_t count, float *sums);

// To floats from -1 to 1.
void samples_to_float(enum sb_sample sample, const void *in, size_t count, float *out);

// From floats; whole numbers are rounded and kept in their range, floats are copied.
void samples_from_float(enum sb_sample sample, const float *in, size_t count, void *out);
