// SPDX-License-Identifier: Apache-2.0
// Drawing into RGBA pictures: patterns, and frame numbers that a program and a person can read.
//
// The number code is a row of 28 cells, white for 1 and black for 0, on a black border one cell
// wide. With c = width / 40 (rounded down): cell i is the rectangle
//     x = (2 + i) * c ... + c,  y = 2 * c ... + 2 * c
// Cells from the left: 1 0, then 20 bits of the number (modulo 2^20, highest first), then 4 check
// bits (highest first; the five groups of four bits of the number and 1010, added without carry),
// then 0 1. The same number stands below it in digits, at y = 6 * c. Cells survive blurring and
// lossy coding, because a reader takes the mean of a cell's inner half against the middle of the
// two cells at either end.
#pragma once

#include <stdint.h>

#define DRAWING_CODE_CELLS 28
#define DRAWING_CODE_WIDTH_MIN 160  // pixels; below that cells would be too small
#define DRAWING_CODE_HEIGHT_OF(width) (12 * ((width) / 40))  // pixels that code and digits need

// A picture of 4 bytes per pixel without padding.
struct drawing {
    uint8_t *pixels;
    uint32_t width;
    uint32_t height;
};

// Bars as on a television test card: seven colours of 75 %, the reversed row, and the ramp.
void drawing_smpte(const struct drawing *drawing);

// Where the disc is, in pixels.
struct drawing_circle {
    int64_t x;
    int64_t y;
    int64_t radius;
};

struct drawing_circle drawing_ball_at(uint32_t width, uint32_t height, uint64_t number);

// A disc that moves over a chequered ground; where it is follows from the frame number alone.
void drawing_ball(const struct drawing *drawing, uint64_t number);

// A colour gradient that moves with the frame number.
void drawing_gradient(const struct drawing *drawing, uint64_t number);

// Noise, the same for the same seed and number.
void drawing_noise(const struct drawing *drawing, uint64_t seed, uint64_t number);

// Where the counter of a frame's noise starts.
uint64_t drawing_noise_start(uint64_t seed, uint64_t number);

// The number code and the digits.
void drawing_number(const struct drawing *drawing, uint64_t number);

// Bits of the number code, the leftmost cell in bit 27.
uint32_t drawing_code(uint64_t number);
