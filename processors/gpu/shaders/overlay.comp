#version 450
// SPDX-License-Identifier: Apache-2.0
// A picture over another one, by its alpha; both of four-byte pixels in one order.
#include "words.glsl"

layout(set = 0, binding = 0) readonly buffer Ground { uint ground[]; };
layout(set = 0, binding = 1) readonly buffer Over { uint over[]; };
layout(set = 0, binding = 2) writeonly buffer Target { uint target[]; };
layout(push_constant) uniform Push {
    uint width;
    uint height;
    uint over_width;
    uint over_height;
    int x;  // of the upper left corner of the picture that is put over the other
    int y;
    uint opacity;  // 0 to 255
} push;

uint blend(uint lower, uint upper, uint alpha)
{
    return (upper * alpha + lower * (255 - alpha) + 127) / 255;
}

void main()
{
    uint at = word_index();
    if (at >= push.width * push.height) {
        return;
    }
    uint lower = ground[at];
    int x = int(at % push.width) - push.x;
    int y = int(at / push.width) - push.y;
    if (x < 0 || y < 0 || x >= int(push.over_width) || y >= int(push.over_height)) {
        target[at] = lower;
        return;
    }
    uint upper = over[uint(y) * push.over_width + uint(x)];
    uint alpha = ((upper >> 24) * push.opacity + 127) / 255;
    uint word = 0;
    for (uint i = 0; i < 24; i += 8) {
        word |= blend(lower >> i & 0xffu, upper >> i & 0xffu, alpha) << i;
    }
    target[at] = word | blend(lower >> 24, 255, alpha) << 24;
}
