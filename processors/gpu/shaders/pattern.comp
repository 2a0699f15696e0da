#version 450
// SPDX-License-Identifier: Apache-2.0
// Patterns in RGBA: the same pixels as those of test-pattern without its number.
#include "words.glsl"

layout(set = 0, binding = 0) writeonly buffer Target { uint target[]; };
layout(push_constant) uniform Push {
    uint width;
    uint height;
    uint pattern;  // smpte, ball, gradient, noise
    int centre_x;
    int centre_y;
    int radius;
    uint shift;
    uint start_low;   // of the noise
    uint start_high;
} push;

const uint black = 0xff000000u;

uint colour(uint red, uint green, uint blue)
{
    return black | blue << 16 | green << 8 | red;
}

uint smpte(uint x, uint y)
{
    const uint bars[7] = uint[](7u, 6u, 3u, 2u, 5u, 4u, 1u);
    const uint reversed[7] = uint[](1u, 0u, 5u, 0u, 3u, 0u, 7u);
    if (y >= push.height * 3 / 4) {
        uint level = x * 255 / push.width;
        return colour(level, level, level);
    }
    uint column = x * 7 / push.width;
    uint bits = y < push.height * 2 / 3 ? bars[column] : reversed[column];
    return colour((bits >> 2 & 1u) * 191, (bits >> 1 & 1u) * 191, (bits & 1u) * 191);
}

uint ball(uint x, uint y)
{
    int away_x = int(x) - push.centre_x;
    int away_y = int(y) - push.centre_y;
    if (away_x * away_x + away_y * away_y <= push.radius * push.radius) {
        return colour(255, 160, 32);
    }
    return ((x / 32 + y / 32) & 1u) != 0 ? colour(40, 44, 52) : colour(56, 62, 72);
}

uint gradient(uint x, uint y)
{
    uint red = (x * 255 / push.width + push.shift) % 256;
    return colour(red, y * 255 / push.height, 255 - red);
}

// Arithmetic of 64 bits, low word first: not every device has it.
uvec2 add(uvec2 a, uvec2 b)
{
    uint carry;
    uint low = uaddCarry(a.x, b.x, carry);
    return uvec2(low, a.y + b.y + carry);
}

uvec2 multiply(uvec2 a, uvec2 b)
{
    uint high;
    uint low;
    umulExtended(a.x, b.x, high, low);
    return uvec2(low, high + a.x * b.y + a.y * b.x);
}

uvec2 shifted(uvec2 value, uint bits)
{
    return uvec2(value.x >> bits | value.y << (32 - bits), value.y >> bits);
}

uvec2 mix64(uvec2 value)
{
    value = multiply(value ^ shifted(value, 30), uvec2(0x1ce4e5b9u, 0xbf58476du));
    value = multiply(value ^ shifted(value, 27), uvec2(0x133111ebu, 0x94d049bbu));
    return value ^ shifted(value, 31);
}

uint noise(uint at)
{
    uvec2 steps = multiply(uvec2(at, 0), uvec2(0x7f4a7c15u, 0x9e3779b9u));
    return mix64(add(uvec2(push.start_low, push.start_high), steps)).x | black;
}

void main()
{
    uint at = word_index();
    if (at >= push.width * push.height) {
        return;
    }
    uint x = at % push.width;
    uint y = at / push.width;
    target[at] = push.pattern == 0   ? smpte(x, y)
                 : push.pattern == 1 ? ball(x, y)
                 : push.pattern == 2 ? gradient(x, y)
                                     : noise(at);
}
