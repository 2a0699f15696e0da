// SPDX-License-Identifier: Apache-2.0
// One table of pixel formats: ours, Vulkan's and the DRM's.
#include <stddef.h>

#include <vulkan/vulkan.h>

#include <streambroker/gpu.h>

#define FOURCC(a, b, c, d)                                                                         \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

static const struct sb_gpu_format rows[] = {
#define FORMAT(NAME, vk, a, b, c, d) {SB_PIXEL_##NAME, vk, FOURCC(a, b, c, d)},
#include "shm/gpu/gpu_format.def"
#undef FORMAT
};

#define ROW_COUNT (sizeof rows / sizeof rows[0])

const struct sb_gpu_format *sb_gpu_format_of(enum sb_pixel pixel)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].pixel == pixel) {
            return &rows[i];
        }
    }
    return NULL;
}

enum sb_pixel sb_gpu_pixel_of_fourcc(uint32_t fourcc)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].fourcc == fourcc) {
            return rows[i].pixel;
        }
    }
    return SB_PIXEL_NONE;
}
