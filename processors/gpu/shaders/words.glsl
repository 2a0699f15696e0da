// SPDX-License-Identifier: Apache-2.0
// What all shaders share: one invocation makes one word, four bytes, of its target.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 64) in;

// Work that does not fit into one row of groups goes on in the next.
uint word_index()
{
    return gl_GlobalInvocationID.y * (gl_NumWorkGroups.x * 64) + gl_GlobalInvocationID.x;
}
