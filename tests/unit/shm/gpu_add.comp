#version 450
// SPDX-License-Identifier: Apache-2.0
// Adds a number to each word.
layout(local_size_x = 64) in;
layout(set = 0, binding = 0) readonly buffer Source { uint source[]; };
layout(set = 0, binding = 1) writeonly buffer Target { uint target[]; };
layout(push_constant) uniform Push { uint count; uint number; } push;

void main()
{
    uint at = gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * 64) + gl_GlobalInvocationID.x;
    if (at < push.count) {
        target[at] = source[at] + push.number;
    }
}
