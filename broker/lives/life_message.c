// SPDX-License-Identifier: Apache-2.0
// Handles the messages of a worker, phase by phase.
#include "broker/lives/life_message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "broker/change/succession.h"
#include "broker/ending.h"
#include "broker/graph/descriptor.h"
#include "broker/graph/residency.h"
#include "broker/graph/transports.h"
#include "broker/links/device_pool.h"
#include "broker/links/generation.h"
#include "broker/links/generation_give.h"
#include "broker/links/link_leave.h"
#include "broker/links/wiring.h"
#include "broker/lives/cage.h"
#include "broker/lives/life.h"
#include "broker/supervision/device_restart.h"
#include "broker/supervision/handover.h"

static void violate(struct broker *broker, struct actual_node *node, const char *what)
{
    life_kill(broker, node, EXIT_REASON_PROTOCOL, "%s", what);
}

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

static void on_hello(struct broker *broker, struct actual_node *node,
                     const struct wire_message *message)
{
    const struct wire_hello *hello = &message->hello;
    if (hello->digest != node->wanted->found.descriptor->digest) {
        violate(broker, node,
                "the program changed after the graph was checked: its description "
                "is another one now");
        return;
    }
    send_setup(broker, node);
    if (!worker_peer_is_open(&node->peer)) {
        return;
    }
    life_message_give_status(broker, node);
    give_bell(broker, node);
    tell_gone_links(broker, node);
    handover_give(broker, node);
}

static void on_opened(struct broker *broker, struct actual_node *node,
                      const struct wire_message *message)
{
    (void)message;
    if (node->is_opened) {
        violate(broker, node, "OPENED twice");
        return;
    }
    node->is_opened = true;
    device_restart_on_opened(node);
    if (node->stands_for != NULL) {
        succession_tell_formats(broker, node);
    } else {
        handover_tell_formats(broker, node);
    }
    wiring_advance(broker);
}

static void on_failed(struct broker *broker, struct actual_node *node,
                      const struct wire_message *message)
{
    char text[LIMIT_ERROR_TEXT_BYTES_MAX];
    struct text escaped = TEXT_OVER(text);
    text_add_escaped(&escaped, message->failed.text, strlen(message->failed.text));
    exit_reason_note(&node->reason, text);
    node->is_open_failed = node->peer.phase == WIRE_OPENING;
    if (node->peer.phase == WIRE_OPENING && node->is_opened) {
        // It refused a format after open(): it waits for what cannot come.
        life_hang_up(broker, node);
    }
}

static void on_formats(struct broker *broker, struct actual_node *node,
                       const struct wire_message *message)
{
    uint32_t index;
    const struct wire_formats *formats = &message->formats;
    if (descriptor_find_output(node->wanted->found.descriptor, formats->output, &index) == NULL) {
        violate(broker, node, "FORMATS for an output that it does not have");
        return;
    }
    struct actual_output *output = actual_output_of(node, formats->output);
    if (output != NULL) {
        wiring_on_formats(broker, output, formats);
    }
}

static void on_format_taken(struct broker *broker, struct actual_node *node,
                            const struct wire_message *message)
{
    if (actual_take_format(node, message->format_taken.serial)) {
        wiring_advance(broker);
        return;
    }
    violate(broker, node, "FORMAT_TAKEN for nothing that was sent");
}

static int map_status(struct actual_node *node)
{
    int failed = segment_seal(node->status_fd, node->status_bytes);
    int reader = failed == 0 ? segment_open_reader(node->status_fd) : failed;
    if (reader < 0) {
        return reader;
    }
    cleanup_fd(&node->status_fd);
    node->status_fd = reader;
    const void *view;
    failed = segment_map_reader(reader, node->status_bytes, &view);
    if (failed == 0) {
        node->status = view;
        node->unmapped--;
    }
    return failed;
}

static void on_mapped(struct broker *broker, struct actual_node *node,
                      const struct wire_message *message)
{
    uint32_t serial = message->mapped.serial;
    bool is_status = serial != 0 && serial == node->status_serial && node->status == NULL;
    int failed = is_status ? map_status(node) : generation_give_on_mapped(broker, node, serial);
    if (failed == -ENOENT && node->stale_maps > 0) {
        node->stale_maps--;
        node->unmapped--;
        failed = 0;
    }
    if (failed == -ENOENT) {
        violate(broker, node, "MAPPED for nothing that was sent");
    } else if (failed == -EPROTO) {
        violate(broker, node, "it changed memory before it was sealed");
    } else if (failed == -EBADMSG) {
        violate(broker, node, "MAPPED without the memory of its device");
    } else if (failed != 0) {
        life_refuse(broker, node, "cannot seal its memory: %s", strerrordesc_np(-failed));
    } else {
        wiring_advance(broker);
    }
}

static void on_ready(struct broker *broker, struct actual_node *node,
                     const struct wire_message *message)
{
    (void)message;
    if (!node->is_start_sent) {
        violate(broker, node, "READY before START");
        return;
    }
    node->peer.phase = WIRE_RUNNING;
    node->was_ready = true;
    life_expect_nothing(broker, node);
    if (node_is_legal(node->life.state, NODE_ON_READY)) {
        node_transition(&node->life, NODE_ON_READY, "ready", clock_now_ns());
    }
    if (broker->phase == BROKER_RUNNING && node->life.state == NODE_READY) {
        life_run(broker, node);
    } else if (broker->phase == BROKER_ENDING && node->life.state == NODE_READY) {
        ending_drain(broker, node);
    }
    wiring_check_ready(broker);
}

static void on_drained(struct broker *broker, struct actual_node *node,
                       const struct wire_message *message)
{
    struct actual_link *link = actual_input_of(node, message->drained.link_id);
    if (link == NULL || generation_on_drained(broker, link, message->drained.generation) != 0) {
        violate(broker, node, "DRAINED for a generation that it does not have");
        return;
    }
    wiring_advance(broker);
}

static void on_ended(struct broker *broker, struct actual_node *node,
                     const struct wire_message *message)
{
    (void)message;
    node->is_ended = true;
    // What is left is close(), which may hang like any other call.
    life_expect_exit(broker, node);
}

static void on_config_done(struct broker *broker, struct actual_node *node,
                           const struct wire_message *message)
{
    const struct wire_config_done *done = &message->config_done;
    if (node->config_serial == 0 || done->serial > node->config_serial) {
        violate(broker, node, "CONFIG_DONE for nothing that was sent");
    } else if (done->serial == node->config_serial) {
        struct text escaped = TEXT_OVER(node->config_text);
        text_add_escaped(&escaped, done->text, strlen(done->text));
        node->config_serial = 0;
        node->config_result = done->code;
    }
}

static void on_leaving(struct broker *broker, struct actual_node *node,
                       const struct wire_message *message)
{
    struct actual_link *link = actual_input_of(node, message->leaving.link_id);
    if (link == NULL || !link->is_leaving) {
        violate(broker, node, "LEAVING for a link that it was not told of");
        return;
    }
    link_leave_on_known(broker, link);
}

static void on_left(struct broker *broker, struct actual_node *node,
                    const struct wire_message *message)
{
    struct actual_link *link = actual_input_of(node, message->left.link_id);
    if (link == NULL || !link->is_leaving) {
        violate(broker, node, "LEFT for a link that it was not told of");
        return;
    }
    link_leave_end(broker, link);
}

static void on_device(struct broker *broker, struct actual_node *node,
                      const struct wire_message *message)
{
    if (!residency_is_granted(node->wanted)) {
        violate(broker, node, "DEVICE without a grant of it");
        return;
    }
    node->device.is_known = true;
    memcpy(node->device.uuid, message->device.device_uuid, sizeof node->device.uuid);
    node->gpu.is_known = true;
    node->gpu.device = message->device;
    // A name is for people, and may hold what terminals obey.
    struct text escaped = TEXT_OVER(node->gpu.device.name);
    text_add_escaped(&escaped, message->device.name, strlen(message->device.name));
}

static void on_device_lost(struct broker *broker, struct actual_node *node,
                           const struct wire_message *message)
{
    const char *text = message->device_lost.text;
    if (!node->device.is_known) {
        violate(broker, node, "DEVICE_LOST before DEVICE");
        return;
    }
    struct text escaped = TEXT_OVER(node->device.text);
    text_add_escaped(&escaped, text, strlen(text));
    node->device.is_lost = true;
    exit_reason_note(&node->reason, "its device was lost");
    life_expect_exit(broker, node);
}

static void on_device_pool(struct broker *broker, struct actual_node *node,
                           const struct wire_message *message)
{
    const char *fault = "";
    int failed = generation_give_take_device(node, &message->device_pool, &node->peer.fd, &fault);
    if (failed == -ENOENT && node->stale_maps > 0) {
        return;  // of memory that was dropped meanwhile: its MAPPED comes next
    }
    if (failed == -ENOENT) {
        violate(broker, node, "DEVICE_POOL for nothing that was sent");
    } else if (failed != 0) {
        life_kill(broker, node, EXIT_REASON_PROTOCOL, "what it called memory of its device %s",
                  fault);
    }
}

static void on_device_refused(struct broker *broker, struct actual_node *node,
                              const struct wire_message *message)
{
    if (device_pool_refuse(broker, node, &message->device_refused) != 0) {
        violate(broker, node, "DEVICE_REFUSED for what it does not have");
    }
}

typedef void (*handler_fn)(struct broker *broker, struct actual_node *node,
                           const struct wire_message *message);

static const handler_fn handlers[] = {
    [WIRE_HELLO] = on_hello,
    [WIRE_OPENED] = on_opened,
    [WIRE_FAILED] = on_failed,
    [WIRE_FORMATS] = on_formats,
    [WIRE_FORMAT_TAKEN] = on_format_taken,
    [WIRE_MAPPED] = on_mapped,
    [WIRE_READY] = on_ready,
    [WIRE_CONFIG_DONE] = on_config_done,
    [WIRE_DRAINED] = on_drained,
    [WIRE_ENDED] = on_ended,
    [WIRE_LEAVING] = on_leaving,
    [WIRE_LEFT] = on_left,
    [WIRE_DEVICE] = on_device,
    [WIRE_DEVICE_LOST] = on_device_lost,
    [WIRE_DEVICE_POOL] = on_device_pool,
    [WIRE_DEVICE_REFUSED] = on_device_refused,
};

static void on_message(void *argument, const struct wire_message *message)
{
    struct actual_node *node = argument;
    // The decoder lets only messages of this direction through.
    SB_ASSERT(message->type < ARRAY_COUNT(handlers) && handlers[message->type] != NULL);
    handlers[message->type](node->broker, node, message);
}

static void on_gone(void *argument, int error, const char *reason)
{
    struct actual_node *node = argument;
    if (error != 0) {
        life_kill(node->broker, node, EXIT_REASON_PROTOCOL, "%s", reason);
        return;
    }
    // It is about to exit; a process that only closed its socket is not waited for much longer.
    life_expect_exit(node->broker, node);
}

static void drop_fd(void *argument, int fd)
{
    struct actual_node *node = argument;
    memory_thread_close_fd(node->broker->memory, fd);
}

static const struct worker_peer_calls calls = {
    .on_message = on_message, .on_gone = on_gone, .drop_fd = drop_fd};

int life_message_open(struct broker *broker, struct actual_node *node, int socket)
{
    int failed =
        worker_peer_open(&node->peer, broker->event, socket, &calls, node, broker->incoming);
    if (failed == 0 && device_pool_may_send(node)) {
        worker_peer_take_descriptors(&node->peer);
    }
    return failed;
}
