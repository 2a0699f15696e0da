// SPDX-License-Identifier: Apache-2.0
// Pixel formats: every format is read into rows of four bytes per pixel, either red, green, blue,
// alpha or luma and both chromas, and written from them, two rows at a time.
#include "processors/common/pixels.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MATRIX_HEIGHT_MAX_BT601 576
#define ROWS 2
#define SHIFT 14
#define HALF (1 << (SHIFT - 1))

// Factors scaled by 2^SHIFT.
struct factors {
    int32_t y_r, y_g, y_b;
    int32_t u_r, u_g, u_b;
    int32_t v_r, v_g, v_b;
    int32_t rgb_y, r_v, g_u, g_v, b_u;
};

struct pixels_converter {
    struct sb_video_format from;
    struct sb_video_format to;
    struct sb_video_layout from_layout;
    struct sb_video_layout to_layout;
    struct factors factors;
    uint8_t *rows[ROWS];  // four bytes per pixel
};

// Order of the bytes of the packed formats: where red, green, blue lie, and bytes per pixel.
struct packed {
    uint8_t red, green, blue, bytes;
};

static const struct packed packed_formats[] = {
    [SB_PIXEL_RGBA] = {0, 1, 2, 4}, [SB_PIXEL_BGRA] = {2, 1, 0, 4},  [SB_PIXEL_RGB] = {0, 1, 2, 3},
    [SB_PIXEL_BGR] = {2, 1, 0, 3},  [SB_PIXEL_GRAY8] = {0, 0, 0, 1}, [SB_PIXEL_YUY2] = {0, 0, 0, 0},
    [SB_PIXEL_I420] = {0, 0, 0, 0}, [SB_PIXEL_NV12] = {0, 0, 0, 0},
};

static bool is_chroma(enum sb_pixel pixel)
{
    return pixel == SB_PIXEL_YUY2 || pixel == SB_PIXEL_I420 || pixel == SB_PIXEL_NV12;
}

static uint8_t clamp(int32_t value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

enum pixels_matrix pixels_matrix_of(uint32_t height)
{
    return height <= MATRIX_HEIGHT_MAX_BT601 ? PIXELS_BT601 : PIXELS_BT709;
}

static int32_t scaled(double value)
{
    double wide = value * (1 << SHIFT);
    return (int32_t)(wide < 0 ? wide - 0.5 : wide + 0.5);
}

// The equations of both matrices from the shares of red and blue in the luma.
static struct factors factors_of(enum pixels_matrix matrix)
{
    double red = matrix == PIXELS_BT601 ? 0.299 : 0.2126;
    double blue = matrix == PIXELS_BT601 ? 0.114 : 0.0722;
    double green = 1 - red - blue;
    double luma = 219.0 / 255;
    double chroma = 224.0 / 255;
    return (struct factors){
        .y_r = scaled(red * luma),
        .y_g = scaled(green * luma),
        .y_b = scaled(blue * luma),
        .u_r = scaled(-red / (2 * (1 - blue)) * chroma),
        .u_g = scaled(-green / (2 * (1 - blue)) * chroma),
        .u_b = scaled(0.5 * chroma),
        .v_r = scaled(0.5 * chroma),
        .v_g = scaled(-green / (2 * (1 - red)) * chroma),
        .v_b = scaled(-blue / (2 * (1 - red)) * chroma),
        .rgb_y = scaled(1 / luma),
        .r_v = scaled(2 * (1 - red) / chroma),
        .g_u = scaled(-2 * (1 - blue) * blue / green / chroma),
        .g_v = scaled(-2 * (1 - red) * red / green / chroma),
        .b_u = scaled(2 * (1 - blue) / chroma),
    };
}

int pixels_converter_create(const struct sb_video_format *from, enum sb_pixel to,
                            enum pixels_matrix matrix, struct pixels_converter **out_converter)
{
    struct pixels_converter *converter = calloc(1, sizeof *converter);
    if (converter == NULL) {
        return -ENOMEM;
    }
    converter->from = *from;
    converter->to = *from;
    converter->to.pixel = to;
    converter->factors = factors_of(matrix);
    int result = sb_video_layout_get(&converter->from, &converter->from_layout);
    if (result == 0) {
        result = sb_video_layout_get(&converter->to, &converter->to_layout);
    }
    for (int i = 0; i < ROWS && result == 0; i++) {
        converter->rows[i] = malloc((size_t)from->width * 4);
        result = converter->rows[i] == NULL ? -ENOMEM : 0;
    }
    if (result < 0) {
        pixels_converter_destroy(converter);
        return result;
    }
    *out_converter = converter;
    return 0;
}

void pixels_converter_destroy(struct pixels_converter *converter)
{
    if (converter != NULL) {
        for (int i = 0; i < ROWS; i++) {
            free(converter->rows[i]);
        }
        free(converter);
    }
}

uint64_t pixels_target_bytes(const struct pixels_converter *converter)
{
    return converter->to_layout.size_bytes;
}

static void load_packed(struct packed packed, const uint8_t *restrict source, uint32_t width,
                        uint8_t *restrict row)
{
    for (uint32_t x = 0; x < width; x++) {
        const uint8_t *pixel = source + (size_t)x * packed.bytes;
        row[4 * x + 0] = pixel[packed.red];
        row[4 * x + 1] = pixel[packed.green];
        row[4 * x + 2] = pixel[packed.blue];
        row[4 * x + 3] = packed.bytes == 4 ? pixel[3] : 255;
    }
}

// Luma, and chroma samples that lie `step` bytes apart and belong to two pixels each.
static void load_luma(const uint8_t *restrict luma, size_t luma_step, const uint8_t *u,
                      const uint8_t *v, size_t step, uint32_t width, uint8_t *restrict row)
{
    for (uint32_t x = 0; x < width; x++) {
        row[4 * x + 0] = luma[x * luma_step];
        row[4 * x + 1] = u[(x / 2) * step];
        row[4 * x + 2] = v[(x / 2) * step];
        row[4 * x + 3] = 255;
    }
}

static void load_row(const struct pixels_converter *converter, const uint8_t *source, uint32_t y,
                     uint8_t *row)
{
    const struct sb_plane *planes = converter->from_layout.planes;
    uint32_t width = converter->from.width;
    const uint8_t *first = source + planes[0].offset_bytes + y * planes[0].stride_bytes;
    if (converter->from.pixel == SB_PIXEL_I420) {
        const uint8_t *u = source + planes[1].offset_bytes + (y / 2) * planes[1].stride_bytes;
        const uint8_t *v = source + planes[2].offset_bytes + (y / 2) * planes[2].stride_bytes;
        load_luma(first, 1, u, v, 1, width, row);
    } else if (converter->from.pixel == SB_PIXEL_NV12) {
        const uint8_t *uv = source + planes[1].offset_bytes + (y / 2) * planes[1].stride_bytes;
        load_luma(first, 1, uv, uv + 1, 2, width, row);
    } else if (converter->from.pixel == SB_PIXEL_YUY2) {
        load_luma(first, 2, first + 1, first + 3, 4, width, row);
    } else {
        load_packed(packed_formats[converter->from.pixel], first, width, row);
    }
}

static void row_to_rgb(const struct factors *f, uint8_t *row, uint32_t width)
{
    for (uint32_t x = 0; x < width; x++) {
        int32_t y = (row[4 * x] - 16) * f->rgb_y + HALF;
        int32_t u = row[4 * x + 1] - 128;
        int32_t v = row[4 * x + 2] - 128;
        row[4 * x + 0] = clamp((y + v * f->r_v) >> SHIFT);
        row[4 * x + 1] = clamp((y + u * f->g_u + v * f->g_v) >> SHIFT);
        row[4 * x + 2] = clamp((y + u * f->b_u) >> SHIFT);
    }
}

static void row_to_luma(const struct factors *f, uint8_t *row, uint32_t width)
{
    for (uint32_t x = 0; x < width; x++) {
        int32_t r = row[4 * x];
        int32_t g = row[4 * x + 1];
        int32_t b = row[4 * x + 2];
        row[4 * x + 0] = clamp(16 + ((r * f->y_r + g * f->y_g + b * f->y_b + HALF) >> SHIFT));
        row[4 * x + 1] = clamp(128 + ((r * f->u_r + g * f->u_g + b * f->u_b + HALF) >> SHIFT));
        row[4 * x + 2] = clamp(128 + ((r * f->v_r + g * f->v_g + b * f->v_b + HALF) >> SHIFT));
    }
}

static void store_packed(struct packed packed, const uint8_t *restrict row, uint32_t width,
                         uint8_t *restrict target)
{
    for (uint32_t x = 0; x < width; x++) {
        uint8_t *pixel = target + (size_t)x * packed.bytes;
        pixel[packed.red] = row[4 * x + 0];
        pixel[packed.green] = row[4 * x + 1];
        pixel[packed.blue] = row[4 * x + 2];
        if (packed.bytes == 4) {
            pixel[3] = row[4 * x + 3];
        }
    }
}

// Gray of full range; its weights are those of the luma without the narrowing to 219 steps.
static void store_gray(const struct factors *f, const uint8_t *restrict row, uint32_t width,
                       uint8_t *restrict target)
{
    int32_t sum = f->y_r + f->y_g + f->y_b;
    for (uint32_t x = 0; x < width; x++) {
        int32_t luma = row[4 * x] * f->y_r + row[4 * x + 1] * f->y_g + row[4 * x + 2] * f->y_b;
        target[x] = clamp((luma + sum / 2) / sum);
    }
}

static void store_luma(const uint8_t *restrict row, uint32_t width, size_t step,
                       uint8_t *restrict target)
{
    for (uint32_t x = 0; x < width; x++) {
        target[x * step] = row[4 * x];
    }
}

// The mean of both chromas over two columns and two rows (which may be the same row twice).
static void store_chroma(const uint8_t *upper, const uint8_t *lower, uint32_t width, size_t step,
                         uint8_t *u, uint8_t *v)
{
    for (uint32_t x = 0; x < width / 2; x++) {
        const uint8_t *a = upper + 8 * (size_t)x;
        const uint8_t *b = lower + 8 * (size_t)x;
        u[x * step] = (uint8_t)((a[1] + a[5] + b[1] + b[5] + 2) >> 2);
        v[x * step] = (uint8_t)((a[2] + a[6] + b[2] + b[6] + 2) >> 2);
    }
}

static void store_rows(const struct pixels_converter *converter, uint32_t y, uint32_t count,
                       uint8_t *target)
{
    const struct sb_plane *planes = converter->to_layout.planes;
    enum sb_pixel pixel = converter->to.pixel;
    uint32_t width = converter->to.width;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *row = converter->rows[i];
        uint8_t *first = target + planes[0].offset_bytes + (y + i) * planes[0].stride_bytes;
        if (pixel == SB_PIXEL_YUY2) {
            store_luma(row, width, 2, first);
            store_chroma(row, row, width, 4, first + 1, first + 3);
        } else if (is_chroma(pixel)) {
            store_luma(row, width, 1, first);
        } else if (pixel == SB_PIXEL_GRAY8) {
            store_gray(&converter->factors, row, width, first);
        } else {
            store_packed(packed_formats[pixel], row, width, first);
        }
    }
    if (pixel == SB_PIXEL_I420) {
        uint8_t *u = target + planes[1].offset_bytes + (y / 2) * planes[1].stride_bytes;
        uint8_t *v = target + planes[2].offset_bytes + (y / 2) * planes[2].stride_bytes;
        store_chroma(converter->rows[0], converter->rows[1], width, 1, u, v);
    } else if (pixel == SB_PIXEL_NV12) {
        uint8_t *uv = target + planes[1].offset_bytes + (y / 2) * planes[1].stride_bytes;
        store_chroma(converter->rows[0], converter->rows[1], width, 2, uv, uv + 1);
    }
}

void pixels_convert(struct pixels_converter *converter, const void *source, void *target)
{
    enum sb_pixel from = converter->from.pixel;
    enum sb_pixel to = converter->to.pixel;
    if (from == to) {
        memcpy(target, source, converter->from_layout.size_bytes);
        return;
    }
    uint32_t width = converter->from.width;
    for (uint32_t y = 0; y < converter->from.height; y += ROWS) {
        uint32_t left = converter->from.height - y;
        uint32_t count = left < ROWS ? left : ROWS;
        for (uint32_t i = 0; i < count; i++) {
            load_row(converter, source, y + i, converter->rows[i]);
            if (is_chroma(from) && !is_chroma(to)) {
                row_to_rgb(&converter->factors, converter->rows[i], width);
            } else if (!is_chroma(from) && is_chroma(to)) {
                row_to_luma(&converter->factors, converter->rows[i], width);
            }
        }
        store_rows(converter, y, count, target);
    }
}
