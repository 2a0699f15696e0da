// SPDX-License-Identifier: Apache-2.0
// What a running node can reach, and what meters it.
#include "broker/broker.h"
#include "broker/control/control_verb.h"
#include "broker/lives/grant_list.h"
#include "broker/lives/metering.h"

json_t *control_grants_meters(const struct broker *broker)
{
    const struct launch_meters *meters = &broker->metering.meters;
    if (!broker->metering.is_open) {
        return json_null();
    }
    char text[256];
    metering_describe(meters, text, sizeof text);
    return json_pack("{s:s, s:s, s:b}", "step", cgroup_step_word(meters->step), "text", text,
                     "own_uid", meters->is_own_uid != 0);
}

// One node only: its plan is made anew, which takes as long as a part of its start.
int control_grants_show(struct control_call *call)
{
    struct actual_node *node;
    int code = control_call_node(call, &node);
    if (code != 0) {
        return code;
    }
    json_t *json;
    if (grant_list_node(call->broker->graph, node->wanted, &json) != 0) {
        return control_call_refuse(call, CONTROL_CODE_INTERNAL, "its plan cannot be made");
    }
    control_call_say(call, json);
    return 0;
}
