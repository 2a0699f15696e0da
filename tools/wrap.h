// SPDX-License-Identifier: Apache-2.0
// Long texts behind a column of short ones, for terminals that are not as wide.
#pragma once

#include <stddef.h>
#include <stdio.h>

// Columns of the terminal behind out, 0 = it is none, and lines are endless.
size_t wrap_width(FILE *out);

// Prints head, padded to indent, and text behind it; lines that would be longer than width go on
// below text, divided between words. A text that has too little room is not divided.
void wrap_print(const char *head, const char *text, size_t indent, size_t width, FILE *out);
