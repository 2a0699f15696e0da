// SPDX-License-Identifier: Apache-2.0
// Conversion between the pixel formats of frames.
//
// Luma and chroma are of limited range (16 to 235 and 16 to 240); gray8 and colours use 0 to 255.
// The matrix follows from the height, as players assume it: up to 576 rows BT.601, above BT.709.
// Chroma is repeated on the way up and averaged on the way down.
#pragma once

#include <stdint.h>

#include <streambroker/format.h>

enum pixels_matrix { PIXELS_BT601, PIXELS_BT709 };

// The matrix that is assumed for a picture of this height.
enum pixels_matrix pixels_matrix_of(uint32_t height);

// Factors of the equations, scaled by 2^PIXELS_FACTOR_SHIFT.
#define PIXELS_FACTOR_SHIFT 13
struct pixels_factors {
    int16_t y_r, y_g, y_b;
    int16_t u_r, u_g, u_b;
    int16_t v_r, v_g, v_b;
    int16_t rgb_y, r_v, g_u, g_v, b_u;
};

struct pixels_factors pixels_factors_of(enum pixels_matrix matrix);

struct pixels_converter;

// Prepares the conversion of frames of `from` to the pixel format `to` of the same size.
// -EINVAL: a format is not valid for that size (odd sizes, for example). -ENOMEM.
int pixels_converter_create(const struct sb_video_format *from, enum sb_pixel to,
                            enum pixels_matrix matrix, struct pixels_converter **out_converter);

// Frees; NULL is fine.
void pixels_converter_destroy(struct pixels_converter *converter);

// Bytes of a converted frame.
uint64_t pixels_target_bytes(const struct pixels_converter *converter);

// Converts one frame; source and target are whole frames of the two formats and do not overlap.
void pixels_convert(struct pixels_converter *converter, const void *source, void *target);
