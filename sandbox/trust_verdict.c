// SPDX-License-Identifier: Apache-2.0
// The sentence of each verdict.
#include "sandbox/trust_verdict.h"

#include "base/check.h"

static const char *const texts[TRUST_VERDICT_COUNT] = {
#define VERDICT(NAME, text) [TRUST_##NAME] = (text),
#include "sandbox/trust_verdict.def"
#undef VERDICT
};

const char *trust_verdict_text(enum trust_verdict verdict)
{
    SB_ASSERT(verdict < TRUST_VERDICT_COUNT);
    return texts[verdict];
}

bool trust_verdict_is_good(enum trust_verdict verdict)
{
    return verdict == TRUST_GOOD || verdict == TRUST_INSTALLED;
}
