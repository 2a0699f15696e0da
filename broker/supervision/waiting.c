// SPDX-License-Identifier: Apache-2.0
// Reads from the cursors of links what a node waits for.
#include "broker/supervision/waiting.h"

#include <string.h>

#include "broker/links/queue_look.h"

bool waiting_is_at_work(const struct broker *broker, const struct actual_node *node)
{
    bool is_running = broker->phase == BROKER_RUNNING && node->life.state == NODE_RUNNING;
    // One that was hung up on, or is stopped for itself, owes nothing more.
    bool is_draining = broker->phase == BROKER_ENDING && broker->is_draining &&
                       node->life.state == NODE_STOPPING && node->peer.phase == WIRE_RUNNING &&
                       worker_peer_is_open(&node->peer) && !node->is_stop_wanted;
    return (is_running || is_draining) && node->status != NULL && !node->is_ended &&
           !node->is_killed;
}

// One input port: what its links hold together.
struct port_look {
    uint64_t queued;
    bool is_open;
};

static struct port_look look_at_port(const struct actual_node *node, const char *port)
{
    struct port_look look = {0};
    for (size_t i = 0; i < node->input_count; i++) {
        const struct actual_link *link = node->inputs[i];
        if (strcmp(link->wanted->to.port, port) == 0) {
            struct queue_look queue;
            queue_look_at(link, &queue);
            look.queued += queue.queued;
            look.is_open = look.is_open || !queue.is_over;
        }
    }
    return look;
}

bool waiting_needs_all(const struct actual_node *node)
{
    const struct graph_activation *activation = &node->wanted->found.activation;
    return activation->kind == SB_ACTIVATE_ALL ||
           (activation->kind == SB_ACTIVATE_BATCH && activation->within_ns == 0);
}

bool waiting_is_missing(const struct actual_node *node, const char *port)
{
    const struct graph_activation *activation = &node->wanted->found.activation;
    bool is_batch = activation->kind == SB_ACTIVATE_BATCH && waiting_needs_all(node);
    struct port_look look = look_at_port(node, port);
    return look.is_open && look.queued < (is_batch ? activation->batch : 1);
}

bool waiting_is_activated(const struct actual_node *node)
{
    bool is_any = false;
    for (size_t i = 0; i < node->input_count; i++) {
        const char *port = node->inputs[i]->wanted->to.port;
        is_any = is_any || look_at_port(node, port).queued > 0;
        if (waiting_needs_all(node) && waiting_is_missing(node, port)) {
            return false;
        }
    }
    return is_any;
}

static const char *reader_without_space(const struct actual_node *node)
{
    for (size_t i = 0; i < node->output_count; i++) {
        const struct actual_output *output = node->outputs[i];
        for (size_t j = 0; j < output->link_count; j++) {
            struct queue_look queue;
            queue_look_at(output->links[j], &queue);
            if (link_is_up(output->links[j]->state) && queue.is_full) {
                return output->links[j]->to->life.id;
            }
        }
    }
    return NULL;
}

// An input that is neither over nor has a frame: its producer is the one to ask.
static const char *producer_of_nothing(const struct actual_node *node)
{
    const char *producer = NULL;
    for (size_t i = 0; i < node->input_count; i++) {
        const struct actual_link *link = node->inputs[i];
        struct queue_look queue;
        queue_look_at(link, &queue);
        if (queue.queued > 0 && !waiting_needs_all(node)) {
            return NULL;
        }
        bool is_open = !queue.is_over && queue.queued == 0;
        if (is_open && node_is_alive(link->output->node->life.state)) {
            producer = link->output->node->life.id;
        }
    }
    return producer;
}

const char *waiting_for(const struct actual_node *node)
{
    if (node->status == NULL) {
        return NULL;
    }
    uint32_t phase = atomic_load_explicit(&node->status->phase, memory_order_acquire);
    if (phase == WORKER_NO_SPACE) {
        return reader_without_space(node);
    }
    return phase == WORKER_IDLE ? producer_of_nothing(node) : NULL;
}
