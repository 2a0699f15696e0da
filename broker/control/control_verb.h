// SPDX-License-Identifier: Apache-2.0
// The verbs of the control socket.
//
// To add one:
//   1. a row in control.def: its word, its handler, its fields, what it needs, what it answers;
//   2. the handler, `int control_X_word(struct control_call *call)`, in a file control_X.c of its
//      own subject. Its declaration comes from the row. It reads the fields (control_call.h), which
//      are known, complete and valid UTF-8 by then, acts, and returns
//        0                                      done; documents were given to control_call_say();
//        control_call_refuse(call, CODE, ...)   refused or failed, with one sentence;
//        control_call_later(call, look, due)    not done yet: look is called again (see there);
//   3. a row in tools/verbs.def for streamctl, a line in docs/control.md, and a system test.
// A handler runs in the broker's loop: it never waits and never takes long. A change that fails
// changes nothing. Whatever a handler says is JSON built with jansson: `--json` prints it as it is.
#pragma once

#include <stdbool.h>

#include "broker/control/control_call.h"

enum control_needs { CONTROL_ANYTIME, CONTROL_STARTED };
enum control_answers { CONTROL_NONE, CONTROL_ONE, CONTROL_MANY };

struct control_verb {
    const char *word;
    int (*handle)(struct control_call *call);
    const char *fields;
    enum control_needs needs;
    enum control_answers answers;
    const char *text;
};

#define VERB(word, handler, fields, needs, answer, text) int handler(struct control_call *call);
#include "broker/control/control.def"
#undef VERB

// What `status` says of revisions and of the change that is under way.
json_t *control_change_status(const struct broker *broker);

// What `status` says of the meters in force; null where no node is metered.
json_t *control_grants_meters(const struct broker *broker);

// By word, and by index; NULL when there is none.
const struct control_verb *control_verb_find(const char *word);
const struct control_verb *control_verb_at(size_t index);

// Finds the verb of a request, checks its fields and what it needs, and runs it. Returns what the
// handler returns, or a code after control_call_refuse().
int control_verb_run(struct control_call *call, const char *word);
