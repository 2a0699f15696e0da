// SPDX-License-Identifier: Apache-2.0
// Prints the answers of all probes: what each thing is for, and what to do where it is missing.
#include "tools/doctor.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/check.h"
#include "base/search.h"
#include "base/text.h"
#include "tools/broker_run.h"
#include "tools/doctor_probe.h"
#include "tools/verb.h"
#include "tools/wrap.h"

#define INDENT 25

struct probe {
    const char *name;
    const char *purpose;
    const char *advice;
    bool (*ask)(struct text *detail);
};

static const struct probe probes[] = {
#define PROBE(NAME, name, purpose, advice) {name, purpose, advice, doctor_probe_##NAME},
#include "tools/doctor.def"
};

// What the broker is asked.
struct question {
    const char *name;
    const char *purpose;
    const char *advice;
};

static const struct question questions[] = {
#define ASK(name, purpose, advice) {name, purpose, advice},
#include "tools/doctor.def"
};

struct finding {
    const char *name;
    const char *purpose;
    const char *advice;
    const char *detail;
    bool is_there;
};

// Everything behind the name is one text: where it is long it goes on below itself.
static void print(const struct finding *finding)
{
    char head[INDENT + 1];
    char bytes[1024];
    struct text text = TEXT_OVER(bytes);
    snprintf(head, sizeof head, "%-8s %s", finding->is_there ? "ok" : "missing", finding->name);
    text_add_escaped(&text, finding->detail, strlen(finding->detail));
    text_add_format(&text, "; for %s", finding->purpose);
    if (!finding->is_there) {
        text_add_format(&text, "; %s", finding->advice);
    }
    wrap_print(head, bytes, INDENT, wrap_width(stdout), stdout);
}

static void report(const struct finding *finding, json_t *list)
{
    if (list == NULL) {
        print(finding);
        return;
    }
    char detail[512];
    struct text text = TEXT_OVER(detail);
    text_add_escaped(&text, finding->detail, strlen(finding->detail));
    json_array_append_new(list, json_pack("{s:s, s:b, s:s, s:s, s:s?}", "name", finding->name, "ok",
                                          finding->is_there, "detail", detail, "purpose",
                                          finding->purpose, "advice",
                                          finding->is_there ? NULL : finding->advice));
}

static void report_probes(json_t *list)
{
    for (size_t i = 0; i < ARRAY_COUNT(probes); i++) {
        char detail[256];
        struct text text = TEXT_OVER(detail);
        bool is_there = probes[i].ask(&text);
        report(&(struct finding){probes[i].name, probes[i].purpose, probes[i].advice, detail,
                                 is_there},
               list);
    }
}

// The broker's answers, NULL when it cannot be asked; then why says so.
static json_t *ask_broker(struct diag *why)
{
    static const char *const arguments[] = {"streambroker", "--machine", NULL};
    json_t *answers = NULL;
    return broker_run_json(arguments, &answers, why) < 0 ? NULL : answers;
}

static const json_t *find_answer(const json_t *answers, const char *name)
{
    for (size_t i = 0; i < json_array_size(answers); i++) {
        const json_t *answer = json_array_get(answers, i);
        const char *found = json_string_value(json_object_get(answer, "name"));
        if (found != NULL && strcmp(found, name) == 0) {
            return answer;
        }
    }
    return NULL;
}

static void report_questions(json_t *list)
{
    struct diag why = {.text = ""};
    json_t *answers = ask_broker(&why);
    for (size_t i = 0; i < ARRAY_COUNT(questions); i++) {
        const json_t *answer = find_answer(answers, questions[i].name);
        const char *detail = json_string_value(json_object_get(answer, "text"));
        report(&(struct finding){questions[i].name, questions[i].purpose, questions[i].advice,
                                 detail != NULL ? detail : why.text,
                                 json_is_true(json_object_get(answer, "ok"))},
               list);
    }
    json_decref(answers);
}

// Where the documentation is: in the install, or beside the build folder.
static void print_page(void)
{
    static const char *const folders[] = {"../share/doc/streambroker/docs", "../../docs"};
    for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
        char folder[PATH_MAX];
        if (search_beside_program(folders[i], folder) == 0) {
            printf("\nErrors, and what to do about them: %s/troubleshooting.md\n", folder);
            return;
        }
    }
}

int doctor(bool is_json)
{
    json_t *list = is_json ? json_array() : NULL;
    report_probes(list);
    report_questions(list);
    int status = VERB_OK;
    if (is_json) {
        status = json_dumpf(list, stdout, JSON_INDENT(2)) == 0 ? VERB_OK : VERB_INTERNAL;
        printf("\n");
    } else {
        print_page();
    }
    json_decref(list);
    return status;
}
