// SPDX-License-Identifier: Apache-2.0
// The keys of a graph file as rows: their kinds, their defaults, and values as text.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/graph/graph.h"

// How a value is written and stored: enum value, type of the member, in words.
#define GRAPH_KINDS(X)                                                                             \
    X(ID, const char *, "name")                                                                    \
    X(PATH, const char *, "path")                                                                  \
    X(BOOL, bool, "true or false")                                                                 \
    X(COUNT, uint32_t, "number")                                                                   \
    X(DURATION, int64_t, "duration")                                                               \
    X(SIZE, uint64_t, "size")                                                                      \
    X(PERCENT, uint32_t, "percentage")                                                             \
    X(SHARE, struct graph_share, "size or percentage")                                             \
    X(FRACTION, struct graph_fraction, "number or fraction")                                       \
    X(CHOICE, int, "word")                                                                         \
    X(END, struct graph_end, "node.port")                                                          \
    X(STRINGS, struct graph_strings, "list")                                                       \
    X(NUMBERS, struct graph_numbers, "list of numbers")                                            \
    X(PAIRS, struct graph_pairs, "mapping")

enum graph_kind {
#define X(NAME, type, text) GRAPH_KIND_##NAME,
    GRAPH_KINDS(X)
#undef X
};

enum graph_section { GRAPH_SECTION_GRAPH, GRAPH_SECTION_NODE, GRAPH_SECTION_LINK };

struct graph_word {
    const char *text;
    int64_t value;
};

// Words that a value may be: for CHOICE and STRINGS the only ones, else beside the usual form.
struct graph_words {
    size_t count;
    const struct graph_word *items;
};

struct graph_field_row {
    enum graph_field id;
    enum graph_section section;
    enum graph_kind kind;
    const char *path;
    size_t offset;  // of the member in struct graph, graph_node or graph_link
    struct graph_words words;
    int64_t low;
    int64_t high;
    const char *initial;
    const char *meaning;
};

const struct graph_field_row *graph_fields_row(enum graph_field field);
const char *graph_fields_kind_name(enum graph_kind kind);
const char *graph_fields_section_name(enum graph_section section);

// The row of a path, NULL.
const struct graph_field_row *graph_fields_find(enum graph_section section, const char *path);
// True when the path begins others: "restart" of restart.max.
bool graph_fields_is_group(enum graph_section section, const char *path);
bool graph_fields_is_required(const struct graph_field_row *row);

// Writes the defaults of a section into its struct (zeroed before).
void graph_fields_init(enum graph_section section, void *base);

// Reads a value of a kind that is one scalar (ID to CHOICE) into its member; text members borrow
// text. Returns 0, or -EINVAL with "what; what to do" in why.
int graph_fields_parse(const struct graph_field_row *row, const char *text, void *base, char *why,
                       size_t why_bytes);

// Writes a value of such a kind as it would be written in a file.
void graph_fields_format(const struct graph_field_row *row, const void *base, char *out,
                         size_t size_bytes);

// A bound of a row in the unit that people write.
void graph_fields_format_bound(enum graph_kind kind, int64_t bound, char *out, size_t size_bytes);

// True when the member has the default of its row, so that the canonical form leaves it out.
bool graph_fields_is_default(const struct graph_field_row *row, const void *base);

// True when both structs of the row's section have the same value there.
bool graph_fields_is_equal(const struct graph_field_row *row, const void *a, const void *b);

// "a, b or c" of the words.
void graph_fields_list_words(const struct graph_words *words, char *out, size_t size_bytes);
