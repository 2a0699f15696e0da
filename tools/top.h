// SPDX-License-Identifier: Apache-2.0
// The verb `top`: rates and loads between two snapshots.
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "tools/verb.h"

int top(const struct verb_call *call);

// Adds to the nodes and links of `now` what changed since `before` (NULL: nothing is known): rates,
// shares of CPU time and of time inside calls, quantiles of the calls; and queues, waits and drops.
void top_compare(json_t *now, const json_t *before);

// Both tables of a snapshot that was compared.
void top_print(const json_t *snapshot, FILE *out);
