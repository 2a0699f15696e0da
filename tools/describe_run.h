// SPDX-License-Identifier: Apache-2.0
// Asks a processor to describe itself.
#pragma once

#include <jansson.h>

#include "base/diag.h"

// Runs `PROGRAM --describe` with an empty environment for at most two seconds. Returns 0 and the
// JSON (json_decref() it), or a negative errno with a sentence part in out_why.
int describe_run(const char *program, json_t **out_json, struct diag *out_why);

// Runs `PROGRAM WORD` likewise, for any JSON.
int describe_run_word(const char *program, const char *word, json_t **out_json,
                      struct diag *out_why);
