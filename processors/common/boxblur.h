// SPDX-License-Identifier: Apache-2.0
// Box blur of one plane of 8 bit channels; the edge places are repeated outwards.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BOXBLUR_RADIUS_MAX 127

struct boxblur;

// Prepares blurring of planes of one size, in places of `channels` bytes. -EINVAL, -ENOMEM.
int boxblur_create(uint32_t width, uint32_t height, uint32_t channels, uint32_t radius,
                   struct boxblur **out_blur);

// Frees; NULL is fine.
void boxblur_destroy(struct boxblur *blur);

// Each value becomes the mean of the (2 * radius + 1)^2 around it, right to one step. Strides are
// bytes from row to row; source and target do not overlap.
void boxblur_run(struct boxblur *blur, const uint8_t *source, size_t source_stride, uint8_t *target,
                 size_t target_stride);
