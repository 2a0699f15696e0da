// SPDX-License-Identifier: Apache-2.0
// The least that the broker's own process needs of its machine, checked before anything is done:
// without it things would fail later, elsewhere, and be blamed on somebody else.
#pragma once

#include <stddef.h>

#define PROCESS_LIMITS_FILES_MIN 64
#define PROCESS_LIMITS_STACK_BYTES_MIN (512 << 10)

// Raises soft limits where they are too low. Returns 0, or -EMFILE or -ENOMEM with a sentence in
// text when the hard limit is too low as well.
int process_limits_check(char *text, size_t text_bytes);
