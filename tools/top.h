// SPDX-License-Identifier: Apache-2.0
// The verb `top`: rates and loads between two snapshots.
#pragma once

#include <jansson.h>

#include "tools/verb.h"

int top(const struct verb_call *call);

// Adds to the nodes and links of `now` what changed since `before`: rates, CPU share, queues.
void top_compare(json_t *now, const json_t *before);
