// SPDX-License-Identifier: Apache-2.0
// The goals and what was reached.
#pragma once

#include "tools/bench/figures.h"

struct json_t;

void goals_print(const struct figures *figures);
struct json_t *goals_json(const struct figures *figures);
