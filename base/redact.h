// SPDX-License-Identifier: Apache-2.0
// Takes users and passwords out of URLs, wherever in a text they are.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// Replaces what stands between "scheme://" and "@" by at most three stars, in place; the text never
// gets longer. Returns its new length. No terminator is needed, and none is written.
size_t redact_urls(char *bytes, size_t count);

// The same for a string: what is cut off is filled by its terminator.
void redact_string(char *string);

// True when there is something to take out.
bool redact_is_needed(const char *string);
