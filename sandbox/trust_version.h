// SPDX-License-Identifier: Apache-2.0
// Versions of one to four numbers: 1.2.3.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TRUST_VERSION_PARTS_MAX 4
#define TRUST_VERSION_TEXT_BYTES 48

// A part that is not written is 0, so that 1.2 and 1.2.0 are the same.
struct trust_version {
    uint32_t parts[TRUST_VERSION_PARTS_MAX];
};

// "1.2.3": numbers below 10^9 without leading zeros. Returns 0 or -EBADMSG.
int trust_version_read(const char *text, size_t count, struct trust_version *out_version);

// Below 0, 0, or above 0, as a is older than b, the same, or newer.
int trust_version_compare(const struct trust_version *a, const struct trust_version *b);

// With as many parts as are needed, at least two.
void trust_version_text(const struct trust_version *version, char out[TRUST_VERSION_TEXT_BYTES]);
