// SPDX-License-Identifier: Apache-2.0
// How the planes of a pixel format are made, for code that treats all of them alike.
#pragma once

#include <stdint.h>

#include <streambroker/format.h>

// One plane: bytes that belong to one place, and by how many bits its size is below the picture's.
struct plane_shape {
    uint32_t channels;
    uint32_t shift_x;
    uint32_t shift_y;
};

// Fills out_shapes and returns the number of planes. YUY2 is 0: two pixels share their chroma, so
// its bytes are not places of equal kind.
uint32_t planes_shapes(enum sb_pixel pixel, struct plane_shape out_shapes[SB_PLANES_MAX]);

// The bit set of all pixel formats for which planes_shapes() is not 0.
#define PLANES_PIXELS                                                                              \
    (SB_BIT(SB_PIXEL_RGBA) | SB_BIT(SB_PIXEL_BGRA) | SB_BIT(SB_PIXEL_RGB) | SB_BIT(SB_PIXEL_BGR) | \
     SB_BIT(SB_PIXEL_GRAY8) | SB_BIT(SB_PIXEL_I420) | SB_BIT(SB_PIXEL_NV12))
