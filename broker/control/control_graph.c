// SPDX-License-Identifier: Apache-2.0
// The verb that shows the graph: the file as it is wanted, or everything with its state.
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "broker/broker.h"
#include "broker/control/control_verb.h"
#include "broker/graph/graph_print.h"
#include "broker/graph/graph_save.h"
#include "broker/snapshot.h"

static int print_yaml(const struct graph *graph, const struct snapshot *snapshot, char **out_text,
                      size_t *out_count)
{
    (void)snapshot;
    return graph_save_yaml(graph, out_text, out_count);
}

// By word; the first one where nothing was asked for.
static const struct {
    const char *word;
    int (*print)(const struct graph *graph, const struct snapshot *snapshot, char **out_text,
                 size_t *out_count);
    bool is_document;  // the text is JSON itself
} forms[] = {
    {"text", graph_print_text, false},
    {"json", graph_print_json, true},
    {"dot", graph_print_dot, false},
    {"yaml", print_yaml, false},
};

int control_graph_show(struct control_call *call)
{
    const char *word = control_call_field(call, "form");
    size_t form = 0;
    while (word != NULL && form < ARRAY_COUNT(forms) && strcmp(forms[form].word, word) != 0) {
        form++;
    }
    if (form == ARRAY_COUNT(forms)) {
        return control_call_refuse(call, CONTROL_CODE_USAGE, "the form is text, json, dot or yaml");
    }
    struct broker *broker = call->broker;
    struct snapshot snapshot;
    int failed = snapshot_take(broker, &snapshot);
    if (failed != 0) {
        return control_call_refuse(call, CONTROL_CODE_INTERNAL, "no memory");
    }
    auto_free char *text = NULL;
    size_t count;
    failed = forms[form].print(broker->graph, &snapshot, &text, &count);
    snapshot_fini(&snapshot);
    if (failed != 0) {
        return control_call_refuse(call, CONTROL_CODE_INTERNAL, "no memory");
    }
    control_call_say(call, forms[form].is_document ? json_loadb(text, count, 0, NULL)
                                                   : json_pack("{s:s%}", "text", text, count));
    return 0;
}
