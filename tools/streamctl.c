// SPDX-License-Identifier: Apache-2.0
// streamctl: one function per verb.
#include <stdio.h>
#include <string.h>

#include <streambroker/version.h>

#include "base/check.h"
#include "tools/ask.h"
#include "tools/await.h"
#include "tools/broker_run.h"
#include "tools/completion.h"
#include "tools/doctor.h"
#include "tools/new_folder.h"
#include "tools/processor_list.h"
#include "tools/reach.h"
#include "tools/show_graph.h"
#include "tools/top.h"
#include "tools/verb.h"
#include "tools/verb_man.h"
#include "tools/watch_tap.h"

// streambroker MODE [OPTION VALUE] -- FILE
static int run_broker_on(const char *verb, const char *mode, const char *option, const char *value,
                         const char *file)
{
    const char *arguments[8] = {"streambroker", mode};
    size_t count = 2;
    if (value != NULL) {
        arguments[count++] = option;
        arguments[count++] = value;
    }
    arguments[count++] = "--";
    arguments[count++] = file;
    return broker_run(verb, arguments);
}

static int check(const struct verb_call *call)
{
    const char *form = call->values[VERB_OPTION_CHECK_PRINT];
    bool is_grants = call->values[VERB_OPTION_CHECK_GRANTS] != NULL;
    bool is_json = call->values[VERB_OPTION_CHECK_JSON] != NULL;
    if (is_grants ? form != NULL : is_json) {
        fprintf(stderr, "streamctl check: %s\n",
                is_grants ? "--grants prints a form of its own; leave --print out"
                          : "--json is for --grants; write --print json for the graph");
        return VERB_USAGE;
    }
    if (is_grants) {
        form = is_json ? "grants-json" : "grants";
    }
    return run_broker_on("check", "--check", "--print", form, call->arguments[0]);
}

static int help(const char *word)
{
    const struct verb_row *verb = word != NULL ? verb_find(word) : NULL;
    if (word != NULL && verb == NULL) {
        verb_refuse(word);
        return VERB_USAGE;
    }
    verb_print_help(verb, stdout);
    return VERB_OK;
}

static int run(const struct verb_call *call)
{
    switch (call->verb->id) {
#define ASK(VERB, control_verb, fields, shape) case VERB_##VERB:
#include "tools/asks.def"
#undef ASK
        return ask(call);
    case VERB_LIST:
        return reach_list(call);
    case VERB_WAIT:
        return await(call);
    case VERB_TOP:
        return top(call);
    case VERB_GRAPH:
        return show_graph(call);
    case VERB_TAP:
        return watch_tap(call);
    case VERB_PROCESSORS:
        return processor_list(call->values[VERB_OPTION_PROCESSORS_JSON] != NULL,
                              call->values[VERB_OPTION_PROCESSORS_QUIET] != NULL,
                              call->values[VERB_OPTION_PROCESSORS_TRUSTED] != NULL);
    case VERB_DESCRIBE:
        return processor_list_describe(call->arguments[0],
                                       call->values[VERB_OPTION_DESCRIBE_JSON] != NULL,
                                       call->values[VERB_OPTION_DESCRIBE_TRUSTED] != NULL);
    case VERB_CHECK:
        return check(call);
    case VERB_VERIFY:
        return run_broker_on("verify", "--verify", "--keys", call->values[VERB_OPTION_VERIFY_KEYS],
                             call->arguments[0]);
    case VERB_NEW:
        return new_folder(
            call->values[VERB_OPTION_NEW_LANG] != NULL ? call->values[VERB_OPTION_NEW_LANG] : "c",
            call->arguments[0]);
    case VERB_DOCTOR:
        return doctor(call->values[VERB_OPTION_DOCTOR_JSON] != NULL);
    case VERB_COMPLETION:
        return completion_print(call->arguments[0]);
    case VERB_DOCS:
        if (call->values[VERB_OPTION_DOCS_MAN] != NULL) {
            verb_man_print(stdout);
        } else {
            verb_print_docs(stdout);
        }
        return VERB_OK;
    case VERB_VERSION:
        printf("streamctl %s\n", SB_VERSION_STRING);
        return VERB_OK;
    case VERB_HELP:
        return help(call->arguments[0]);
    case VERBS_COUNT:
        break;
    }
    SB_UNREACHABLE();
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        verb_print_help(NULL, stderr);
        return VERB_USAGE;
    }
    struct verb_call call = {.verb = NULL};
    int first = verb_parse_first(argc - 1, argv + 1, &call);
    if (first < 0) {
        return VERB_USAGE;
    }
    argc -= first;
    argv += first;
    const char *word = argc > 1 ? argv[1] : "help";
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        word = "help";
    } else if (strcmp(word, "--version") == 0) {
        word = "version";
    }
    const struct verb_row *verb = verb_find(word);
    if (verb == NULL) {
        verb_refuse(argv[1]);
        return VERB_USAGE;
    }
    int failed = verb_parse(verb, argc - 2, argv + 2, &call);
    if (failed != 0) {
        return failed;
    }
    if (call.is_help) {
        verb_print_help(verb, stdout);
        return VERB_OK;
    }
    int status = run(&call);
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? status : VERB_INTERNAL;
}
