// SPDX-License-Identifier: Apache-2.0
// All that is wrong with what a user wrote, collected in one run and printed in the order of lines.
#pragma once

#include <stddef.h>
#include <stdio.h>

#include "base/diag.h"
#include "broker/graph/graph.h"

#define DIAGS_MAX 20
#define DIAGS_QUOTED_BYTES_MAX 96
#define DIAGS_MORE_BYTES 32                                // of "and 32000 more"
#define DIAGS_LINE_BYTES_MAX (DIAG_TEXT_BYTES_MAX + 4352)  // with a path

enum diag_kind {
    DIAG_ERROR,    // exit 78
    DIAG_REFUSED,  // exit 77: right as a graph, and not permitted
    DIAG_WARNING,
};

struct diags_item {
    enum diag_kind kind;
    struct diag diag;
};

// Zero is empty. What does not fit is counted.
struct diags {
    struct diags_item items[DIAGS_MAX];
    size_t count;
    size_t counts[3];  // per kind, those that are not kept included
};

// The text is "what; what to do". file is borrowed and must outlive diags.
void diags_add(struct diags *diags, enum diag_kind kind, const char *file, struct graph_place place,
               const char *format, ...) __attribute__((format(printf, 5, 6)));

// 78 with an error, 77 with a refusal, 0 with nothing or warnings.
int diags_exit_status(const struct diags *diags);

// A name for a message: in single quotes, control characters escaped, cut when it is long. Use it
// as diags_quote(name).bytes within one expression.
struct diags_quoted {
    char bytes[DIAGS_QUOTED_BYTES_MAX];
};
struct diags_quoted diags_quote(const char *string);

// One item as the line that diags_print() prints, without its end.
void diags_format(const struct diags_item *item, char *out, size_t size_bytes);

// One line each, sorted by place: `file:line:column: what; what to do`.
void diags_print(const struct diags *diags, FILE *out);

// All but the warnings, one per line as above without an end, into at least 256 bytes: as many
// whole lines as fit, at most lines_max, and how many more there are.
void diags_format_errors(const struct diags *diags, size_t lines_max, char *out, size_t size_bytes);
