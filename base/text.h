// SPDX-License-Identifier: Apache-2.0
// Bounded text in a buffer of the caller: it cuts at the end and remembers that it did.
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct text {
    char *bytes;        // borrowed from the caller, always terminated
    size_t size_bytes;  // of the buffer, the terminator included
    size_t length;      // without the terminator
    bool is_cut;        // something did not fit
};

// A text over an array that the caller declared.
#define TEXT_OVER(array) text_over((array), sizeof(array))

struct text text_over(char *bytes, size_t size_bytes);

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const char *bytes, size_t count);
void text_add_format(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void text_add_format_list(struct text *text, const char *format, va_list list)
    __attribute__((format(printf, 2, 0)));

// Adds a JSON string with its quotes. Bytes that are no valid UTF-8 become U+FFFD, so that what a
// worker prints can never break a reader of the log.
void text_add_json(struct text *text, const char *bytes, size_t count);

// Adds bytes for a terminal: control characters and invalid UTF-8 appear as \xNN.
void text_add_escaped(struct text *text, const char *bytes, size_t count);

// Copies a string into an array and terminates it. Returns false when it was cut.
bool text_copy(char *to, size_t size_bytes, const char *from);

// True for a name of 1 to 63 characters: a small letter, then small letters, digits, '_' and '-'.
bool text_is_id(const char *string);

// Length of the valid UTF-8 sequence at the start of bytes (1 to 4), 0 when there is none.
size_t text_utf8_length(const char *bytes, size_t count);
