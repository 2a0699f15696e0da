#version 450
// SPDX-License-Identifier: Apache-2.0
// One direction of a box blur of four-byte pixels. Two bytes are summed in one word: 255 of them
// have room in 16 bits.
#include "words.glsl"

layout(set = 0, binding = 0) readonly buffer Source { uint source[]; };
layout(set = 0, binding = 1) writeonly buffer Target { uint target[]; };
layout(push_constant) uniform Push {
    uint width;
    uint height;
    uint radius;
    uint reciprocal;
    uint is_down;
} push;

uint mean(uint sum)
{
    return ((sum + push.radius) * push.reciprocal) >> 16;
}

void main()
{
    uint at = word_index();
    if (at >= push.width * push.height) {
        return;
    }
    int x = int(at % push.width);
    int y = int(at / push.width);
    int radius = int(push.radius);
    if (radius == 0) {
        target[at] = source[at];
        return;
    }
    uint even = 0;
    uint odd = 0;
    for (int i = -radius; i <= radius; i++) {
        int from_x = push.is_down != 0 ? x : clamp(x + i, 0, int(push.width) - 1);
        int from_y = push.is_down != 0 ? clamp(y + i, 0, int(push.height) - 1) : y;
        uint pixel = source[uint(from_y) * push.width + uint(from_x)];
        even += pixel & 0x00ff00ffu;
        odd += (pixel >> 8) & 0x00ff00ffu;
    }
    target[at] = mean(even & 0xffffu) | mean(odd & 0xffffu) << 8 | mean(even >> 16) << 16 |
                 mean(odd >> 16) << 24;
}
