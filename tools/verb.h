// SPDX-License-Identifier: Apache-2.0
// The table of verbs, and the arguments of one call.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define VERB_ARGUMENTS_MAX 64

// Exit statuses of streamctl.
enum verb_exit {
    VERB_OK = 0,
    VERB_FAILED = 1,
    VERB_USAGE = 2,
    VERB_NOT_RUNNING = 3,
    VERB_NO_INPUT = 66,
    VERB_UNREACHABLE = 69,
    VERB_INTERNAL = 70,
    VERB_EXISTS = 73,
    VERB_REFUSED = 77,
    VERB_TIMED_OUT = 124,
};

enum verb_id {
#define VERB(NAME, word, arguments, least, most, summary) VERB_##NAME,
#include "tools/verbs.def"
    VERBS_COUNT
};

// Of options: those of every verb that asks a broker.
#define VERB_ANY VERBS_COUNT

enum verb_option {
#define OPTION(VERB, NAME, word, value, summary) VERB_OPTION_##NAME,
#include "tools/verbs.def"
    VERB_OPTIONS_COUNT
};

struct verb_row {
    enum verb_id id;
    const char *word;
    const char *arguments;
    int least;
    int most;
    const char *summary;
};

struct verb_option_row {
    enum verb_option id;
    enum verb_id verb;
    const char *word;
    const char *value;  // NULL for a switch
    const char *summary;
};

const struct verb_row *verb_row(enum verb_id id);
const struct verb_row *verb_find(const char *word);
// A line on stderr: there is no such verb, and which one may have been meant.
void verb_refuse(const char *word);
const struct verb_option_row *verb_option_row(enum verb_option option);

// What was typed behind a verb.
struct verb_call {
    const struct verb_row *verb;
    const char *values[VERB_OPTIONS_COUNT];  // "" for a switch, NULL = not given
    const char *arguments[VERB_ARGUMENTS_MAX];
    int argument_count;
    bool is_help;
};

// What was given for an option of the verb, by its word; NULL when it was not, or there is none
// such.
const char *verb_value(const struct verb_call *call, const char *word);

// Reads the options of VERB_ANY that stand before the verb into call->values. Returns how many
// words they took, or -1 after a line on stderr.
int verb_parse_first(int argc, char **argv, struct verb_call *call);

// Reads argv (without the verb). Values that out_call has already stay. Returns 0, or VERB_USAGE
// after a line on stderr.
int verb_parse(const struct verb_row *verb, int argc, char **argv, struct verb_call *out_call);

// verb NULL: the whole; else one verb.
void verb_print_help(const struct verb_row *verb, FILE *out);

// All verbs and options as Markdown: docs/streamctl.md.
void verb_print_docs(FILE *out);
