// SPDX-License-Identifier: Apache-2.0
// What the broker's program does in place of running a graph: `streambroker` beside this program,
// else the one of $PATH.
#pragma once

#include <jansson.h>

#include "base/diag.h"

// Becomes `streambroker ARGUMENTS` (NULL-terminated, with argv[0]). Returns only when that fails:
// VERB_INTERNAL, after a line on stderr that begins with the verb.
int broker_run(const char *verb, const char *const *arguments);

// Runs it likewise and reads the JSON that it prints; its stderr is ours. Returns its exit status
// and the JSON (json_decref() it), or a negative errno with a sentence part in out_why.
int broker_run_json(const char *const *arguments, json_t **out_json, struct diag *out_why);
