// SPDX-License-Identifier: Apache-2.0
// Collects diagnoses; errors take the place of warnings when there are too many.
#include "broker/graph/diags.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/redact.h"
#include "base/text.h"

static struct diags_item *find_room(struct diags *diags, enum diag_kind kind)
{
    if (diags->count < DIAGS_MAX) {
        return &diags->items[diags->count++];
    }
    for (size_t i = DIAGS_MAX; i > 0 && kind != DIAG_WARNING; i--) {
        if (diags->items[i - 1].kind == DIAG_WARNING) {
            return &diags->items[i - 1];
        }
    }
    return NULL;
}

void diags_add(struct diags *diags, enum diag_kind kind, const char *file, struct graph_place place,
               const char *format, ...)
{
    SB_ASSERT(kind <= DIAG_WARNING);
    diags->counts[kind]++;
    struct diags_item *item = find_room(diags, kind);
    if (item == NULL) {
        return;
    }
    item->kind = kind;
    item->diag.file = file;
    item->diag.line = place.line;
    item->diag.column = place.column;
    struct text text = TEXT_OVER(item->diag.text);
    va_list list;
    va_start(list, format);
    text_add_format_list(&text, format, list);
    va_end(list);
    redact_string(item->diag.text);
}

int diags_exit_status(const struct diags *diags)
{
    if (diags->counts[DIAG_ERROR] > 0) {
        return 78;
    }
    return diags->counts[DIAG_REFUSED] > 0 ? 77 : 0;
}

struct diags_quoted diags_quote(const char *string)
{
    struct diags_quoted quoted;
    struct text text = TEXT_OVER(quoted.bytes);
    // Before it is cut: half a password is still one.
    char whole[SB_STRING_BYTES_MAX];
    text_copy(whole, sizeof whole, string);
    redact_string(whole);
    text_add(&text, "'");
    text_add_escaped(&text, whole, strnlen(whole, DIAGS_QUOTED_BYTES_MAX));
    if (text.is_cut || text.length + 1 >= text.size_bytes) {
        // Room for the end, which says that there was more.
        text.length = text.size_bytes - sizeof("...'");
        text.is_cut = false;
        text_add(&text, "...");
    }
    text_add(&text, "'");
    return quoted;
}

static int compare_places(const void *a, const void *b)
{
    const struct diags_item *const *first = a;
    const struct diags_item *const *second = b;
    const struct diag *x = &(*first)->diag;
    const struct diag *y = &(*second)->diag;
    if (x->line != y->line) {
        return x->line < y->line ? -1 : 1;
    }
    if (x->column != y->column) {
        return x->column < y->column ? -1 : 1;
    }
    // Items are in the array in the order in which they were found.
    return *first < *second ? -1 : *first > *second;
}

void diags_format(const struct diags_item *item, char *out, size_t size_bytes)
{
    struct text text = text_over(out, size_bytes);
    const struct diag *diag = &item->diag;
    if (diag->file != NULL) {
        text_add_escaped(&text, diag->file, strlen(diag->file));
        text_add(&text, ":");
    }
    if (diag->line > 0) {
        text_add_format(&text, "%u:%u:", diag->line, diag->column);
    }
    text_add(&text, text.length > 0 ? " " : "");
    text_add(&text, item->kind == DIAG_WARNING ? "warning: " : "");
    text_add(&text, diag->text);
}

static size_t sort(const struct diags *diags, const struct diags_item *out_sorted[DIAGS_MAX])
{
    for (size_t i = 0; i < diags->count; i++) {
        out_sorted[i] = &diags->items[i];
    }
    qsort(out_sorted, diags->count, sizeof(out_sorted[0]), compare_places);
    return diags->count;
}

void diags_print(const struct diags *diags, FILE *out)
{
    const struct diags_item *sorted[DIAGS_MAX];
    size_t count = sort(diags, sorted);
    for (size_t i = 0; i < count; i++) {
        char line[DIAGS_LINE_BYTES_MAX];
        diags_format(sorted[i], line, sizeof(line));
        fprintf(out, "%s\n", line);
    }
    size_t all =
        diags->counts[DIAG_ERROR] + diags->counts[DIAG_REFUSED] + diags->counts[DIAG_WARNING];
    if (all > count) {
        fprintf(out, "%zu more; correct these first\n", all - count);
    }
}

void diags_format_errors(const struct diags *diags, size_t lines_max, char *out, size_t size_bytes)
{
    const struct diags_item *sorted[DIAGS_MAX];
    size_t count = sort(diags, sorted);
    size_t left = diags->counts[DIAG_ERROR] + diags->counts[DIAG_REFUSED];
    size_t lines = 0;
    struct text text = text_over(out, size_bytes);
    for (size_t i = 0; i < count && lines < lines_max; i++) {
        if (sorted[i]->kind == DIAG_WARNING) {
            continue;
        }
        char line[DIAGS_LINE_BYTES_MAX];
        diags_format(sorted[i], line, sizeof(line));
        // Room for the last line; the first is said also where it has to be cut.
        if (lines > 0 && text.length + strlen(line) + DIAGS_MORE_BYTES > size_bytes) {
            break;
        }
        if (lines == 0 && strlen(line) + DIAGS_MORE_BYTES > size_bytes) {
            line[size_bytes - DIAGS_MORE_BYTES] = '\0';
        }
        text_add(&text, lines > 0 ? "\n" : "");
        text_add(&text, line);
        lines++;
        left--;
    }
    if (left > 0) {
        text_add_format(&text, lines_max == 1 ? " (and %zu more)" : "\n%zu more", left);
    }
}
