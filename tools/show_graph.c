// SPDX-License-Identifier: Apache-2.0
// Asks for one form of the graph, and prints what comes.
#include "tools/show_graph.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/check.h"
#include "tools/reach.h"

#define ASK_MS 5000

// What was asked for: the form of the request, and how it is printed.
enum form { FORM_TEXT, FORM_DOT, FORM_YAML, FORM_JSON, FORM_PORTS, FORM_SEVERAL };

static const char *const requests[] = {[FORM_TEXT] = "text",
                                       [FORM_DOT] = "dot",
                                       [FORM_YAML] = "yaml",
                                       [FORM_JSON] = "json",
                                       [FORM_PORTS] = "json"};

static enum form form_of(const struct verb_call *call)
{
    static const struct {
        const char *word;
        enum form form;
    } words[] = {
        {"--dot", FORM_DOT}, {"--yaml", FORM_YAML}, {"--json", FORM_JSON}, {"-q", FORM_PORTS}};
    enum form form = FORM_TEXT;
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        if (verb_value(call, words[i].word) != NULL) {
            form = form == FORM_TEXT ? words[i].form : FORM_SEVERAL;
        }
    }
    return form;
}

static bool has_input(const json_t *node, const char *wanted)
{
    size_t index;
    json_t *port;
    json_array_foreach(json_object_get(node, "inputs"), index, port)
    {
        const char *name = json_string_value(json_object_get(port, "name"));
        if (name != NULL && strcmp(name, wanted) == 0) {
            return true;
        }
    }
    return false;
}

// One that is an input and an output is one address.
static void print_addresses(const json_t *node, const char *side, bool is_output)
{
    size_t index;
    json_t *port;
    json_array_foreach(json_object_get(node, side), index, port)
    {
        const char *id = json_string_value(json_object_get(node, "id"));
        const char *name = json_string_value(json_object_get(port, "name"));
        if (id != NULL && name != NULL && !(is_output && has_input(node, name))) {
            printf("%s.%s\n", id, name);
        }
    }
}

static void print_ports(const json_t *graph)
{
    size_t index;
    json_t *node;
    json_array_foreach(json_object_get(graph, "nodes"), index, node)
    {
        print_addresses(node, "inputs", false);
        print_addresses(node, "outputs", true);
    }
}

// Text comes in a document of one member; JSON is what it is.
static int print(const char *document, enum form form)
{
    if (form == FORM_JSON) {
        return printf("%s\n", document) > 0 && fflush(stdout) == 0 ? VERB_OK : VERB_FAILED;
    }
    json_t *json = json_loads(document, 0, NULL);
    const char *text = json_string_value(json_object_get(json, "text"));
    bool is_printed = true;
    if (form == FORM_PORTS) {
        print_ports(json);
    } else {
        is_printed = text != NULL && fputs(text, stdout) >= 0;
    }
    json_decref(json);
    return is_printed && fflush(stdout) == 0 ? VERB_OK : VERB_FAILED;
}

int show_graph(const struct verb_call *call)
{
    enum form form = form_of(call);
    if (form == FORM_SEVERAL) {
        fprintf(stderr, "streamctl graph: --dot, --json, --yaml and -q are one or the other\n");
        return VERB_USAGE;
    }
    struct sb_control *control;
    int status = reach_broker(call, ASK_MS, false, &control);
    if (status != 0) {
        return status;
    }
    const struct sb_control_field field = {"form", requests[form]};
    const char *document = NULL;
    int code = sb_control_call(control, "graph", &field, 1, ASK_MS, &document);
    if (code == 0 && document != NULL) {
        status = print(document, form);
    } else {
        fprintf(stderr, "streamctl graph: %s\n",
                code > 0 ? sb_control_error(control) : "the broker did not answer");
        status = code > 0 ? code : VERB_UNREACHABLE;
    }
    sb_control_close(control);
    return status;
}
