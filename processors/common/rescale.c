// SPDX-License-Identifier: Apache-2.0
// Bilinear scaling: rows are scaled sideways once and kept, then mixed downwards.
#include "processors/common/rescale.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHANNELS_MAX 4
#define WEIGHT_BITS 8
#define WEIGHT_ONE (1 << WEIGHT_BITS)

// Where one target place lies between two source places.
struct tap {
    uint32_t index;   // of the first; the second is index + 1 or the last
    uint16_t weight;  // of the second, 0 to WEIGHT_ONE - 1
};

struct rescale {
    uint32_t from_width, from_height, to_width, to_height, channels;
    struct tap *columns;  // to_width
    struct tap *rows;     // to_height
    uint16_t *kept[2];    // scaled source rows, WEIGHT_BITS more than a byte
    int64_t kept_row[2];  // which ones, -1 = none
};

// Centres of places are matched, so that a picture does not move when it is scaled.
static struct tap tap_of(uint32_t target, uint32_t from, uint32_t to)
{
    double place = ((double)target + 0.5) * (double)from / (double)to - 0.5;
    if (place <= 0) {
        return (struct tap){0, 0};
    }
    uint32_t index = (uint32_t)place;
    if (index >= from - 1) {
        return (struct tap){from - 1, 0};
    }
    uint32_t weight = (uint32_t)((place - index) * WEIGHT_ONE + 0.5);
    if (weight == WEIGHT_ONE) {
        return (struct tap){index + 1, 0};
    }
    return (struct tap){index, (uint16_t)weight};
}

int rescale_create(uint32_t from_width, uint32_t from_height, uint32_t to_width, uint32_t to_height,
                   uint32_t channels, struct rescale **out_rescale)
{
    if (from_width == 0 || from_height == 0 || to_width == 0 || to_height == 0 || channels == 0 ||
        channels > CHANNELS_MAX) {
        return -EINVAL;
    }
    struct rescale *rescale = calloc(1, sizeof *rescale);
    if (rescale == NULL) {
        return -ENOMEM;
    }
    *rescale = (struct rescale){from_width, from_height, to_width, to_height, channels,
                                NULL,       NULL,        {0},      {-1, -1}};
    rescale->columns = calloc(to_width, sizeof rescale->columns[0]);
    rescale->rows = calloc(to_height, sizeof rescale->rows[0]);
    for (int i = 0; i < 2; i++) {
        rescale->kept[i] = calloc((size_t)to_width * channels, sizeof rescale->kept[i][0]);
    }
    if (rescale->columns == NULL || rescale->rows == NULL || rescale->kept[0] == NULL ||
        rescale->kept[1] == NULL) {
        rescale_destroy(rescale);
        return -ENOMEM;
    }
    for (uint32_t x = 0; x < to_width; x++) {
        rescale->columns[x] = tap_of(x, from_width, to_width);
    }
    for (uint32_t y = 0; y < to_height; y++) {
        rescale->rows[y] = tap_of(y, from_height, to_height);
    }
    *out_rescale = rescale;
    return 0;
}

void rescale_destroy(struct rescale *rescale)
{
    if (rescale != NULL) {
        free(rescale->columns);
        free(rescale->rows);
        free(rescale->kept[0]);
        free(rescale->kept[1]);
        free(rescale);
    }
}

static void scale_row(const struct rescale *rescale, const uint8_t *restrict source,
                      uint16_t *restrict out)
{
    uint32_t channels = rescale->channels;
    for (uint32_t x = 0; x < rescale->to_width; x++) {
        const struct tap *tap = &rescale->columns[x];
        const uint8_t *a = source + (size_t)tap->index * channels;
        const uint8_t *b = tap->weight == 0 ? a : a + channels;
        for (uint32_t c = 0; c < channels; c++) {
            out[(size_t)x * channels + c] =
                (uint16_t)(a[c] * (WEIGHT_ONE - tap->weight) + b[c] * tap->weight);
        }
    }
}

// The scaled source row, from what is kept or made anew in the place of the other one.
static const uint16_t *kept_row(struct rescale *rescale, uint32_t row, uint32_t other,
                                const uint8_t *source, size_t stride)
{
    for (int i = 0; i < 2; i++) {
        if (rescale->kept_row[i] == row) {
            return rescale->kept[i];
        }
    }
    int slot = rescale->kept_row[0] == other ? 1 : 0;
    scale_row(rescale, source + row * stride, rescale->kept[slot]);
    rescale->kept_row[slot] = row;
    return rescale->kept[slot];
}

static void mix_rows(const uint16_t *restrict upper, const uint16_t *restrict lower,
                     uint32_t weight, size_t count, uint8_t *restrict out)
{
    uint32_t first = WEIGHT_ONE - weight;
    for (size_t i = 0; i < count; i++) {
        uint32_t sum = upper[i] * first + lower[i] * weight;
        out[i] = (uint8_t)((sum + (1U << (2 * WEIGHT_BITS - 1))) >> (2 * WEIGHT_BITS));
    }
}

void rescale_run(struct rescale *rescale, const uint8_t *source, size_t source_stride,
                 uint8_t *target, size_t target_stride)
{
    size_t count = (size_t)rescale->to_width * rescale->channels;
    rescale->kept_row[0] = -1;
    rescale->kept_row[1] = -1;
    for (uint32_t y = 0; y < rescale->to_height; y++) {
        const struct tap *tap = &rescale->rows[y];
        uint32_t next = tap->weight == 0 ? tap->index : tap->index + 1;
        const uint16_t *upper = kept_row(rescale, tap->index, next, source, source_stride);
        const uint16_t *lower = kept_row(rescale, next, tap->index, source, source_stride);
        mix_rows(upper, lower, tap->weight, count, target + y * target_stride);
    }
}
