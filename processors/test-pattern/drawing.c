// SPDX-License-Identifier: Apache-2.0
// Patterns and frame numbers in RGBA.
#include "processors/test-pattern/drawing.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define BLACK 0xff000000U  // bytes red, green, blue, alpha on a little-endian machine
#define WHITE 0xffffffffU
#define NUMBER_BITS 20
#define SECOND_FRAMES 90  // a ball's way across

static uint32_t colour(uint32_t red, uint32_t green, uint32_t blue)
{
    return BLACK | blue << 16 | green << 8 | red;
}

static void put(const struct drawing *drawing, uint32_t x, uint32_t y, uint32_t value)
{
    memcpy(drawing->pixels + ((size_t)y * drawing->width + x) * 4, &value, sizeof value);
}

// A rectangle, cut at the edges of the picture.
static void fill(const struct drawing *drawing, uint32_t left, uint32_t top, uint32_t width,
                 uint32_t height, uint32_t value)
{
    for (uint32_t y = top; y < top + height && y < drawing->height; y++) {
        for (uint32_t x = left; x < left + width && x < drawing->width; x++) {
            put(drawing, x, y, value);
        }
    }
}

void drawing_smpte(const struct drawing *drawing)
{
    static const uint8_t bars[7] = {7, 6, 3, 2, 5, 4, 1};  // bits: red, green, blue
    static const uint8_t reversed[7] = {1, 0, 5, 0, 3, 0, 7};
    uint32_t upper = drawing->height * 2 / 3;
    uint32_t middle = drawing->height * 3 / 4;
    for (uint32_t y = 0; y < drawing->height; y++) {
        for (uint32_t x = 0; x < drawing->width; x++) {
            uint32_t column = (uint32_t)((uint64_t)x * 7 / drawing->width);
            uint32_t bits = y < upper ? bars[column] : reversed[column];
            uint32_t value = colour(bits & 4 ? 191 : 0, bits & 2 ? 191 : 0, bits & 1 ? 191 : 0);
            if (y >= middle) {
                uint32_t level = (uint32_t)((uint64_t)x * 255 / drawing->width);
                value = colour(level, level, level);
            }
            put(drawing, x, y, value);
        }
    }
}

// Back and forth between 0 and range, one way in `period` steps.
static uint32_t bounce(uint64_t number, uint32_t period, uint32_t range)
{
    uint64_t phase = number % (2 * (uint64_t)period);
    uint64_t way = phase < period ? phase : 2 * (uint64_t)period - phase;
    return (uint32_t)(way * range / period);
}

struct drawing_circle drawing_ball_at(uint32_t width, uint32_t height, uint64_t number)
{
    uint32_t smaller = width < height ? width : height;
    int64_t radius = smaller / 8 + 1;
    int64_t span_x = (int64_t)width - 2 * radius;
    int64_t span_y = (int64_t)height - 2 * radius;
    return (struct drawing_circle){
        .x = radius + bounce(number, SECOND_FRAMES, span_x > 0 ? (uint32_t)span_x : 0),
        .y = radius + bounce(number, SECOND_FRAMES * 2 / 3, span_y > 0 ? (uint32_t)span_y : 0),
        .radius = radius,
    };
}

void drawing_ball(const struct drawing *drawing, uint64_t number)
{
    struct drawing_circle ball = drawing_ball_at(drawing->width, drawing->height, number);
    for (uint32_t y = 0; y < drawing->height; y++) {
        for (uint32_t x = 0; x < drawing->width; x++) {
            int64_t away_x = (int64_t)x - ball.x;
            int64_t away_y = (int64_t)y - ball.y;
            uint32_t value = ((x / 32 + y / 32) & 1) != 0 ? colour(40, 44, 52) : colour(56, 62, 72);
            if (away_x * away_x + away_y * away_y <= ball.radius * ball.radius) {
                value = colour(255, 160, 32);
            }
            put(drawing, x, y, value);
        }
    }
}

void drawing_gradient(const struct drawing *drawing, uint64_t number)
{
    uint32_t shift = (uint32_t)(number * 2 % 256);
    for (uint32_t y = 0; y < drawing->height; y++) {
        uint32_t green = (uint32_t)((uint64_t)y * 255 / drawing->height);
        for (uint32_t x = 0; x < drawing->width; x++) {
            uint32_t red = ((uint32_t)((uint64_t)x * 255 / drawing->width) + shift) % 256;
            put(drawing, x, y, colour(red, green, 255 - red));
        }
    }
}

// Steps of a 64 bit counter, each mixed by itself: no state from pixel to pixel.
static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
}

uint64_t drawing_noise_start(uint64_t seed, uint64_t number)
{
    return mix(mix(seed) + number);
}

void drawing_noise(const struct drawing *drawing, uint64_t seed, uint64_t number)
{
    uint64_t start = drawing_noise_start(seed, number);
    size_t count = (size_t)drawing->width * drawing->height;
    for (size_t i = 0; i < count; i++) {
        uint32_t value = (uint32_t)mix(start + i * 0x9e3779b97f4a7c15U) | BLACK;
        memcpy(drawing->pixels + i * 4, &value, sizeof value);
    }
}

uint32_t drawing_code(uint64_t number)
{
    uint32_t bits = (uint32_t)(number % (1U << NUMBER_BITS));
    uint32_t check = 0xa;
    for (uint32_t shift = 0; shift < NUMBER_BITS; shift += 4) {
        check ^= bits >> shift & 0xf;
    }
    return 2U << 26 | bits << 6 | check << 2 | 1;
}

// A digit of seven strokes: bit 0 top, 1 upper right, 2 lower right, 3 bottom, 4 lower left,
// 5 upper left, 6 middle. The digit is 2 strokes wide plus their ends and 4 high.
static void draw_digit(const struct drawing *drawing, uint32_t digit, uint32_t x, uint32_t y,
                       uint32_t unit)
{
    static const uint8_t strokes[10] = {0x3f, 0x06, 0x5b, 0x4f, 0x66, 0x6d, 0x7d, 0x07, 0x7f, 0x6f};
    static const struct {
        uint8_t x, y, width, height;
    } places[7] = {{0, 0, 4, 1}, {3, 0, 1, 4}, {3, 3, 1, 4}, {0, 6, 4, 1},
                   {0, 3, 1, 4}, {0, 0, 1, 4}, {0, 3, 4, 1}};
    for (uint32_t i = 0; i < 7; i++) {
        if ((strokes[digit] >> i & 1) != 0) {
            fill(drawing, x + places[i].x * unit, y + places[i].y * unit, places[i].width * unit,
                 places[i].height * unit, WHITE);
        }
    }
}

void drawing_number(const struct drawing *drawing, uint64_t number)
{
    uint32_t cell = drawing->width / 40;
    uint32_t code = drawing_code(number);
    fill(drawing, cell, cell, (DRAWING_CODE_CELLS + 2) * cell, 4 * cell, BLACK);
    for (uint32_t i = 0; i < DRAWING_CODE_CELLS; i++) {
        if ((code >> (DRAWING_CODE_CELLS - 1 - i) & 1) != 0) {
            fill(drawing, (2 + i) * cell, 2 * cell, cell, 2 * cell, WHITE);
        }
    }
    char digits[24];
    int count = snprintf(digits, sizeof digits, "%06llu", (unsigned long long)number);
    uint32_t unit = cell / 2;
    fill(drawing, cell, 5 * cell, (uint32_t)count * 6 * unit + 2 * cell, 6 * cell, BLACK);
    for (int i = 0; i < count; i++) {
        draw_digit(drawing, (uint32_t)(digits[i] - '0'), 2 * cell + (uint32_t)i * 6 * unit,
                   6 * cell, unit);
    }
}
