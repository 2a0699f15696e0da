// SPDX-License-Identifier: Apache-2.0
// Reads the counters of status pages.
#include "broker/links/counts.h"

#include "base/check.h"
#include "base/text.h"

// One life cannot have counted more: a hostile page must not overflow the sum of many.
#define LIFE_MAX (UINT64_C(1) << 48)
#define SUM_MAX (UINT64_C(1) << 62)

static void add(uint64_t *sum, const _Atomic uint64_t *word)
{
    uint64_t value = atomic_load_explicit(word, memory_order_relaxed);
    value = value > LIFE_MAX ? LIFE_MAX : value;
    *sum = SUM_MAX - *sum < value ? SUM_MAX : *sum + value;
}

void counts_add_page(struct counts *counts, const struct status_page *page)
{
    if (page == NULL) {
        return;
    }
#define COUNT(field, name, text) add(&counts->field, &page->field);
#include "broker/links/counts.def"
#undef COUNT
}

void counts_text(const struct counts *counts, char *out, size_t size_bytes)
{
    const struct {
        const char *name;
        uint64_t value;
    } parts[] = {
#define COUNT(field, name, text) {name, counts->field},
#include "broker/links/counts.def"
#undef COUNT
    };
    struct text text = text_over(out, size_bytes);
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        if (parts[i].value != 0) {
            text_add_format(&text, " %s=%llu", parts[i].name, (unsigned long long)parts[i].value);
        }
    }
}
