// SPDX-License-Identifier: Apache-2.0
// Verbs that are one request to a broker, by the rows of asks.def.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "tools/verb.h"

// Asks, prints what comes, and returns an exit status.
int ask(const struct verb_call *call);
