#version 450
// SPDX-License-Identifier: Apache-2.0
// Pixel formats, by the same equations in whole numbers as on the CPU.
#include "words.glsl"

const uint RGBA = 0;
const uint BGRA = 1;
const uint I420 = 2;
const uint NV12 = 3;

layout(set = 0, binding = 0) readonly buffer Source { uint source[]; };
layout(set = 0, binding = 1) writeonly buffer Target { uint target[]; };
layout(push_constant) uniform Push {
    uint width;
    uint height;
    uint from;
    uint to;
    uint size;  // of the target
    int y_r, y_g, y_b;
    int u_r, u_g, u_b;
    int v_r, v_g, v_b;
    int rgb_y, r_v, g_u, g_v, b_u;
} push;

const int shift = 13;
const int rounding = 1 << 12;

uint byte_at(uint at)
{
    return source[at >> 2] >> ((at & 3u) * 8) & 0xffu;
}

// Red, green, blue, alpha, or luma, both chromas, 255: what the source has.
ivec4 load(uint x, uint y)
{
    if (push.from == RGBA || push.from == BGRA) {
        uint pixel = source[y * push.width + x];
        uvec4 bytes = uvec4(pixel & 0xffu, pixel >> 8 & 0xffu, pixel >> 16 & 0xffu, pixel >> 24);
        return ivec4(push.from == BGRA ? bytes.zyxw : bytes);
    }
    uint luma = push.width * push.height;
    uint chroma = (y / 2) * (push.width / 2) + x / 2;
    uint u = push.from == I420 ? luma + chroma : luma + 2 * chroma;
    uint v = push.from == I420 ? u + luma / 4 : u + 1;
    return ivec4(byte_at(y * push.width + x), byte_at(u), byte_at(v), 255);
}

ivec4 to_rgb(ivec4 pixel)
{
    int y = (pixel.x - 16) * push.rgb_y + rounding;
    int u = pixel.y - 128;
    int v = pixel.z - 128;
    ivec3 rgb = ivec3((y + v * push.r_v) >> shift, (y + u * push.g_u + v * push.g_v) >> shift,
                      (y + u * push.b_u) >> shift);
    return ivec4(clamp(rgb, 0, 255), pixel.w);
}

ivec4 to_luma(ivec4 pixel)
{
    ivec3 sums = ivec3(pixel.x * push.y_r + pixel.y * push.y_g + pixel.z * push.y_b,
                       pixel.x * push.u_r + pixel.y * push.u_g + pixel.z * push.u_b,
                       pixel.x * push.v_r + pixel.y * push.v_g + pixel.z * push.v_b);
    ivec3 yuv = ivec3(16, 128, 128) + ((sums + rounding) >> shift);
    return ivec4(clamp(yuv, 0, 255), pixel.w);
}

bool is_chroma(uint pixel)
{
    return pixel == I420 || pixel == NV12;
}

ivec4 loaded(uint x, uint y)
{
    ivec4 pixel = load(x, y);
    if (is_chroma(push.from) && !is_chroma(push.to)) {
        return to_rgb(pixel);
    }
    return !is_chroma(push.from) && is_chroma(push.to) ? to_luma(pixel) : pixel;
}

uint packed_word(uint at)
{
    uvec4 pixel = uvec4(loaded(at % push.width, at / push.width));
    pixel = push.to == BGRA ? pixel.zyxw : pixel;
    return pixel.x | pixel.y << 8 | pixel.z << 16 | pixel.w << 24;
}

// One byte of a target with planes.
uint plane_byte(uint at)
{
    uint luma = push.width * push.height;
    if (at < luma) {
        return uint(loaded(at % push.width, at / push.width).x);
    }
    uint place = at - luma;
    bool is_v = push.to == NV12 ? (place & 1u) != 0 : place >= luma / 4;
    uint chroma = push.to == NV12 ? place / 2 : place % (luma / 4);
    uint x = chroma % (push.width / 2) * 2;
    uint y = chroma / (push.width / 2) * 2;
    ivec4 sum = loaded(x, y) + loaded(x + 1, y) + loaded(x, y + 1) + loaded(x + 1, y + 1);
    return uint((is_v ? sum.z : sum.y) + 2) >> 2;
}

void main()
{
    uint at = word_index();
    if (at * 4 >= push.size) {
        return;
    }
    if (!is_chroma(push.to)) {
        target[at] = packed_word(at);
        return;
    }
    uint word = 0;
    for (uint i = 0; i < 4 && at * 4 + i < push.size; i++) {
        word |= plane_byte(at * 4 + i) << (i * 8);
    }
    target[at] = word;
}
