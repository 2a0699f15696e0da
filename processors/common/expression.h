// SPDX-License-Identifier: Apache-2.0
// Regular expressions over the bytes of a frame, and replacement with back references.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define EXPRESSION_TEXT_BYTES 256

struct expression;

// Compiles a POSIX extended expression. -EINVAL with the reason in out_text, -ENOMEM.
int expression_create(const char *pattern, bool ignores_case, struct expression **out_expression,
                      char out_text[EXPRESSION_TEXT_BYTES]);

// Frees; NULL is fine.
void expression_destroy(struct expression *expression);

// Copies the bytes into memory of its own, ended with a 0 byte, and looks for a match there: the
// frame's producer may rewrite them meanwhile. Returns 1, 0, or -ENOMEM.
int expression_matches(struct expression *expression, const void *bytes, size_t size_bytes);

// Replaces the first match, or all, by a text in which \0 to \9 stand for what the parts matched,
// \n for a new line, \t for a tab and \\ for a backslash. The result lives until the next call.
//
// Returns the number of matches, or -ENOMEM; -EINVAL for a part that the pattern does not have.
int expression_replace(struct expression *expression, const void *bytes, size_t size_bytes,
                       const char *with, bool is_for_all, const char **out_bytes,
                       size_t *out_size_bytes);
