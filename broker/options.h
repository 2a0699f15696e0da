// SPDX-License-Identifier: Apache-2.0
// The command line of streambroker: one table for parsing, help and hints.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "broker/graph/graph_check.h"

#define OPTIONS_PROGRAMS_MAX 512

enum option_id {
#define OPTION(ID, long_name, short_name, value, help) OPTION_##ID,
#include "broker/options.def"
#undef OPTION
    OPTION_COUNT
};

struct options {
    const char *graph;                           // borrowed from argv, NULL = none
    const char *programs[OPTIONS_PROGRAMS_MAX];  // of --describe, likewise; the first is graph
    size_t program_count;
    bool is_given[OPTION_COUNT];
    enum log_format log_format;
    enum log_level log_level;
    const char *socket;            // borrowed from argv, NULL = the default place
    enum graph_check_print print;  // of --check
    const char *keys;              // of --verify, borrowed from argv, NULL = none
    unsigned uid_first;            // of --uids, 0 = not given
    unsigned uid_last;
};

// Returns 0, or -EINVAL with one line in text: what is wrong and what to do.
int options_parse(int argc, char *const *argv, struct options *out_options, char *text,
                  size_t text_bytes);

// The whole help.
void options_help(char *out, size_t size_bytes);
