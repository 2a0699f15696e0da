// SPDX-License-Identifier: Apache-2.0
// Fills the messages to a worker.
#include "broker/lives/life_message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "broker/graph/descriptor.h"
#include "broker/graph/transports.h"
#include "broker/links/generation.h"
#include "broker/lives/cage.h"
#include "broker/lives/life.h"

bool life_message_is_heard(const struct actual_node *node)
{
    return node_is_alive(node->life.state) && !node->is_killed &&
           worker_peer_is_open(&node->peer) && node->peer.phase != WIRE_CONNECTED;
}

void life_message_unlink(struct broker *broker, struct actual_node *node, uint32_t link_id,
                         bool is_ended)
{
    if (node->peer.phase == WIRE_CONNECTED) {
        return;  // told after its SETUP
    }
    broker->outgoing->type = WIRE_UNLINK;
    broker->outgoing->unlink = (struct wire_unlink){.link_id = link_id, .is_ended = is_ended};
    life_send(broker, node, NULL, 0);
}

// Where the two ends of a transport meet: nobody else on this machine has that name.
static void fill_transport(struct wire_link *to, const struct actual_link *link)
{
    if (transports_is_ring(link->wanted)) {
        return;
    }
    static uint32_t last_meeting;
    struct actual_output *output = link->output;
    output->meeting = output->meeting != 0 ? output->meeting : ++last_meeting;
    text_copy(to->transport, sizeof to->transport, link->wanted->transport);
    snprintf(to->address, sizeof to->address, "streambroker-%ld-%u", (long)getpid(),
             output->meeting);
}

// is_fresh: its worker counts its steps from the beginning.
static void fill_link(struct wire_link *to, const struct actual_link *link, bool is_output,
                      bool is_fresh)
{
    *to = (struct wire_link){
        .link_id = link->id, .is_output = is_output, .delivery = actual_delivery(link)};
    // Where several frames of a step can go out nobody can tell which did: all go out again.
    if (is_output && !is_fresh && link->output->port->is_one_per_step) {
        to->last_step = link->last_step;
    }
    const struct graph_link *wanted = link->wanted;
    text_copy(to->port, sizeof to->port, is_output ? wanted->from.port : wanted->to.port);
    text_copy(to->peer, sizeof to->peer, is_output ? link->to_address : link->output->address);
    fill_transport(to, link);
}

// A worker that is to take over from another one gets the links that will be left then.
static bool is_told(const struct actual_link *link, bool is_fresh)
{
    return !is_fresh || (!link->is_doomed && !link->is_leaving);
}

static size_t fill_links(const struct actual_node *node, struct wire_link *links)
{
    bool is_fresh = node->stands_for != NULL;
    const struct actual_node *owner = is_fresh ? node->stands_for : node;
    size_t count = 0;
    for (size_t i = 0; i < owner->input_count; i++) {
        if (is_told(owner->inputs[i], is_fresh)) {
            fill_link(&links[count++], owner->inputs[i], false, is_fresh);
        }
    }
    for (size_t i = 0; i < owner->output_count; i++) {
        for (size_t j = 0; j < owner->outputs[i]->link_count; j++) {
            if (is_told(owner->outputs[i]->links[j], is_fresh)) {
                fill_link(&links[count++], owner->outputs[i]->links[j], true, is_fresh);
            }
        }
    }
    return count;
}

void life_message_link(struct broker *broker, struct actual_node *node,
                       const struct actual_link *link, bool is_output)
{
    if (!life_message_is_heard(node)) {
        return;  // its SETUP has it
    }
    broker->outgoing->type = WIRE_LINK;
    fill_link(&broker->outgoing->link, link, is_output, false);
    // What was ordered before it was added does not have it.
    bool is_new = is_output && link->state == LINK_PENDING;
    broker->outgoing->link.generation = is_new ? link->output->generation : 0;
    life_send(broker, node, NULL, 0);
}

void life_message_leave(struct broker *broker, struct actual_node *node,
                        const struct actual_link *link)
{
    if (life_message_is_heard(node)) {
        broker->outgoing->type = WIRE_LEAVE;
        broker->outgoing->leave.link_id = link->id;
        life_send(broker, node, NULL, 0);
    }
}

static size_t fill_params(const struct graph_pairs *pairs, struct wire_param *params)
{
    for (size_t i = 0; i < pairs->count; i++) {
        text_copy(params[i].name, sizeof params[i].name, pairs->items[i].name);
        params[i].value = pairs->items[i].value;
    }
    return pairs->count;
}

static const char *value_of(const struct graph_pairs *pairs, const struct descriptor_param *param)
{
    for (size_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->items[i].name, param->name) == 0) {
            return pairs->items[i].value;
        }
    }
    return param->initial;
}

int life_message_config(struct broker *broker, struct actual_node *node)
{
    const struct descriptor *descriptor = node->wanted->found.descriptor;
    struct wire_param *params = calloc(descriptor->param_count + 1, sizeof *params);
    if (params == NULL) {
        return -ENOMEM;
    }
    // All of them: one that is not in the graph any more has its initial value again.
    size_t count = 0;
    for (size_t i = 0; i < descriptor->param_count && count < SB_PARAMS_MAX; i++) {
        const struct descriptor_param *param = &descriptor->params[i];
        params[count].value = value_of(&node->wanted->found.params, param);
        if (params[count].value != NULL) {
            text_copy(params[count].name, sizeof params[count].name, param->name);
            count++;
        }
    }
    node->config_serial = broker_next_serial(broker);
    node->config_result = 0;
    broker->outgoing->type = WIRE_CONFIG;
    broker->outgoing->config =
        (struct wire_config){.serial = node->config_serial, .param_count = count, .params = params};
    life_send(broker, node, NULL, 0);
    free(params);
    return 0;
}

// A life that is not the first one uses no tick that the one before may have used.
static uint64_t first_tick(const struct broker *broker, const struct actual_node *node)
{
    const struct bell_clock *clock = &broker->clock;
    int64_t since_ns = clock_now_ns() - clock->epoch_ns;
    if (node->life.generation <= 1 || since_ns < 0 || clock->fps_denominator == 0) {
        return 0;
    }
    uint64_t second_ns = (uint64_t)CLOCK_NS_PER_S * clock->fps_denominator;
    uint64_t seconds = (uint64_t)since_ns / second_ns;
    uint64_t rest_us = (uint64_t)since_ns % second_ns / 1000;
    uint64_t ticks =
        seconds * clock->fps_numerator + rest_us * clock->fps_numerator / (second_ns / 1000);
    return clock->base + ticks + 1;
}

static void fill_setup(const struct broker *broker, const struct actual_node *node,
                       struct wire_setup *setup)
{
    const struct graph_node *wanted = node->wanted;
    const struct graph_activation *activation = &wanted->found.activation;
    bool is_auto = wanted->run.spin_ns == GRAPH_AUTO_NS;
    *setup = (struct wire_setup){.generation = node->life.generation,
                                 .mode = wanted->found.mode,
                                 .interval_ns = wanted->found.interval_ns,
                                 .activation = activation->kind,
                                 .batch_count = activation->batch,
                                 .batch_within_ns = activation->within_ns,
                                 .every_ns = activation->every_ns,
                                 .spin_ns = is_auto ? 0 : wanted->run.spin_ns,
                                 .is_spin_auto = is_auto,
                                 .is_clock_precise = broker->graph->clock.is_precise,
                                 .first_step = node->first_step,
                                 .first_tick = first_tick(broker, node)};
    text_copy(setup->node_id, sizeof setup->node_id, node->life.id);
    if (!cage_is_wanted(wanted)) {
        transports_path(setup->transport_path);
    }
}

// Links that were over before the worker could be told.
static void tell_gone_links(struct broker *broker, struct actual_node *node)
{
    for (size_t i = 0; i < node->input_count; i++) {
        const struct actual_link *link = node->inputs[i];
        if (link->state == LINK_DISCONNECTED) {
            life_message_unlink(broker, node, link->id, !link->is_leaving);
        } else if (link->is_leaving) {
            life_message_leave(broker, node, link);
        }
    }
    for (size_t i = 0; i < node->output_count; i++) {
        for (size_t j = 0; j < node->outputs[i]->link_count; j++) {
            enum link_state state = node->outputs[i]->links[j]->state;
            if (state == LINK_DISCONNECTED || state == LINK_DISCONNECTING) {
                life_message_unlink(broker, node, node->outputs[i]->links[j]->id, false);
            }
        }
    }
}

static void send_setup(struct broker *broker, struct actual_node *node)
{
    size_t param_count = node->wanted->found.params.count;
    auto_free struct wire_param *params = calloc(param_count + 1, sizeof *params);
    auto_free struct wire_link *links = calloc(WIRE_LINKS_MAX, sizeof *links);
    if (params == NULL || links == NULL) {
        life_refuse(broker, node, "no memory");
        return;
    }
    struct wire_message *message = broker->outgoing;
    message->type = WIRE_SETUP;
    fill_setup(broker, node, &message->setup);
    message->setup.param_count = fill_params(&node->wanted->found.params, params);
    message->setup.params = params;
    message->setup.link_count = fill_links(node, links);
    message->setup.links = links;
    life_send(broker, node, NULL, 0);
    node->peer.phase = WIRE_OPENING;
}

void life_message_give_status(struct broker *broker, struct actual_node *node)
{
    if (node->status_fd < 0 || node->peer.phase == WIRE_CONNECTED || node->status_serial != 0) {
        return;
    }
    node->status_serial = broker_next_serial(broker);
    node->unmapped++;
    broker->outgoing->type = WIRE_MEMORY;
    broker->outgoing->memory = (struct wire_memory){.serial = node->status_serial,
                                                    .kind = WIRE_MEMORY_STATUS,
                                                    .size_bytes = node->status_bytes};
    life_send(broker, node, &node->status_fd, 1);
}

static void give_bell(struct broker *broker, struct actual_node *node)
{
    broker->outgoing->type = WIRE_BELL;
    broker->outgoing->bell = (struct wire_bell){.size_bytes = node->bell.size_bytes};
    life_send(broker, node, &node->bell.reader_fd, 1);
}

void life_message_setup(struct broker *broker, struct actual_node *node)
{
    send_setup(broker, node);
    if (worker_peer_is_open(&node->peer)) {
        life_message_give_status(broker, node);
        give_bell(broker, node);
        tell_gone_links(broker, node);
    }
}
