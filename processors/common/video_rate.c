// SPDX-License-Identifier: Apache-2.0
// The rate of a video that follows a clock.
#include "processors/common/video_rate.h"

#include <math.h>

void video_rate_set(struct sb_video_format *format, int64_t period_ns)
{
    if (period_ns <= 0) {
        return;  // unknown, and said so by a rate of 0
    }
    double rate = 1e9 / (double)period_ns;
    double whole = round(rate);
    double slow = round(rate * 1.001);
    if (fabs(rate - whole) < 1e-3 && whole >= 1) {
        format->fps_numerator = (uint32_t)whole;
        format->fps_denominator = 1;
    } else if (fabs(rate - slow / 1.001) < 1e-3 && slow >= 1) {
        format->fps_numerator = (uint32_t)slow * 1000;
        format->fps_denominator = 1001;
    } else if (period_ns <= UINT32_MAX) {
        format->fps_numerator = 1000000000;
        format->fps_denominator = (uint32_t)period_ns;
    }
}
