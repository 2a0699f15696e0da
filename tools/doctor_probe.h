// SPDX-License-Identifier: Apache-2.0
// One question to the machine each.
#pragma once

#include <stdbool.h>

#include "base/text.h"

// True when it is there. detail gets what was seen, in a few words.
#define PROBE(NAME, name, purpose, advice) bool doctor_probe_##NAME(struct text *detail);
#include "tools/doctor.def"
