// SPDX-License-Identifier: Apache-2.0
// The trusted comment that binds a signature to a processor:
// `streambroker1 name=NAME version=VERSION arch=ARCH`, with one space between, in this order.
#pragma once

#include <stddef.h>

#include "sandbox/trust_version.h"

#define TRUST_NAME_BYTES_MAX 64
#define TRUST_ARCH_BYTES_MAX 32

struct trust_comment {
    char name[TRUST_NAME_BYTES_MAX];  // small letters, digits, '_', '-' and '.'
    struct trust_version version;
    char arch[TRUST_ARCH_BYTES_MAX];  // as `uname -m` has it, or "any"
};

// Returns 0, or -EBADMSG for anything that is not exactly this grammar.
int trust_comment_read(const char *text, size_t count, struct trust_comment *out_comment);
