// SPDX-License-Identifier: Apache-2.0
// Tells workers to pause, and sees whether they do.
#include "broker/change/pause.h"

#include "base/clock.h"
#include "broker/supervision/rearm.h"

static void say(struct broker *broker, const struct actual_node *node, enum health_type type,
                const char *text)
{
    health_say(&broker->health, type, node->life.id, node->life.generation, 0, "%s", text);
}

static void apply(struct broker *broker, struct actual_node *node)
{
    node_transition(&node->life, NODE_ON_PAUSE, "a pause was asked for", clock_now_ns());
    bell_want(&node->bell, WANT_PAUSE);
    say(broker, node, HEALTH_NODE_PAUSED, "is paused");
}

bool pause_begin(struct broker *broker, struct actual_node *node)
{
    if (node->is_pause_wanted || node_is_over(node->life.state)) {
        return false;
    }
    node->is_pause_wanted = true;
    if (node->life.state == NODE_RUNNING) {
        apply(broker, node);
    }
    return true;
}

bool pause_end(struct broker *broker, struct actual_node *node)
{
    if (!node->is_pause_wanted) {
        return false;
    }
    node->is_pause_wanted = false;
    if (node->life.state == NODE_PAUSED) {
        node_transition(&node->life, NODE_ON_RESUME, "the pause is over", clock_now_ns());
        bell_want(&node->bell, WANT_RUN);
        rearm_node(broker, node);
        say(broker, node, HEALTH_NODE_RESUMED, "goes on after a pause");
    }
    return true;
}

bool pause_instead_of_run(struct broker *broker, struct actual_node *node)
{
    if (node->is_pause_wanted) {
        apply(broker, node);
    }
    return node->is_pause_wanted;
}

bool pause_is_in_effect(const struct actual_node *node)
{
    if (node->life.state != NODE_PAUSED || node->status == NULL) {
        return node->life.state != NODE_RUNNING;
    }
    switch (atomic_load_explicit(&node->status->phase, memory_order_acquire)) {
    case WORKER_PAUSED:
    case WORKER_NO_SPACE:
        return true;
    case WORKER_IDLE:
        // Its one call lasts for its whole life; it waits inside it.
        return node->wanted->found.mode == SB_MODE_MANUAL;
    default:
        return false;
    }
}
