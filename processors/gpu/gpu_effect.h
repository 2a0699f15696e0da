// SPDX-License-Identifier: Apache-2.0
// What the GPU processors do to a frame: one call records the commands of one frame. All of it but
// the Gaussian is in whole numbers, and equals what the processors of the same names do on the CPU.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <streambroker/gpu.h>

enum gpu_effect {
#define EFFECT(NAME, file, spans, push) GPU_EFFECT_##NAME,
#include "processors/gpu/gpu_effect.def"
#undef EFFECT
    GPU_EFFECT_COUNT
};

#define GPU_EFFECT_BLUR_PIXELS                                                                     \
    (SB_BIT(SB_PIXEL_RGBA) | SB_BIT(SB_PIXEL_BGRA) | SB_BIT(SB_PIXEL_GRAY8) |                      \
     SB_BIT(SB_PIXEL_I420) | SB_BIT(SB_PIXEL_NV12))
#define GPU_EFFECT_CONVERT_PIXELS                                                                  \
    (SB_BIT(SB_PIXEL_RGBA) | SB_BIT(SB_PIXEL_BGRA) | SB_BIT(SB_PIXEL_I420) | SB_BIT(SB_PIXEL_NV12))
#define GPU_EFFECT_OVERLAY_PIXELS (SB_BIT(SB_PIXEL_RGBA) | SB_BIT(SB_PIXEL_BGRA))

#define GPU_EFFECT_RADIUS_MAX 127

// A device with its kernels; those that are not used are not made.
struct gpu_effects {
    struct sb_gpu *gpu;
    struct sb_gpu_kernel *kernels[GPU_EFFECT_COUNT];  // the device's
};

// The same order as the choices of test-pattern and gpu-pattern.
enum gpu_pattern { GPU_PATTERN_SMPTE, GPU_PATTERN_BALL, GPU_PATTERN_GRADIENT, GPU_PATTERN_NOISE };

struct gpu_effect_pattern {
    uint32_t width;
    uint32_t height;
    enum gpu_pattern pattern;
    uint64_t seed;
    uint64_t number;
};

struct gpu_effect_overlay {
    struct sb_video_format ground;
    struct sb_video_format over;
    int32_t x;
    int32_t y;
    uint32_t opacity;  // 0 to 255
};

// Each returns 0 or what sb_gpu_dispatch() and sb_gpu_kernel_make() return; -EINVAL for a pixel
// format that is not in its set.
int gpu_effect_pattern(struct gpu_effects *effects, const struct gpu_effect_pattern *pattern,
                       const struct sb_gpu_span *to);
// Between is as large as a frame.
int gpu_effect_blur(struct gpu_effects *effects, const struct sb_video_format *format,
                    uint32_t radius, const struct sb_gpu_span spans[3]);
// The weights of a Gaussian instead of a box; half the radius is its standard deviation. Within 1
// of what exact numbers would give.
int gpu_effect_gauss(struct gpu_effects *effects, const struct sb_video_format *format,
                     uint32_t radius, const struct sb_gpu_span spans[3]);
int gpu_effect_convert(struct gpu_effects *effects, const struct sb_video_format *from,
                       enum sb_pixel to, const struct sb_gpu_span spans[2]);
int gpu_effect_overlay(struct gpu_effects *effects, const struct gpu_effect_overlay *overlay,
                       const struct sb_gpu_span spans[3]);
