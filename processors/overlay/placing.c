// SPDX-License-Identifier: Apache-2.0
// Rectangles of an overlay: pure arithmetic.
#include "processors/overlay/placing.h"

static uint32_t even(uint64_t value)
{
    return (uint32_t)(value / 2 * 2);
}

// Columns of the smallest square grid that has room for all.
static uint32_t columns_of(enum placing_mode mode, uint32_t count)
{
    if (mode == PLACING_VERTICAL_STACK || count == 0) {
        return 1;
    }
    if (mode == PLACING_SIDE_BY_SIDE) {
        return count;
    }
    uint32_t columns = 1;
    while (columns * columns < count) {
        columns++;
    }
    return columns;
}

struct placing_size placing_whole(enum placing_mode mode, uint32_t count, struct placing_size first)
{
    if (mode == PLACING_PIP || count == 0) {
        return (struct placing_size){even(first.width), even(first.height)};
    }
    uint32_t columns = columns_of(mode, count);
    uint32_t rows = (count + columns - 1) / columns;
    return (struct placing_size){even((uint64_t)first.width * columns),
                                 even((uint64_t)first.height * rows)};
}

// The largest rectangle of the picture's shape in the middle of a cell.
static struct placing_rectangle fit(struct placing_rectangle cell, struct placing_size picture)
{
    uint64_t width = cell.width;
    uint64_t height = width * picture.height / picture.width;
    if (height > cell.height) {
        height = cell.height;
        width = height * picture.width / picture.height;
    }
    struct placing_rectangle placed = {0, 0, even(width), even(height)};
    placed.x = even(cell.x + (cell.width - placed.width) / 2);
    placed.y = even(cell.y + (cell.height - placed.height) / 2);
    return placed;
}

static struct placing_rectangle small(const struct placing *placing, uint32_t index,
                                      struct placing_size picture)
{
    uint32_t margin = even(placing->width / 40);
    uint64_t width = (uint64_t)(placing->width * placing->share);
    struct placing_rectangle cell = {0, 0, even(width), 0};
    cell.height = even((uint64_t)cell.width * picture.height / picture.width);
    uint64_t across = margin + (uint64_t)(index - 1) * (cell.width + margin);
    if (across + cell.width > placing->width || margin + cell.height > placing->height) {
        return (struct placing_rectangle){0};
    }
    cell.x = (uint32_t)across;
    cell.y = margin;
    if (placing->corner == PLACING_TOP_RIGHT || placing->corner == PLACING_BOTTOM_RIGHT) {
        cell.x = even(placing->width - across - cell.width);
    }
    if (placing->corner == PLACING_BOTTOM_LEFT || placing->corner == PLACING_BOTTOM_RIGHT) {
        cell.y = even(placing->height - margin - cell.height);
    }
    return cell;
}

struct placing_rectangle placing_of(const struct placing *placing, uint32_t index,
                                    struct placing_size picture)
{
    if (picture.width == 0 || picture.height == 0) {
        return (struct placing_rectangle){0};
    }
    if (placing->mode == PLACING_PIP) {
        struct placing_rectangle whole = {0, 0, placing->width, placing->height};
        return index == 0 ? fit(whole, picture) : small(placing, index, picture);
    }
    uint32_t columns = columns_of(placing->mode, placing->count);
    uint32_t rows = (placing->count + columns - 1) / columns;
    struct placing_rectangle cell = {0, 0, even(placing->width / columns),
                                     even(placing->height / rows)};
    cell.x = index % columns * cell.width;
    cell.y = index / columns * cell.height;
    return fit(cell, picture);
}
