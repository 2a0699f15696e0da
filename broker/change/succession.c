// SPDX-License-Identifier: Apache-2.0
// Swaps the worker behind a node.
#include "broker/change/succession.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "broker/graph/descriptor.h"
#include "broker/links/generation.h"
#include "broker/links/pages.h"
#include "broker/links/wiring.h"
#include "broker/lives/life.h"
#include "broker/lives/life_message.h"
#include "broker/supervision/handover.h"

static const struct descriptor_port *port_of(const struct graph_node *wanted, const char *name,
                                             const struct descriptor_port *otherwise)
{
    uint32_t index;
    const struct descriptor_port *port =
        descriptor_find_output(wanted->found.descriptor, name, &index);
    return port != NULL ? port : otherwise;
}

int succession_prepare(struct broker *broker, struct actual_node *node, struct graph *graph,
                       const struct graph_node *wanted, struct actual_node **out_newcomer)
{
    struct actual_node *newcomer;
    int failed = actual_add_node(broker->actual, graph, wanted, &newcomer);
    if (failed != 0) {
        return failed;
    }
    newcomer->broker = broker;
    newcomer->is_held = true;
    newcomer->stands_for = node;
    // Its lives are further lives of the same node.
    newcomer->life.generation = node->life.generation;
    *out_newcomer = newcomer;
    for (size_t i = 0; i < node->output_count; i++) {
        const struct actual_output *output = node->outputs[i];
        // Places for what it will offer.
        if (actual_get_output(newcomer, output->name,
                              port_of(wanted, output->name, output->port)) == NULL) {
            return -ENOMEM;
        }
    }
    return 0;
}

static struct generation *readable(const struct actual_link *link)
{
    const struct actual_output *output = link->output;
    for (size_t i = 0; i < output->generation_count; i++) {
        const struct generation_link *pages = pages_of(output->generations[i], link);
        if (pages != NULL && !pages->is_drained) {
            return output->generations[i];
        }
    }
    return generation_newest(output);
}

void succession_tell_formats(struct broker *broker, struct actual_node *newcomer)
{
    const struct actual_node *node = newcomer->stands_for;
    for (size_t i = 0; i < node->input_count; i++) {
        const struct actual_link *link = node->inputs[i];
        const struct generation *generation = readable(link);
        if (link->is_doomed || link->is_leaving || !link_is_up(link->state) || generation == NULL) {
            continue;
        }
        // Its answer is counted, not matched: the link itself may be told something meanwhile.
        newcomer->stale_formats++;
        broker->outgoing->type = WIRE_INPUT_FORMAT;
        broker->outgoing->input_format =
            (struct wire_input_format){.link_id = link->id,
                                       .serial = broker_next_serial(broker),
                                       .format = generation->format,
                                       .frame_bytes_max = generation_frame_bytes(generation)};
        life_send(broker, newcomer, NULL, 0);
    }
}

bool succession_is_ready(const struct actual_node *newcomer)
{
    return newcomer->life.state == NODE_STARTING && newcomer->is_opened &&
           newcomer->status != NULL && newcomer->unmapped == 0 && newcomer->stale_formats == 0;
}

void succession_begin(struct broker *broker, struct actual_node *node, struct actual_node *newcomer)
{
    node->successor = newcomer;
    node->is_doomed = true;
    if (!node_is_alive(node->life.state)) {
        // It waits for its next life, and everything is handed over already.
        if (node->life.state == NODE_BACKING_OFF) {
            node->restart_at_ns = INT64_MAX;
            node_transition(&node->life, NODE_ON_STOP, "another program goes on", clock_now_ns());
        }
        node->first_step = 1;
        succession_finish(broker, node);
        return;
    }
    if (node->peer.phase != WIRE_RUNNING) {
        life_kill(broker, node, EXIT_REASON_STOPPED, "another program goes on");
        return;
    }
    if (node_is_legal(node->life.state, NODE_ON_STOP)) {
        node_transition(&node->life, NODE_ON_STOP, "another program goes on", clock_now_ns());
    }
    node->deadline_ns = INT64_MAX;
    life_expect_exit(broker, node);
    bell_want(&node->bell, WANT_LEAVE);
}

void succession_hand_over(struct broker *broker, struct actual_node *node)
{
    handover_worker(broker, node);
}

static void move_output(struct actual_output *output, struct actual_node *newcomer,
                        const struct actual_output *offered)
{
    output->node = newcomer;
    output->port = offered->port;
    output->is_agreed = false;
    output->offer_count = offered->offer_count;
    memcpy(output->offers, offered->offers, sizeof output->offers);
    output->frame_bytes_max = offered->frame_bytes_max;
    output->is_offered = offered->is_offered;
    output->is_offer_new = offered->offer_count > 0;
}

// The newcomer's outputs were places for its offers; from now on it has those that carry frames.
static void move_outputs(struct actual_node *node, struct actual_node *newcomer)
{
    struct actual_output **places = newcomer->outputs;
    size_t place_count = newcomer->output_count;
    for (size_t i = 0; i < place_count; i++) {
        // What was linked since the newcomer was made has a place at the end.
        move_output(node->outputs[i], newcomer, places[i]);
        free(places[i]);
    }
    for (size_t i = place_count; i < node->output_count; i++) {
        struct actual_output *output = node->outputs[i];
        output->node = newcomer;
        output->port = port_of(newcomer->wanted, output->name, output->port);
        output->is_agreed = false;
    }
    free(places);
    newcomer->outputs = node->outputs;
    newcomer->output_count = node->output_count;
    node->outputs = NULL;
    node->output_count = 0;
}

static void move_inputs(struct actual_node *node, struct actual_node *newcomer)
{
    SB_ASSERT(newcomer->input_count == 0);
    free(newcomer->inputs);
    newcomer->inputs = node->inputs;
    newcomer->input_count = node->input_count;
    for (size_t i = 0; i < newcomer->input_count; i++) {
        newcomer->inputs[i]->to = newcomer;
    }
    node->inputs = NULL;
    node->input_count = 0;
}

// Its worker counts its steps from 1: the numbers that the links have are of another count.
static void forget_steps(struct actual_node *newcomer)
{
    for (size_t i = 0; i < newcomer->output_count; i++) {
        for (size_t j = 0; j < newcomer->outputs[i]->link_count; j++) {
            newcomer->outputs[i]->links[j]->last_step = 0;
        }
    }
}

void succession_finish(struct broker *broker, struct actual_node *node)
{
    struct actual_node *newcomer = node->successor;
    node->successor = NULL;
    move_outputs(node, newcomer);
    move_inputs(node, newcomer);
    newcomer->stands_for = NULL;
    newcomer->is_held = false;
    newcomer->was_ready = node->was_ready;
    newcomer->settled = node->settled;
    newcomer->is_pause_wanted = node->is_pause_wanted;
    if (node->is_repeat) {
        // It was stopped in the middle of a step that some outputs have: only a life that begins
        // with that step knows which.
        newcomer->first_step = node->first_step;
        newcomer->is_repeat = true;
        newcomer->is_restart_wanted = true;
        life_kill(broker, newcomer, EXIT_REASON_STOPPED, "its forerunner left a step half done");
        return;
    }
    forget_steps(newcomer);
    if (!node_is_alive(newcomer->life.state)) {
        return;
    }
    handover_give(broker, newcomer);
    wiring_advance(broker);
}
