// SPDX-License-Identifier: Apache-2.0
// Makes a request of what was typed, and prints the documents of its answer.
#include "tools/ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "tools/line.h"
#include "tools/reach.h"
#include "tools/table.h"

#define CONNECT_MS 5000
#define GRANTS_WORD "--grants"
#define FIELDS_MAX (VERB_ARGUMENTS_MAX + VERB_OPTIONS_COUNT)

enum shape {
    SHAPE_NOTHING,
    SHAPE_EVENT,
    SHAPE_LOG,
    SHAPE_TABLE,
#define TABLE(NAME) SHAPE_##NAME,
#define COLUMN(NAME, title, key, kind)
#include "tools/columns.def"
};

struct ask_row {
    enum verb_id verb;
    const char *word;
    const char *fields;
    enum shape shape;
};

static const struct ask_row rows[] = {
#define ASK(VERB, control_verb, argument_fields, SHAPE)                                            \
    {.verb = VERB_##VERB,                                                                          \
     .word = (control_verb),                                                                       \
     .fields = (argument_fields),                                                                  \
     .shape = SHAPE_##SHAPE},
#include "tools/asks.def"
#undef ASK
};

static const struct ask_row *find_row(enum verb_id verb)
{
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        if (rows[i].verb == verb) {
            return &rows[i];
        }
    }
    return NULL;
}

// The fields of one request; names lie in the table, in verbs.def, or in names.
struct request {
    size_t count;
    struct sb_control_field fields[FIELDS_MAX];
    char names[VERB_ARGUMENTS_MAX][64];
};

static void add_arguments(const struct ask_row *row, const struct verb_call *call,
                          struct request *request)
{
    const char *at = row->fields;
    for (int i = 0; i < call->argument_count; i++) {
        size_t length = strcspn(at, " *");
        SB_ASSERT(length > 0);
        struct text name = TEXT_OVER(request->names[i]);
        text_add_bytes(&name, at, length);
        request->fields[request->count++] =
            (struct sb_control_field){.name = request->names[i], .value = call->arguments[i]};
        if (at[length] == ' ') {
            at += length + 1;
        }
    }
}

static void add_options(const struct verb_call *call, struct request *request)
{
    for (size_t i = 0; i < VERB_OPTIONS_COUNT; i++) {
        const struct verb_option_row *option = verb_option_row((enum verb_option)i);
        bool is_own = option->verb == call->verb->id && strcmp(option->word, "--json") != 0 &&
                      strcmp(option->word, GRANTS_WORD) != 0;
        const char *name = strcmp(option->word, "-f") == 0       ? "follow"
                           : strncmp(option->word, "--", 2) == 0 ? option->word + 2
                                                                 : NULL;
        if (is_own && name != NULL && call->values[i] != NULL) {
            request->fields[request->count++] = (struct sb_control_field){
                .name = name, .value = option->value != NULL ? call->values[i] : "true"};
        }
    }
}

static void print(const struct ask_row *row, const struct verb_call *call, const char *document)
{
    if (verb_value(call, "--json") != NULL) {
        printf("%s\n", document);
        return;
    }
    json_t *json = row->shape == SHAPE_NOTHING ? NULL : json_loads(document, 0, NULL);
    if (verb_value(call, GRANTS_WORD) != NULL) {
        table_print(TABLE_GRANTS, json_object_get(json, "places"), verb_value(call, "-q") != NULL,
                    0, stdout);
    } else if (row->shape == SHAPE_EVENT) {
        line_print_event(json, stdout);
    } else if (row->shape == SHAPE_LOG) {
        line_print_log(json, stdout);
    } else if (json != NULL) {
        enum table_id table = (enum table_id)(row->shape - SHAPE_TABLE - 1);
        table_print(table, json, verb_value(call, "-q") != NULL, 0, stdout);
    }
    json_decref(json);
}

// `status` tells scripts by its own exit status whether the graph runs.
static bool is_running(const char *document)
{
    json_t *json = json_loads(document, 0, NULL);
    const char *state = json_string_value(json_object_get(json, "state"));
    bool is = state != NULL && strcmp(state, "idle") != 0 && strcmp(state, "ended") != 0;
    json_decref(json);
    return is;
}

int ask(const struct verb_call *call)
{
    const struct ask_row *row = find_row(call->verb->id);
    SB_ASSERT(row != NULL);
    struct request request = {.count = 0};
    add_arguments(row, call, &request);
    add_options(call, &request);
    struct sb_control *control;
    int status = reach_broker(call, CONNECT_MS, false, &control);
    if (status != 0) {
        return status;
    }
    // What a node can reach is a verb of its own for the broker.
    const char *word = verb_value(call, GRANTS_WORD) != NULL ? "grants" : row->word;
    int got = sb_control_request(control, word, request.fields, request.count);
    const char *document;
    bool is_idle = false;
    while (got == 0 && (got = sb_control_next(control, -1, &document)) == 1) {
        print(row, call, document);
        is_idle = call->verb->id == VERB_STATUS && !is_running(document);
        // A stream is read while it comes; a reader that is gone ends it.
        got = fflush(stdout) == 0 ? 0 : -EIO;
        if (got == 0) {
            continue;
        }
    }
    if (got < 0) {
        fprintf(stderr, "streamctl %s: %s\n", call->verb->word,
                got == -EPIPE ? "the broker has ended" : strerrordesc_np(-got));
        status = got == -EIO ? VERB_INTERNAL : VERB_UNREACHABLE;
    } else {
        status = sb_control_code(control);
        if (status != 0) {
            fprintf(stderr, "streamctl %s: %s\n", call->verb->word, sb_control_error(control));
        }
    }
    sb_control_close(control);
    return status == 0 && is_idle ? VERB_NOT_RUNNING : status;
}
