// SPDX-License-Identifier: Apache-2.0
// The outcome of looking at a program before it may run: one value and one sentence part per case.
#pragma once

#include <stdbool.h>

enum trust_verdict {
#define VERDICT(NAME, text) TRUST_##NAME,
#include "sandbox/trust_verdict.def"
#undef VERDICT
    TRUST_VERDICT_COUNT
};

const char *trust_verdict_text(enum trust_verdict verdict);

// GOOD and INSTALLED: the program may run with the rights that the graph gives it.
bool trust_verdict_is_good(enum trust_verdict verdict);
