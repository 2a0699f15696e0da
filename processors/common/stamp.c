// SPDX-License-Identifier: Apache-2.0
// Payloads that prove themselves.
#include "processors/common/stamp.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HEAD_BYTES 16
#define STEP 0x9e3779b97f4a7c15U

static void fill_words(unsigned char *bytes, size_t count, uint64_t number)
{
    uint64_t word = (number + 1) * STEP;
    size_t at = 0;
    for (; at + sizeof word <= count; at += sizeof word) {
        memcpy(bytes + at, &word, sizeof word);
        word += STEP;
    }
    memcpy(bytes + at, &word, count - at);
}

static bool are_words(const unsigned char *bytes, size_t count, uint64_t number)
{
    uint64_t word = (number + 1) * STEP;
    uint64_t different = 0;
    size_t at = 0;
    for (; at + sizeof word <= count; at += sizeof word) {
        uint64_t found;
        memcpy(&found, bytes + at, sizeof found);
        different |= found ^ word;
        word += STEP;
    }
    return different == 0 && memcmp(bytes + at, &word, count - at) == 0;
}

void stamp_fill(void *bytes, size_t size_bytes, uint64_t number)
{
    unsigned char *target = bytes;
    if (size_bytes < HEAD_BYTES) {
        uint64_t hash[2] = {XXH3_64bits(&number, sizeof number), 0};
        memcpy(target, hash, size_bytes);
        return;
    }
    fill_words(target + HEAD_BYTES, size_bytes - HEAD_BYTES, number);
    memcpy(target + 8, &number, sizeof number);
    uint64_t hash = XXH3_64bits(target + 8, size_bytes - 8);
    memcpy(target, &hash, sizeof hash);
}

bool stamp_is_right(const void *bytes, size_t size_bytes, uint64_t number)
{
    const unsigned char *source = bytes;
    if (size_bytes < HEAD_BYTES) {
        uint64_t expected[2] = {XXH3_64bits(&number, sizeof number), 0};
        return memcmp(source, expected, size_bytes) == 0;
    }
    uint64_t hash = XXH3_64bits(source + 8, size_bytes - 8);
    return memcmp(source, &hash, sizeof hash) == 0 &&
           memcmp(source + 8, &number, sizeof number) == 0 &&
           are_words(source + HEAD_BYTES, size_bytes - HEAD_BYTES, number);
}
