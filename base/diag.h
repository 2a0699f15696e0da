// SPDX-License-Identifier: Apache-2.0
// What is wrong with something that a user wrote: where, what, and what to do.
#pragma once

#include <stdint.h>

#define DIAG_TEXT_BYTES_MAX 512

struct diag {
    const char *file;  // borrowed, NULL when there is none
    uint32_t line;     // from 1, 0 = unknown
    uint32_t column;   // from 1, in characters, 0 = unknown
    char text[DIAG_TEXT_BYTES_MAX];
};

// Fills a diagnosis; the text is cut at its maximum.
void diag_set(struct diag *diag, const char *format, ...) __attribute__((format(printf, 2, 3)));
