// SPDX-License-Identifier: Apache-2.0
// Verbs that start and end things.
#include "broker/broker.h"
#include "broker/control_verb.h"
#include "broker/ending.h"

int control_act_start(struct control_call *call)
{
    switch (call->broker->phase) {
    case BROKER_IDLE:
        broker_start(call->broker);
        return 0;
    case BROKER_STARTING:
    case BROKER_RUNNING:
        return 0;
    case BROKER_ENDING:
    case BROKER_ENDED:
        break;
    }
    return control_call_refuse(call, CONTROL_CODE_FAILED, "the graph has ended");
}

static int look_at_end(struct control_call *call)
{
    const struct broker *broker = call->broker;
    if (broker->phase != BROKER_ENDED) {
        return CONTROL_LATER;
    }
    int status = broker->forced_status != 0 ? broker->forced_status : broker->exit_status;
    control_call_say(call, json_pack("{s:i}", "exit_status", status));
    return 0;
}

int control_act_stop(struct control_call *call)
{
    ending_stop(call->broker, true);
    return control_call_later(call, look_at_end, INT64_MAX);
}
