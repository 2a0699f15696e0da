// SPDX-License-Identifier: Apache-2.0
// What the workers of a node counted themselves, over all its lives. Their own words: nothing
// depends on them, and they cannot overflow a sum.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "schemas/status_layout.h"

struct counts {
#define COUNT(field, name, text) uint64_t field;
#include "broker/links/counts.def"
#undef COUNT
};

// Adds what a status page says. NULL adds nothing.
void counts_add_page(struct counts *counts, const struct status_page *page);

// " in=10 out=9": what is 0 is left out.
void counts_text(const struct counts *counts, char *out, size_t size_bytes);
