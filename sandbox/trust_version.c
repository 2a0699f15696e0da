// SPDX-License-Identifier: Apache-2.0
// Versions of one to four numbers.
#include "sandbox/trust_version.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#define PART_DIGITS_MAX 9

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

int trust_version_read(const char *text, size_t count, struct trust_version *out_version)
{
    struct trust_version version = {.parts = {0}};
    size_t at = 0;
    for (size_t part = 0; part < TRUST_VERSION_PARTS_MAX; part++) {
        size_t start = at;
        uint32_t value = 0;
        while (at < count && is_digit(text[at]) && at - start < PART_DIGITS_MAX) {
            value = value * 10 + (uint32_t)(text[at++] - '0');
        }
        if (at == start || (text[start] == '0' && at - start > 1)) {
            return -EBADMSG;
        }
        version.parts[part] = value;
        if (at == count) {
            *out_version = version;
            return 0;
        }
        if (text[at++] != '.') {
            return -EBADMSG;
        }
    }
    return -EBADMSG;
}

int trust_version_compare(const struct trust_version *a, const struct trust_version *b)
{
    for (size_t i = 0; i < TRUST_VERSION_PARTS_MAX; i++) {
        if (a->parts[i] != b->parts[i]) {
            return a->parts[i] < b->parts[i] ? -1 : 1;
        }
    }
    return 0;
}

void trust_version_text(const struct trust_version *version, char out[TRUST_VERSION_TEXT_BYTES])
{
    size_t parts = TRUST_VERSION_PARTS_MAX;
    while (parts > 2 && version->parts[parts - 1] == 0) {
        parts--;
    }
    int length = snprintf(out, TRUST_VERSION_TEXT_BYTES, "%u", version->parts[0]);
    for (size_t i = 1; i < parts; i++) {
        length += snprintf(out + length, (size_t)(TRUST_VERSION_TEXT_BYTES - length), ".%u",
                           version->parts[i]);
    }
}
