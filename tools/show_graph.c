// SPDX-License-Identifier: Apache-2.0
// Asks for one form of the graph, and prints what comes.
#include "tools/show_graph.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/check.h"
#include "tools/reach.h"

#define ASK_MS 5000

// The form that was asked for, NULL for two at once.
static const char *form_of(const struct verb_call *call)
{
    static const char *const words[][2] = {
        {"--dot", "dot"}, {"--json", "json"}, {"--yaml", "yaml"}};
    const char *form = "text";
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (verb_value(call, words[i][0]) != NULL) {
            form = words[i][1];
            count++;
        }
    }
    return count > 1 ? NULL : form;
}

// Text comes in a document of one member; JSON is what it is.
static int print(const char *document, bool is_json)
{
    if (is_json) {
        return printf("%s\n", document) > 0 && fflush(stdout) == 0 ? VERB_OK : VERB_FAILED;
    }
    json_t *json = json_loads(document, 0, NULL);
    const char *text = json_string_value(json_object_get(json, "text"));
    bool is_printed = text != NULL && fputs(text, stdout) >= 0 && fflush(stdout) == 0;
    json_decref(json);
    return is_printed ? VERB_OK : VERB_FAILED;
}

int show_graph(const struct verb_call *call)
{
    const char *form = form_of(call);
    if (form == NULL) {
        fprintf(stderr, "streamctl graph: --dot, --json and --yaml are one or the other\n");
        return VERB_USAGE;
    }
    struct sb_control *control;
    int status = reach_broker(call, ASK_MS, false, &control);
    if (status != 0) {
        return status;
    }
    const struct sb_control_field field = {"form", form};
    const char *document = NULL;
    int code = sb_control_call(control, "graph", &field, 1, ASK_MS, &document);
    if (code == 0 && document != NULL) {
        status = print(document, strcmp(form, "json") == 0);
    } else {
        fprintf(stderr, "streamctl graph: %s\n",
                code > 0 ? sb_control_error(control) : "the broker did not answer");
        status = code > 0 ? code : VERB_UNREACHABLE;
    }
    sb_control_close(control);
    return status;
}
