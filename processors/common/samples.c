// SPDX-License-Identifier: Apache-2.0
// Audio samples: 16 and 32 bit whole numbers and 32 bit floats.
#include "processors/common/samples.h"

#include <math.h>
#include <string.h>

#define S16_ONE 32768.0F
#define S32_ONE 2147483648.0

static int16_t to_s16(float value)
{
    float wide = value * S16_ONE;
    wide = wide < -32768.0F ? -32768.0F : wide > 32767.0F ? 32767.0F : wide;
    return (int16_t)lrintf(wide);
}

// Through double: a float has 24 bits, and a sample that is not changed must keep its 32.
static int32_t to_s32(double value)
{
    double wide = value * S32_ONE;
    wide = wide < -S32_ONE ? -S32_ONE : wide > S32_ONE - 1 ? S32_ONE - 1 : wide;
    return (int32_t)lrint(wide);
}

void samples_scale(enum sb_sample sample, const void *in, float factor, size_t count, void *out)
{
    if (sample == SB_SAMPLE_S16) {
        const int16_t *from = in;
        int16_t *to = out;
        for (size_t i = 0; i < count; i++) {
            to[i] = to_s16((float)from[i] / S16_ONE * factor);
        }
    } else if (sample == SB_SAMPLE_S32) {
        const int32_t *from = in;
        int32_t *to = out;
        for (size_t i = 0; i < count; i++) {
            to[i] = to_s32((double)from[i] / S32_ONE * (double)factor);
        }
    } else {
        const float *from = in;
        float *to = out;
        for (size_t i = 0; i < count; i++) {
            to[i] = from[i] * factor;
        }
    }
}

void samples_add(enum sb_sample sample, const void *in, float factor, size_t count, float *sums)
{
    if (sample == SB_SAMPLE_S16) {
        const int16_t *from = in;
        for (size_t i = 0; i < count; i++) {
            sums[i] += (float)from[i] / S16_ONE * factor;
        }
    } else if (sample == SB_SAMPLE_S32) {
        const int32_t *from = in;
        for (size_t i = 0; i < count; i++) {
            sums[i] += (float)((double)from[i] / S32_ONE) * factor;
        }
    } else {
        const float *from = in;
        for (size_t i = 0; i < count; i++) {
            sums[i] += from[i] * factor;
        }
    }
}

void samples_to_float(enum sb_sample sample, const void *in, size_t count, float *out)
{
    memset(out, 0, count * sizeof out[0]);
    samples_add(sample, in, 1, count, out);
}

void samples_from_float(enum sb_sample sample, const float *in, size_t count, void *out)
{
    if (sample == SB_SAMPLE_S16) {
        int16_t *to = out;
        for (size_t i = 0; i < count; i++) {
            to[i] = to_s16(in[i]);
        }
    } else if (sample == SB_SAMPLE_S32) {
        int32_t *to = out;
        for (size_t i = 0; i < count; i++) {
            to[i] = to_s32((double)in[i]);
        }
    } else {
        memcpy(out, in, count * sizeof in[0]);
    }
}
