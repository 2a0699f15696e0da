// SPDX-License-Identifier: Apache-2.0
// The planes of each pixel format.
#include "processors/common/planes.h"

#include <string.h>

static const struct {
    uint32_t count;
    struct plane_shape shapes[SB_PLANES_MAX];
} shapes_of_pixel[] = {
    [SB_PIXEL_RGBA] = {1, {{4, 0, 0}}},
    [SB_PIXEL_BGRA] = {1, {{4, 0, 0}}},
    [SB_PIXEL_RGB] = {1, {{3, 0, 0}}},
    [SB_PIXEL_BGR] = {1, {{3, 0, 0}}},
    [SB_PIXEL_GRAY8] = {1, {{1, 0, 0}}},
    [SB_PIXEL_I420] = {3, {{1, 0, 0}, {1, 1, 1}, {1, 1, 1}}},
    [SB_PIXEL_NV12] = {2, {{1, 0, 0}, {2, 1, 1}}},
};

uint32_t planes_shapes(enum sb_pixel pixel, struct plane_shape out_shapes[SB_PLANES_MAX])
{
    size_t index = (size_t)pixel;
    if (index >= sizeof shapes_of_pixel / sizeof shapes_of_pixel[0]) {
        return 0;
    }
    uint32_t count = shapes_of_pixel[index].count;
    if (count > 0) {
        memcpy(out_shapes, shapes_of_pixel[index].shapes, count * sizeof out_shapes[0]);
    }
    return count;
}
