// SPDX-License-Identifier: Apache-2.0
// Handles the messages of a worker, phase by phase.
#include "broker/lives/life_hear.h"

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
#include "broker/links/device_pool.h"
#include "broker/links/generation.h"
#include "broker/links/generation_give.h"
#include "broker/links/link_leave.h"
#include "broker/links/wiring.h"
#include "broker/lives/life.h"
#include "broker/lives/life_message.h"
#include "broker/supervision/device_restart.h"
#include "broker/supervision/handover.h"

static void violate(struct broker *broker, struct actual_node *node, const char *what)
{
    life_kill(broker, node, EXIT_REASON_PROTOCOL, "%s", what);
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
    life_message_setup(broker, node);
    if (worker_peer_is_open(&node->peer)) {
        handover_give(broker, node);
    }
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
    struct actual_output *output = NULL;
    if (generation_give_refuse_device(node, &message->device_refused, &output) != 0) {
        violate(broker, node, "DEVICE_REFUSED for what it does not have");
    } else if (output != NULL) {
        wiring_offer_again(output);
        wiring_advance(broker);
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

int life_hear_open(struct broker *broker, struct actual_node *node, int socket)
{
    int failed =
        worker_peer_open(&node->peer, broker->event, socket, &calls, node, broker->incoming);
    if (failed == 0 && device_pool_may_send(node)) {
        worker_peer_take_descriptors(&node->peer);
    }
    return failed;
}
