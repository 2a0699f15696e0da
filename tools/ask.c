// SPDX-License-Identifier: Apache-2.0
// Makes a request of what was typed, and prints the documents of its answer.
#include "tools/ask.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"
#include "tools/line.h"
#include "tools/reach.h"
#include "tools/show_plan.h"
#include "tools/table.h"

#define CONNECT_MS 5000
#define GRANTS_WORD "--grants"
#define FIELDS_MAX (VERB_ARGUMENTS_MAX + VERB_OPTIONS_COUNT)

enum shape {
    SHAPE_NOTHING,
    SHAPE_EVENT,
    SHAPE_LOG,
    SHAPE_PLAN,
    SHAPE_TABLE,  // and those after it
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

static enum table_id table_of(const struct ask_row *row)
{
    return (enum table_id)(row->shape - SHAPE_TABLE - 1);
}

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
    char path[PATH_MAX];
};

// The broker is in another folder than we are.
static const char *absolute(struct request *request, const char *path)
{
    char folder[PATH_MAX];
    if (path[0] == '/' || getcwd(folder, sizeof folder) == NULL) {
        return path;
    }
    struct text text = TEXT_OVER(request->path);
    text_add_format(&text, "%s/%s", folder, path);
    return text.is_cut ? path : request->path;
}

static void add_field(struct request *request, const char *name, const char *value)
{
    request->fields[request->count++] = (struct sb_control_field){.name = name, .value = value};
}

static void add_arguments(const struct ask_row *row, const struct verb_call *call,
                          struct request *request)
{
    const char *at = row->fields;
    for (int i = 0; i < call->argument_count; i++) {
        size_t length = strcspn(at, " *");
        SB_ASSERT(length > 0);
        struct text name = TEXT_OVER(request->names[i]);
        text_add_bytes(&name, at, length);
        bool is_file = strcmp(request->names[i], "file") == 0;
        add_field(request, request->names[i],
                  is_file ? absolute(request, call->arguments[i]) : call->arguments[i]);
        if (at[length] == ' ') {
            at += length + 1;
        }
    }
}

static const char *field_of(const struct verb_call *call, const struct verb_option_row *option)
{
    bool is_ours = option->verb != call->verb->id || strcmp(option->word, "--json") == 0 ||
                   option->id == VERB_OPTION_NODES_GRANTS;
    if (is_ours) {
        return NULL;
    }
    if (strcmp(option->word, "-f") == 0) {
        return "follow";
    }
    return strncmp(option->word, "--", 2) == 0 ? option->word + 2 : NULL;
}

static void add_options(const struct verb_call *call, struct request *request)
{
    for (size_t i = 0; i < VERB_OPTIONS_COUNT; i++) {
        const struct verb_option_row *option = verb_option_row((enum verb_option)i);
        const char *name = field_of(call, option);
        if (name != NULL && call->values[i] != NULL) {
            add_field(request, name, option->value != NULL ? call->values[i] : "true");
        }
    }
    if (call->verb->id == VERB_DEAD_LETTERS && call->argument_count == 0) {
        add_field(request, "action", "list");
    }
}

// Documents that are rows of one table, and what is printed at once.
static void print(const struct ask_row *row, const struct verb_call *call, const char *document,
                  json_t *table_rows)
{
    if (verb_value(call, "--json") != NULL) {
        printf("%s\n", document);
        return;
    }
    json_t *json = row->shape == SHAPE_NOTHING ? NULL : json_loads(document, 0, NULL);
    bool is_table = row->shape > SHAPE_TABLE;
    if (verb_value(call, GRANTS_WORD) != NULL) {
        table_print(TABLE_GRANTS, json_object_get(json, "places"), verb_value(call, "-q") != NULL,
                    0, stdout);
    } else if (row->shape == SHAPE_EVENT) {
        line_print_event(json, stdout);
    } else if (row->shape == SHAPE_LOG) {
        line_print_log(json, stdout);
    } else if (is_table && row->shape == SHAPE_LETTERS) {
        json_array_append(table_rows, json);
    } else if (is_table) {
        table_print(table_of(row), json, verb_value(call, "-q") != NULL, 0, stdout);
    } else if (row->shape == SHAPE_PLAN) {
        show_plan(json, stdout);
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

// Prints what comes. Returns 0 at the answer, or a negative errno.
static int print_all(const struct ask_row *row, const struct verb_call *call,
                     struct sb_control *control, bool *out_is_idle)
{
    json_t *table_rows = json_array();
    const char *document;
    int got;
    while ((got = sb_control_next(control, -1, &document)) == 1) {
        print(row, call, document, table_rows);
        *out_is_idle = call->verb->id == VERB_STATUS && !is_running(document);
        // A stream is read while it comes; a reader that is gone ends it.
        if (fflush(stdout) != 0) {
            got = -EIO;
            break;
        }
    }
    if (json_array_size(table_rows) > 0) {
        table_print(table_of(row), table_rows, verb_value(call, "-q") != NULL, 0, stdout);
    }
    json_decref(table_rows);
    return got;
}

static const char *word_of(const struct ask_row *row, const struct verb_call *call)
{
    return verb_value(call, GRANTS_WORD) != NULL ? "grants" : row->word;
}

int ask(const struct verb_call *call)
{
    const struct ask_row *row = find_row(call->verb->id);
    SB_ASSERT(row != NULL);
    if (verb_value(call, GRANTS_WORD) != NULL && call->argument_count == 0) {
        fprintf(stderr, "streamctl nodes: --grants is for one node; write streamctl nodes NODE "
                        "--grants\n");
        return VERB_USAGE;
    }
    struct request request = {.count = 0};
    add_arguments(row, call, &request);
    add_options(call, &request);
    struct sb_control *control;
    int status = reach_broker(call, CONNECT_MS, false, &control);
    if (status != 0) {
        return status;
    }
    bool is_idle = false;
    int got = sb_control_request(control, word_of(row, call), request.fields, request.count);
    got = got == 0 ? print_all(row, call, control, &is_idle) : got;
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
