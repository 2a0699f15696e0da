// SPDX-License-Identifier: Apache-2.0
// `plan` for people: the steps, the keys and rights that change, the memory, the frames at risk.
#pragma once

#include <jansson.h>
#include <stdio.h>

// plan is the document of the verb "plan".
void show_plan(const json_t *plan, FILE *out);
