// SPDX-License-Identifier: Apache-2.0
// Bilinear scaling of one plane of 8 bit channels.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct rescale;

// Prepares scaling from one size to another, in places of `channels` bytes. -EINVAL for a size of
// 0 or more than 4 channels, -ENOMEM.
int rescale_create(uint32_t from_width, uint32_t from_height, uint32_t to_width, uint32_t to_height,
                   uint32_t channels, struct rescale **out_rescale);

// Frees; NULL is fine.
void rescale_destroy(struct rescale *rescale);

// Scales one plane. Strides are bytes from row to row; source and target do not overlap.
void rescale_run(struct rescale *rescale, const uint8_t *source, size_t source_stride,
                 uint8_t *target, size_t target_stride);
