// SPDX-License-Identifier: Apache-2.0
// Push constants and sizes of the shaders. The structs below are the shaders' own, field by field.
#include "processors/gpu/gpu_effect.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "processors/common/pixels.h"
#include "processors/common/planes.h"
#include "processors/gpu/gpu_shaders.h"
#include "processors/test-pattern/drawing.h"

#define WORD 4

static const struct sb_gpu_shader shaders[] = {
#define EFFECT(NAME, file, spans, push)                                                            \
    [GPU_EFFECT_##NAME] = {.words = shader_##file,                                                 \
                           .size_bytes = sizeof shader_##file,                                     \
                           .span_count = spans,                                                    \
                           .push_bytes = push},
#include "processors/gpu/gpu_effect.def"
#undef EFFECT
};

static int run(struct gpu_effects *effects, enum gpu_effect effect, const struct sb_gpu_run *how)
{
    int failed = 0;
    if (effects->kernels[effect] == NULL) {
        failed = sb_gpu_kernel_make(effects->gpu, &shaders[effect], &effects->kernels[effect]);
    }
    return failed == 0 ? sb_gpu_dispatch(effects->gpu, effects->kernels[effect], how) : failed;
}

// --- Pattern ----------------------------------------------------------------------------------

struct pattern_push {
    uint32_t width;
    uint32_t height;
    uint32_t pattern;
    int32_t centre_x;
    int32_t centre_y;
    int32_t radius;
    uint32_t shift;
    uint32_t start_low;
    uint32_t start_high;
};

static_assert(sizeof(struct pattern_push) == 36, "push constants of pattern.comp");

int gpu_effect_pattern(struct gpu_effects *effects, const struct gpu_effect_pattern *pattern,
                       const struct sb_gpu_span *to)
{
    struct drawing_circle ball = drawing_ball_at(pattern->width, pattern->height, pattern->number);
    uint64_t start = drawing_noise_start(pattern->seed, pattern->number);
    struct pattern_push push = {
        .width = pattern->width,
        .height = pattern->height,
        .pattern = (uint32_t)pattern->pattern,
        .centre_x = (int32_t)ball.x,
        .centre_y = (int32_t)ball.y,
        .radius = (int32_t)ball.radius,
        .shift = (uint32_t)(pattern->number * 2 % 256),
        .start_low = (uint32_t)start,
        .start_high = (uint32_t)(start >> 32),
    };
    struct sb_gpu_run how = {
        .spans = to, .push = &push, .invocations = (uint64_t)push.width * push.height};
    return run(effects, GPU_EFFECT_PATTERN, &how);
}

// --- Blur -------------------------------------------------------------------------------------

struct blur_push {
    uint32_t width;
    uint32_t height;
    uint32_t radius;
    uint32_t reciprocal;
    uint32_t is_down;
};

static_assert(sizeof(struct blur_push) == 20, "push constants of blur.comp");

struct blur_plane {
    uint32_t offset;
    uint32_t row;
    uint32_t rows;
    uint32_t channels;
    uint32_t radius;
    union {
        uint32_t reciprocal;  // of the box
        float factor;         // of the Gaussian
    };
};

struct blur_planes_push {
    struct blur_plane planes[SB_PLANES_MAX];
    uint32_t plane_count;
    uint32_t size;
    uint32_t is_down;
};

static_assert(sizeof(struct blur_planes_push) == 84, "push constants of blur_planes.comp");

static uint32_t reciprocal_of(uint32_t radius)
{
    uint32_t window = 2 * radius + 1;
    return (65536 + window / 2) / window;
}

// Sideways into the second span, then downwards into the third.
static int run_both(struct gpu_effects *effects, enum gpu_effect effect, struct sb_gpu_run *how,
                    uint32_t *is_down)
{
    const struct sb_gpu_span *spans = how->spans;
    *is_down = 0;
    int failed = run(effects, effect, how);
    *is_down = 1;
    how->spans = spans + 1;
    return failed == 0 ? run(effects, effect, how) : failed;
}

static int blur_packed(struct gpu_effects *effects, const struct sb_video_format *format,
                       uint32_t radius, const struct sb_gpu_span spans[3])
{
    struct blur_push push = {format->width, format->height, radius, reciprocal_of(radius), 0};
    struct sb_gpu_run how = {
        .spans = spans, .push = &push, .invocations = (uint64_t)push.width * push.height};
    return run_both(effects, GPU_EFFECT_BLUR, &how, &push.is_down);
}

// The planes of a format with their radii: halved ones have half of it, rounded up.
static int fill_planes(const struct sb_video_format *format, uint32_t radius,
                       struct blur_planes_push *push)
{
    struct sb_video_layout layout;
    struct plane_shape shapes[SB_PLANES_MAX];
    int failed = sb_video_layout_get(format, &layout);
    if (failed != 0) {
        return failed;
    }
    *push = (struct blur_planes_push){.plane_count = planes_shapes(format->pixel, shapes),
                                      .size = (uint32_t)layout.size_bytes};
    for (uint32_t i = 0; i < push->plane_count; i++) {
        uint32_t half = (1U << shapes[i].shift_x) - 1;
        push->planes[i] = (struct blur_plane){
            .offset = (uint32_t)layout.planes[i].offset_bytes,
            .row = (uint32_t)layout.planes[i].row_bytes,
            .rows = layout.planes[i].rows,
            .channels = shapes[i].channels,
            .radius = (radius + half) >> shapes[i].shift_x,
        };
    }
    return 0;
}

static int run_planes(struct gpu_effects *effects, enum gpu_effect effect,
                      struct blur_planes_push *push, const struct sb_gpu_span spans[3])
{
    struct sb_gpu_run how = {
        .spans = spans, .push = push, .invocations = ((uint64_t)push->size + WORD - 1) / WORD};
    return run_both(effects, effect, &how, &push->is_down);
}

static int blur_planes(struct gpu_effects *effects, const struct sb_video_format *format,
                       uint32_t radius, const struct sb_gpu_span spans[3])
{
    struct blur_planes_push push;
    int failed = fill_planes(format, radius, &push);
    for (uint32_t i = 0; failed == 0 && i < push.plane_count; i++) {
        push.planes[i].reciprocal = reciprocal_of(push.planes[i].radius);
    }
    return failed == 0 ? run_planes(effects, GPU_EFFECT_BLUR_PLANES, &push, spans) : failed;
}

static bool is_blur(const struct sb_video_format *format, uint32_t radius)
{
    return (GPU_EFFECT_BLUR_PIXELS & SB_BIT(format->pixel)) != 0 && radius <= GPU_EFFECT_RADIUS_MAX;
}

int gpu_effect_gauss(struct gpu_effects *effects, const struct sb_video_format *format,
                     uint32_t radius, const struct sb_gpu_span spans[3])
{
    struct blur_planes_push push;
    int failed = is_blur(format, radius) ? fill_planes(format, radius, &push) : -EINVAL;
    for (uint32_t i = 0; failed == 0 && i < push.plane_count; i++) {
        float deviation = (float)push.planes[i].radius / 2;
        push.planes[i].factor = deviation > 0 ? -1 / (2 * deviation * deviation) : 0;
    }
    return failed == 0 ? run_planes(effects, GPU_EFFECT_GAUSS, &push, spans) : failed;
}

int gpu_effect_blur(struct gpu_effects *effects, const struct sb_video_format *format,
                    uint32_t radius, const struct sb_gpu_span spans[3])
{
    if (!is_blur(format, radius)) {
        return -EINVAL;
    }
    bool is_packed = format->pixel == SB_PIXEL_RGBA || format->pixel == SB_PIXEL_BGRA;
    return is_packed ? blur_packed(effects, format, radius, spans)
                     : blur_planes(effects, format, radius, spans);
}

// --- Convert ----------------------------------------------------------------------------------

struct convert_push {
    uint32_t width;
    uint32_t height;
    uint32_t from;
    uint32_t to;
    uint32_t size;
    int32_t factors[14];
};

static_assert(sizeof(struct convert_push) == 76, "push constants of convert.comp");

// The numbers of the shader.
static uint32_t convert_number(enum sb_pixel pixel)
{
    return pixel == SB_PIXEL_RGBA ? 0 : pixel == SB_PIXEL_BGRA ? 1 : pixel == SB_PIXEL_I420 ? 2 : 3;
}

int gpu_effect_convert(struct gpu_effects *effects, const struct sb_video_format *from,
                       enum sb_pixel to, const struct sb_gpu_span spans[2])
{
    uint32_t pixels = SB_BIT(from->pixel) | SB_BIT(to);
    struct sb_video_format target = *from;
    struct sb_video_layout layout;
    target.pixel = to;
    if ((pixels & ~GPU_EFFECT_CONVERT_PIXELS) != 0 || sb_video_layout_get(&target, &layout) != 0) {
        return -EINVAL;
    }
    if (from->pixel == to) {
        return sb_gpu_copy(effects->gpu, &spans[0], &spans[1]);
    }
    struct pixels_factors f = pixels_factors_of(pixels_matrix_of(from->height));
    struct convert_push push = {
        .width = from->width,
        .height = from->height,
        .from = convert_number(from->pixel),
        .to = convert_number(to),
        .size = (uint32_t)layout.size_bytes,
        .factors = {f.y_r, f.y_g, f.y_b, f.u_r, f.u_g, f.u_b, f.v_r, f.v_g, f.v_b, f.rgb_y, f.r_v,
                    f.g_u, f.g_v, f.b_u},
    };
    struct sb_gpu_run how = {
        .spans = spans, .push = &push, .invocations = (layout.size_bytes + WORD - 1) / WORD};
    return run(effects, GPU_EFFECT_CONVERT, &how);
}

// --- Overlay ----------------------------------------------------------------------------------

struct overlay_push {
    uint32_t width;
    uint32_t height;
    uint32_t over_width;
    uint32_t over_height;
    int32_t x;
    int32_t y;
    uint32_t opacity;
};

static_assert(sizeof(struct overlay_push) == 28, "push constants of overlay.comp");

int gpu_effect_overlay(struct gpu_effects *effects, const struct gpu_effect_overlay *overlay,
                       const struct sb_gpu_span spans[3])
{
    bool is_known = (GPU_EFFECT_OVERLAY_PIXELS & SB_BIT(overlay->ground.pixel)) != 0;
    if (!is_known || overlay->over.pixel != overlay->ground.pixel) {
        return -EINVAL;
    }
    struct overlay_push push = {
        .width = overlay->ground.width,
        .height = overlay->ground.height,
        .over_width = overlay->over.width,
        .over_height = overlay->over.height,
        .x = overlay->x,
        .y = overlay->y,
        .opacity = overlay->opacity,
    };
    struct sb_gpu_run how = {
        .spans = spans, .push = &push, .invocations = (uint64_t)push.width * push.height};
    return run(effects, GPU_EFFECT_OVERLAY, &how);
}
