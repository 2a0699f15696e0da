// SPDX-License-Identifier: Apache-2.0
// Manual pages out of the tables that helps and documents come from.
#pragma once

#include <stdio.h>

#include "base/exit_status.h"

// The head of a page of section 1: name, and what it does in a few words.
void man_page_begin(const char *name, const char *summary, FILE *out);

void man_page_section(const char *title, FILE *out);

// A paragraph of a text in which words between backquotes are what one types.
void man_page_text(const char *text, FILE *out);

// A paragraph behind a word that is typed, with the name of its value (NULL = none).
void man_page_item(const char *word, const char *value, const char *text, FILE *out);

// The section EXIT STATUS.
void man_page_statuses(enum exit_status_of of, FILE *out);
