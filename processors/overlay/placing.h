// SPDX-License-Identifier: Apache-2.0
// Where the pictures of an overlay lie.
#pragma once

#include <stdint.h>

#define PLACING_PICTURES_MAX 16

// How pictures are put together: enum value, name.
#define PLACING_MODES(X)                                                                           \
    X(PIP, "pip")                                                                                  \
    X(SIDE_BY_SIDE, "side-by-side")                                                                \
    X(GRID, "grid")                                                                                \
    X(VERTICAL_STACK, "vertical-stack")

enum placing_mode {
#define X(name, text) PLACING_##name,
    PLACING_MODES(X)
#undef X
};

// Corners for pip: enum value, name.
#define PLACING_CORNERS(X)                                                                         \
    X(TOP_LEFT, "top-left")                                                                        \
    X(TOP_RIGHT, "top-right")                                                                      \
    X(BOTTOM_LEFT, "bottom-left")                                                                  \
    X(BOTTOM_RIGHT, "bottom-right")

enum placing_corner {
#define X(name, text) PLACING_##name,
    PLACING_CORNERS(X)
#undef X
};

struct placing {
    enum placing_mode mode;
    enum placing_corner corner;  // pip: where the first small picture is; more go on sideways
    double share;                // pip: width of a small picture as a share of the whole
    uint32_t width;              // of the whole, even
    uint32_t height;             // likewise
    uint32_t count;              // pictures
};

struct placing_size {
    uint32_t width;
    uint32_t height;
};

// All four are even, so that halved chroma planes fit.
struct placing_rectangle {
    uint32_t x, y, width, height;
};

// Size of the whole when nobody asked for one: the first picture for pip, else as much as shows
// every picture in the first one's size.
struct placing_size placing_whole(enum placing_mode mode, uint32_t count,
                                  struct placing_size first);

// The rectangle of one picture, which keeps its shape inside its cell (0 sized when the whole is
// too small for it). Picture 0 of pip is the whole.
struct placing_rectangle placing_of(const struct placing *placing, uint32_t index,
                                    struct placing_size picture);
