// SPDX-License-Identifier: Apache-2.0
// Pixel formats: every format is read into rows of its channels, either red, green and blue or luma
// and both chromas, and written from them, two rows at a time. Channels lie apart and factors have
// 16 bits, so that compilers vectorise the loops.
#include "processors/common/pixels.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MATRIX_HEIGHT_MAX_BT601 576
#define ROWS 2
#define CHANNELS 4
#define SHIFT PIXELS_FACTOR_SHIFT
#define HALF (1 << (SHIFT - 1))

// One row: red, green, blue, alpha, or luma, both chromas, alpha.
struct row {
    uint8_t *channels[CHANNELS];
};

struct pixels_converter {
    struct sb_video_format from;
    struct sb_video_format to;
    struct sb_video_layout from_layout;
    struct sb_video_layout to_layout;
    struct pixels_factors factors;
    uint8_t *memory;  // of the rows
    struct row rows[ROWS];
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

static int16_t scaled(double value)
{
    double wide = value * (1 << SHIFT);
    return (int16_t)(wide < 0 ? wide - 0.5 : wide + 0.5);
}

// The equations of both matrices from the shares of red and blue in the luma.
struct pixels_factors pixels_factors_of(enum pixels_matrix matrix)
{
    double red = matrix == PIXELS_BT601 ? 0.299 : 0.2126;
    double blue = matrix == PIXELS_BT601 ? 0.114 : 0.0722;
    double green = 1 - red - blue;
    double luma = 219.0 / 255;
    double chroma = 224.0 / 255;
    return (struct pixels_factors){
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
    converter->factors = pixels_factors_of(matrix);
    int result = sb_video_layout_get(&converter->from, &converter->from_layout);
    if (result == 0) {
        result = sb_video_layout_get(&converter->to, &converter->to_layout);
    }
    converter->memory = malloc((size_t)from->width * ROWS * CHANNELS);
    if (converter->memory == NULL) {
        result = -ENOMEM;
    }
    for (size_t i = 0; i < ROWS * CHANNELS && result == 0; i++) {
        converter->rows[i / CHANNELS].channels[i % CHANNELS] = converter->memory + i * from->width;
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
        free(converter->memory);
        free(converter);
    }
}

uint64_t pixels_target_bytes(const struct pixels_converter *converter)
{
    return converter->to_layout.size_bytes;
}

static void load_packed(struct packed packed, const uint8_t *restrict source, uint32_t width,
                        const struct row *row)
{
    uint8_t *restrict red = row->channels[0];
    uint8_t *restrict green = row->channels[1];
    uint8_t *restrict blue = row->channels[2];
    uint8_t *restrict alpha = row->channels[3];
    if (packed.bytes == 4) {
        for (uint32_t x = 0; x < width; x++) {
            red[x] = source[4 * (size_t)x];
            green[x] = source[4 * (size_t)x + 1];
            blue[x] = source[4 * (size_t)x + 2];
            alpha[x] = source[4 * (size_t)x + 3];
        }
        return;
    }
    for (uint32_t x = 0; x < width; x++) {
        const uint8_t *pixel = source + (size_t)x * packed.bytes;
        red[x] = pixel[0];
        green[x] = pixel[packed.green];
        blue[x] = pixel[packed.bytes - 1];
    }
    memset(alpha, 255, width);
}

// Chroma samples lie `step` bytes apart and belong to two pixels each.
static void load_chroma(const uint8_t *restrict chroma, size_t step, uint32_t width,
                        uint8_t *restrict out)
{
    for (uint32_t x = 0; x < width / 2; x++) {
        out[2 * x] = chroma[x * step];
        out[2 * x + 1] = chroma[x * step];
    }
}

static void load_yuv(const uint8_t *luma, size_t luma_step, const uint8_t *u, const uint8_t *v,
                     size_t step, uint32_t width, const struct row *row)
{
    uint8_t *out = row->channels[0];
    for (uint32_t x = 0; x < width; x++) {
        out[x] = luma[x * luma_step];
    }
    load_chroma(u, step, width, row->channels[1]);
    load_chroma(v, step, width, row->channels[2]);
    memset(row->channels[3], 255, width);
}

static void load_row(const struct pixels_converter *converter, const uint8_t *source, uint32_t y,
                     struct row *row)
{
    const struct sb_plane *planes = converter->from_layout.planes;
    uint32_t width = converter->from.width;
    struct packed packed = packed_formats[converter->from.pixel];
    const uint8_t *first = source + planes[0].offset_bytes + y * planes[0].stride_bytes;
    if (converter->from.pixel == SB_PIXEL_I420) {
        const uint8_t *u = source + planes[1].offset_bytes + (y / 2) * planes[1].stride_bytes;
        const uint8_t *v = source + planes[2].offset_bytes + (y / 2) * planes[2].stride_bytes;
        load_yuv(first, 1, u, v, 1, width, row);
    } else if (converter->from.pixel == SB_PIXEL_NV12) {
        const uint8_t *uv = source + planes[1].offset_bytes + (y / 2) * planes[1].stride_bytes;
        load_yuv(first, 1, uv, uv + 1, 2, width, row);
    } else if (converter->from.pixel == SB_PIXEL_YUY2) {
        load_yuv(first, 2, first + 1, first + 3, 4, width, row);
    } else {
        load_packed(packed, first, width, row);
        if (packed.red > packed.blue) {
            uint8_t *swap = row->channels[0];
            row->channels[0] = row->channels[2];
            row->channels[2] = swap;
        }
    }
}

static void row_to_rgb(const struct pixels_factors *factors, const struct row *row, uint32_t width)
{
    const struct pixels_factors f = *factors;
    uint8_t *restrict a = row->channels[0];
    uint8_t *restrict b = row->channels[1];
    uint8_t *restrict c = row->channels[2];
    for (uint32_t x = 0; x < width; x++) {
        int16_t luma = (int16_t)(a[x] - 16);
        int16_t u = (int16_t)(b[x] - 128);
        int16_t v = (int16_t)(c[x] - 128);
        int32_t y = luma * f.rgb_y + HALF;
        a[x] = clamp((y + v * f.r_v) >> SHIFT);
        b[x] = clamp((y + u * f.g_u + v * f.g_v) >> SHIFT);
        c[x] = clamp((y + u * f.b_u) >> SHIFT);
    }
}

static void row_to_luma(const struct pixels_factors *factors, const struct row *row, uint32_t width)
{
    const struct pixels_factors f = *factors;
    uint8_t *restrict a = row->channels[0];
    uint8_t *restrict b = row->channels[1];
    uint8_t *restrict c = row->channels[2];
    for (uint32_t x = 0; x < width; x++) {
        int16_t red = a[x];
        int16_t green = b[x];
        int16_t blue = c[x];
        a[x] = clamp(16 + ((red * f.y_r + green * f.y_g + blue * f.y_b + HALF) >> SHIFT));
        b[x] = clamp(128 + ((red * f.u_r + green * f.u_g + blue * f.u_b + HALF) >> SHIFT));
        c[x] = clamp(128 + ((red * f.v_r + green * f.v_g + blue * f.v_b + HALF) >> SHIFT));
    }
}

static void store_packed(struct packed packed, const struct row *row, uint32_t width,
                         uint8_t *restrict target)
{
    bool is_reversed = packed.red > packed.blue;
    const uint8_t *restrict first = row->channels[is_reversed ? 2 : 0];
    const uint8_t *restrict green = row->channels[1];
    const uint8_t *restrict third = row->channels[is_reversed ? 0 : 2];
    const uint8_t *restrict alpha = row->channels[3];
    if (packed.bytes == 4) {
        for (uint32_t x = 0; x < width; x++) {
            target[4 * (size_t)x] = first[x];
            target[4 * (size_t)x + 1] = green[x];
            target[4 * (size_t)x + 2] = third[x];
            target[4 * (size_t)x + 3] = alpha[x];
        }
        return;
    }
    for (uint32_t x = 0; x < width; x++) {
        target[3 * (size_t)x] = first[x];
        target[3 * (size_t)x + 1] = green[x];
        target[3 * (size_t)x + 2] = third[x];
    }
}

// Gray of full range; its weights are those of the luma without the narrowing to 219 steps.
static void store_gray(const struct pixels_factors *f, const struct row *row, uint32_t width,
                       uint8_t *restrict target)
{
    int32_t sum = f->y_r + f->y_g + f->y_b;
    for (uint32_t x = 0; x < width; x++) {
        int32_t luma = row->channels[0][x] * f->y_r + row->channels[1][x] * f->y_g +
                       row->channels[2][x] * f->y_b;
        target[x] = clamp((luma + sum / 2) / sum);
    }
}

static void store_luma(const uint8_t *restrict row, uint32_t width, size_t step,
                       uint8_t *restrict target)
{
    for (uint32_t x = 0; x < width; x++) {
        target[x * step] = row[x];
    }
}

// The mean of a chroma over two columns and two rows (which may be the same row twice).
static void store_chroma(const uint8_t *upper, const uint8_t *lower, uint32_t width, size_t step,
                         uint8_t *restrict target)
{
    for (uint32_t x = 0; x < width / 2; x++) {
        uint32_t sum = (uint32_t)upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1];
        target[x * step] = (uint8_t)((sum + 2) >> 2);
    }
}

static void store_row(const struct pixels_converter *converter, const struct row *row,
                      uint8_t *target)
{
    enum sb_pixel pixel = converter->to.pixel;
    uint32_t width = converter->to.width;
    if (pixel == SB_PIXEL_YUY2) {
        store_luma(row->channels[0], width, 2, target);
        store_chroma(row->channels[1], row->channels[1], width, 4, target + 1);
        store_chroma(row->channels[2], row->channels[2], width, 4, target + 3);
    } else if (is_chroma(pixel)) {
        memcpy(target, row->channels[0], width);
    } else if (pixel == SB_PIXEL_GRAY8) {
        store_gray(&converter->factors, row, width, target);
    } else {
        store_packed(packed_formats[pixel], row, width, target);
    }
}

static void store_rows(const struct pixels_converter *converter, uint32_t y, uint32_t count,
                       uint8_t *target)
{
    const struct sb_plane *planes = converter->to_layout.planes;
    const struct row *rows = converter->rows;
    enum sb_pixel pixel = converter->to.pixel;
    for (uint32_t i = 0; i < count; i++) {
        store_row(converter, &rows[i],
                  target + planes[0].offset_bytes + (y + i) * planes[0].stride_bytes);
    }
    if (pixel != SB_PIXEL_I420 && pixel != SB_PIXEL_NV12) {
        return;
    }
    size_t step = pixel == SB_PIXEL_NV12 ? 2 : 1;
    uint8_t *u = target + planes[1].offset_bytes + (y / 2) * planes[1].stride_bytes;
    uint8_t *v = pixel == SB_PIXEL_NV12
                     ? u + 1
                     : target + planes[2].offset_bytes + (y / 2) * planes[2].stride_bytes;
    store_chroma(rows[0].channels[1], rows[1].channels[1], converter->to.width, step, u);
    store_chroma(rows[0].channels[2], rows[1].channels[2], converter->to.width, step, v);
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
            load_row(converter, source, y + i, &converter->rows[i]);
            if (is_chroma(from) && !is_chroma(to)) {
                row_to_rgb(&converter->factors, &converter->rows[i], width);
            } else if (!is_chroma(from) && is_chroma(to)) {
                row_to_luma(&converter->factors, &converter->rows[i], width);
            }
        }
        store_rows(converter, y, count, target);
    }
}
