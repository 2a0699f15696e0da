// SPDX-License-Identifier: Apache-2.0
// FNV-1a: its two constants are those that its authors published.
#include "base/hash.h"

uint64_t hash_bytes(const void *bytes, size_t count)
{
    const unsigned char *from = bytes;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ from[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}
