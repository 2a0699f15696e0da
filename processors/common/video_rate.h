// SPDX-License-Identifier: Apache-2.0
// The frame rate of a video from the period of a clock.
#pragma once

#include <stdint.h>

#include <streambroker/format.h>

// The clock's period as a fraction: whole numbers, or those over 1001 of television. A period that
// is not known leaves the format as it is.
void video_rate_set(struct sb_video_format *format, int64_t period_ns);
