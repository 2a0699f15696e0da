// SPDX-License-Identifier: Apache-2.0
// Verbs that look and change nothing.
#include <unistd.h>

#include <streambroker/version.h>

#include "base/check.h"
#include "broker/broker.h"
#include "broker/control_server.h"
#include "broker/control_verb.h"

static const char *const phase_names[] = {[BROKER_IDLE] = "idle",
                                          [BROKER_STARTING] = "starting",
                                          [BROKER_RUNNING] = "running",
                                          [BROKER_ENDING] = "ending",
                                          [BROKER_ENDED] = "ended"};

static const char *const answer_names[] = {
    [CONTROL_NONE] = "none", [CONTROL_ONE] = "one", [CONTROL_MANY] = "many"};

int control_show_verbs(struct control_call *call)
{
    json_t *list = json_array();
    const struct control_verb *verb;
    for (size_t i = 0; (verb = control_verb_at(i)) != NULL; i++) {
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "verb", verb->word, "fields", verb->fields,
                            "needs", verb->needs == CONTROL_STARTED ? "started" : "anytime",
                            "answers", answer_names[verb->answers], "text", verb->text));
    }
    control_call_say(call, list);
    return 0;
}

int control_show_status(struct control_call *call)
{
    const struct broker *broker = call->broker;
    json_t *status = json_pack(
        "{s:s, s:i, s:s, s:s, s:i, s:i, s:i, s:i}", "graph", broker->graph->name, "pid",
        (int)getpid(), "version", SB_VERSION_STRING, "state", phase_names[broker->phase], "nodes",
        (int)broker->actual->node_count, "links", (int)broker->actual->link_count, "exit_status",
        broker->exit_status, "left_behind", (int)broker->left_count);
    json_object_set_new(status, "change", control_change_status(broker));
    json_object_set_new(status, "loop_lateness", lateness_json(&broker->lateness));
    json_object_set_new(status, "control", control_server_counts(broker->control));
    json_object_set_new(status, "meters", control_grants_meters(broker));
    control_call_say(call, status);
    return 0;
}
