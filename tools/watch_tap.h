// SPDX-License-Identifier: Apache-2.0
// `streamctl tap`: shows or saves the frames of an output, while nothing waits for it.
#pragma once

#include "tools/verb.h"

int watch_tap(const struct verb_call *call);
