#version 450
// SPDX-License-Identifier: Apache-2.0
// One direction of a Gaussian blur of planes of bytes. It calculates in floating point, which
// drivers round each in their own way: equal within one of 255, not byte for byte.
#include "words.glsl"

struct Plane {
    uint offset;
    uint row;       // bytes
    uint rows;
    uint channels;  // bytes of a place
    uint radius;
    float factor;   // of the square of a distance
};

layout(set = 0, binding = 0) readonly buffer Source { uint source[]; };
layout(set = 0, binding = 1) writeonly buffer Target { uint target[]; };
layout(push_constant) uniform Push {
    Plane planes[3];
    uint plane_count;
    uint size;
    uint is_down;
} push;

float byte_at(uint at)
{
    return float(source[at >> 2] >> ((at & 3u) * 8) & 0xffu);
}

uint blurred(uint at)
{
    uint number = 0;
    for (uint i = 1; i < push.plane_count; i++) {
        number = at >= push.planes[i].offset ? i : number;
    }
    Plane plane = push.planes[number];
    uint place = at - plane.offset;
    int y = int(place / plane.row);
    uint across = place % plane.row;
    int x = int(across / plane.channels);
    uint channel = across % plane.channels;
    int width = int(plane.row / plane.channels);
    int radius = int(plane.radius);
    float sum = 0;
    float weights = 0;
    for (int i = -radius; i <= radius; i++) {
        int from_x = push.is_down != 0 ? x : clamp(x + i, 0, width - 1);
        int from_y = push.is_down != 0 ? clamp(y + i, 0, int(plane.rows) - 1) : y;
        float weight = exp(float(i * i) * plane.factor);
        sum += weight * byte_at(plane.offset + uint(from_y) * plane.row +
                                uint(from_x) * plane.channels + channel);
        weights += weight;
    }
    return uint(clamp(sum / weights + 0.5, 0.0, 255.0));
}

void main()
{
    uint at = word_index();
    if (at * 4 >= push.size) {
        return;
    }
    uint word = 0;
    for (uint i = 0; i < 4 && at * 4 + i < push.size; i++) {
        word |= blurred(at * 4 + i) << (i * 8);
    }
    target[at] = word;
}
