// SPDX-License-Identifier: Apache-2.0
// The verb `wait`.
#pragma once

#include "tools/verb.h"

// Waits for the broker itself too: it may have been started a moment ago.
int await(const struct verb_call *call);
