// SPDX-License-Identifier: Apache-2.0
// What this machine offers to a broker.
#pragma once

#include <stdbool.h>

// Prints one line per thing, or one JSON document. Returns 0: what is missing is no failure.
int doctor(bool is_json);
