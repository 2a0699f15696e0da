// SPDX-License-Identifier: Apache-2.0
// Starts every node of the graph, in order.
#include "broker/opening.h"

#include "broker/links/wiring.h"
#include "broker/lives/life_begin.h"

void opening_start(struct broker *broker)
{
    broker->phase = BROKER_STARTING;
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        // A node that fails at once ends the graph: the others are not started then.
        if (broker->phase == BROKER_STARTING) {
            life_begin(broker, broker->actual->nodes[broker->actual->order[i]]);
        }
    }
    if (broker->actual->node_count == 0) {
        wiring_check_ready(broker);
    }
}
