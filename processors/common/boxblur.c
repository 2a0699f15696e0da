// SPDX-License-Identifier: Apache-2.0
// Box blur: rows are blurred sideways once, kept while the window passes over them, and summed
// downwards. All inner loops run over independent 16 bit values, so that compilers vectorise them.
#include "processors/common/boxblur.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct boxblur {
    uint32_t width, height, channels, radius;
    uint16_t window;      // 2 * radius + 1
    uint16_t reciprocal;  // 65536 / window
    size_t count;         // values of a row
    size_t wide_count;    // values of a row with its edges repeated
    uint16_t *wide[2];    // sums of 1, 2, 4, ... neighbours, one after the other
    uint16_t *sums;       // of a row sideways
    uint16_t *columns;    // sums downwards
    uint8_t *kept;        // window rows, blurred sideways
};

int boxblur_create(uint32_t width, uint32_t height, uint32_t channels, uint32_t radius,
                   struct boxblur **out_blur)
{
    if (width == 0 || height == 0 || channels == 0 || radius > BOXBLUR_RADIUS_MAX) {
        return -EINVAL;
    }
    struct boxblur *blur = calloc(1, sizeof *blur);
    if (blur == NULL) {
        return -ENOMEM;
    }
    uint32_t window = 2 * radius + 1;
    blur->width = width;
    blur->height = height;
    blur->channels = channels;
    blur->radius = radius;
    blur->window = (uint16_t)window;
    // A window of 1 is a copy and needs none; 65536 would not fit.
    blur->reciprocal = (uint16_t)(radius == 0 ? 0 : (65536 + window / 2) / window);
    blur->count = (size_t)width * channels;
    blur->wide_count = ((size_t)width + 2 * (size_t)radius) * channels;
    blur->wide[0] = calloc(blur->wide_count, sizeof(uint16_t));
    blur->wide[1] = calloc(blur->wide_count, sizeof(uint16_t));
    blur->sums = calloc(blur->count, sizeof(uint16_t));
    blur->columns = calloc(blur->count, sizeof(uint16_t));
    blur->kept = calloc(window, blur->count);
    if (blur->wide[0] == NULL || blur->wide[1] == NULL || blur->sums == NULL ||
        blur->columns == NULL || blur->kept == NULL) {
        boxblur_destroy(blur);
        return -ENOMEM;
    }
    *out_blur = blur;
    return 0;
}

void boxblur_destroy(struct boxblur *blur)
{
    if (blur != NULL) {
        free(blur->wide[0]);
        free(blur->wide[1]);
        free(blur->sums);
        free(blur->columns);
        free(blur->kept);
        free(blur);
    }
}

static void widen(const struct boxblur *blur, const uint8_t *restrict row, uint16_t *restrict wide)
{
    size_t edge = (size_t)blur->radius * blur->channels;
    for (size_t i = 0; i < edge; i++) {
        wide[i] = row[i % blur->channels];
        wide[edge + blur->count + i] = row[blur->count - blur->channels + i % blur->channels];
    }
    for (size_t i = 0; i < blur->count; i++) {
        wide[edge + i] = row[i];
    }
}

static void add_shifted(uint16_t *restrict sums, const uint16_t *restrict values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sums[i] = (uint16_t)(sums[i] + values[i]);
    }
}

static void add_pairs(const uint16_t *restrict values, size_t distance, size_t count,
                      uint16_t *restrict out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (uint16_t)(values[i] + values[i + distance]);
    }
}

static void divide(const uint16_t *restrict sums, size_t count, uint16_t half, uint16_t reciprocal,
                   uint8_t *restrict out)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t sum = (uint16_t)(sums[i] + half);
        out[i] = (uint8_t)(((uint32_t)sum * reciprocal) >> 16);
    }
}

// The sum over the window is put together from sums of 1, 2, 4, ... neighbours: a handful of
// passes for any radius, where a running sum would depend on the value before.
static void blur_row(struct boxblur *blur, const uint8_t *row, uint8_t *out)
{
    uint16_t *values = blur->wide[0];
    uint16_t *next = blur->wide[1];
    size_t valid = blur->wide_count;
    size_t offset = 1;
    widen(blur, row, values);
    // The window is odd, so the sums begin with single values.
    memcpy(blur->sums, values, blur->count * sizeof blur->sums[0]);
    for (size_t size = 1; size * 2 <= blur->window; size *= 2) {
        valid -= size * blur->channels;
        add_pairs(values, size * blur->channels, valid, next);
        uint16_t *swap = values;
        values = next;
        next = swap;
        if ((blur->window & (2 * size)) != 0) {
            add_shifted(blur->sums, values + offset * blur->channels, blur->count);
            offset += 2 * size;
        }
    }
    divide(blur->sums, blur->count, (uint16_t)(blur->window / 2), blur->reciprocal, out);
}

static void add_row(uint16_t *restrict columns, const uint8_t *restrict row, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        columns[i] = (uint16_t)(columns[i] + row[i]);
    }
}

// Adds the row that comes, gives the means, and takes away the row that leaves, in one pass.
static void slide(const struct boxblur *blur, const uint8_t *restrict coming,
                  const uint8_t *restrict leaving, uint16_t *restrict columns,
                  uint8_t *restrict out)
{
    uint16_t half = (uint16_t)(blur->window / 2);
    uint16_t reciprocal = blur->reciprocal;
    size_t count = blur->count;
    for (size_t i = 0; i < count; i++) {
        uint16_t sum = (uint16_t)(columns[i] + coming[i]);
        uint16_t rounded = (uint16_t)(sum + half);
        out[i] = (uint8_t)(((uint32_t)rounded * reciprocal) >> 16);
        columns[i] = (uint16_t)(sum - leaving[i]);
    }
}

// The kept row of a source row; rows above and below the picture are those at its edges.
static uint8_t *kept_of(const struct boxblur *blur, int64_t row)
{
    int64_t last = (int64_t)blur->height - 1;
    int64_t inside = row < 0 ? 0 : row > last ? last : row;
    return blur->kept + (size_t)(inside % blur->window) * blur->count;
}

void boxblur_run(struct boxblur *blur, const uint8_t *source, size_t source_stride, uint8_t *target,
                 size_t target_stride)
{
    int64_t radius = blur->radius;
    if (radius == 0) {
        for (uint32_t y = 0; y < blur->height; y++) {
            memcpy(target + y * target_stride, source + y * source_stride, blur->count);
        }
        return;
    }
    memset(blur->columns, 0, blur->count * sizeof blur->columns[0]);
    blur_row(blur, source, kept_of(blur, 0));
    for (int64_t row = -radius; row < (int64_t)blur->height + radius; row++) {
        if (row > 0 && row < (int64_t)blur->height) {
            blur_row(blur, source + (size_t)row * source_stride, kept_of(blur, row));
        }
        if (row < radius) {
            add_row(blur->columns, kept_of(blur, row), blur->count);
        } else {
            slide(blur, kept_of(blur, row), kept_of(blur, row + 1 - blur->window), blur->columns,
                  target + (size_t)(row - radius) * target_stride);
        }
    }
}
