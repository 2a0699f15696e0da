// SPDX-License-Identifier: Apache-2.0
// Lets the time of nodes begin anew.
#include "broker/supervision/rearm.h"

#include "base/clock.h"

void rearm_lag(const struct actual_node *node, int64_t now_ns)
{
    for (size_t i = 0; i < node->input_count; i++) {
        link_age_rearm(&node->inputs[i]->lag, now_ns);
    }
}

void rearm_node(struct broker *broker, struct actual_node *node)
{
    node->progress = (struct progress){.has_look = false};
    node->cpu_wait_ns = -1;
    rearm_lag(node, clock_now_ns());
    int64_t due_ns = clock_now_ns() + REARM_LOOK_NS;
    if (due_ns < broker->watch_due_ns) {
        broker->watch_due_ns = due_ns;
        broker_arm_timer(broker);
    }
}
