// SPDX-License-Identifier: Apache-2.0
// Who leaves when a device was lost, and whose turn it is to open it again.
#include "broker/supervision/device_restart.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "broker/lives/life.h"

#define UUID_TEXT_BYTES (2 * SB_DEVICE_UUID_BYTES + 1)

static const char *text_of(const uint8_t uuid[SB_DEVICE_UUID_BYTES], char out[UUID_TEXT_BYTES])
{
    struct text text = text_over(out, UUID_TEXT_BYTES);
    for (size_t i = 0; i < SB_DEVICE_UUID_BYTES; i++) {
        text_add_format(&text, "%02x", uuid[i]);
    }
    return out;
}

static bool is_on(const struct actual_node *node, const uint8_t uuid[SB_DEVICE_UUID_BYTES])
{
    return node->device.is_known && memcmp(node->device.uuid, uuid, SB_DEVICE_UUID_BYTES) == 0;
}

// Whoever has the device, or waits to have it again, leaves it and waits for its turn.
static size_t let_all_leave(struct broker *broker, const struct actual_node *lost)
{
    size_t count = 0;
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        struct actual_node *node = broker->actual->nodes[i];
        enum node_state state = node->life.state;
        bool has_life = state == NODE_RUNNING || state == NODE_PAUSED || state == NODE_BACKING_OFF;
        bool is_staying = node->is_ended || node->is_stop_wanted || node->is_doomed ||
                          node->is_held || node->successor != NULL;
        if (node == lost || !is_on(node, lost->device.uuid) || !has_life || is_staying) {
            continue;
        }
        count++;
        node->device.is_turn_awaited = true;
        if (state == NODE_BACKING_OFF) {
            life_schedule(broker, node);
        } else {
            life_restart(broker, node);
        }
    }
    return count;
}

void device_restart_on_end(struct broker *broker, struct actual_node *node,
                           enum exit_verdict *verdict)
{
    char uuid[UUID_TEXT_BYTES];
    text_of(node->device.uuid, uuid);
    int64_t now_ns = clock_now_ns();
    enum device_loss_answer answer =
        device_loss_note(&broker->device_losses, node->device.uuid, node->begun_ns, now_ns);
    health_say(&broker->health, HEALTH_DEVICE_LOST, node->life.id, node->life.generation, 0,
               "lost its device: %s device=%s", node->device.text, uuid);
    if (broker->phase != BROKER_STARTING && broker->phase != BROKER_RUNNING) {
        return;
    }
    node->device.is_turn_awaited = answer == DEVICE_LOSS_ROUND || answer == DEVICE_LOSS_JOINED;
    if (answer == DEVICE_LOSS_BROKEN) {
        health_say(&broker->health, HEALTH_DEVICE_BROKEN, node->life.id, node->life.generation, 0,
                   "its device is lost again and again: this death counts device=%s", uuid);
        *verdict = *verdict == EXIT_VERDICT_RESTART ? EXIT_VERDICT_FAILED : *verdict;
    } else if (answer == DEVICE_LOSS_ROUND) {
        size_t others = let_all_leave(broker, node);
        health_say(&broker->health, HEALTH_DEVICE_RESTARTING, "", 0, 0,
                   "a device was lost twice within %d s: everything on it starts again, one after "
                   "the other nodes=%zu device=%s",
                   (int)(DEVICE_LOSS_PAIR_NS / CLOCK_NS_PER_S), others + 1, uuid);
    }
}

// Still at it: its old life has not ended, or its new one has not opened the device. Both have
// deadlines.
static bool is_busy(const struct actual_node *node)
{
    bool is_leaving = node->device.is_turn_awaited && node_is_alive(node->life.state);
    bool is_opening = node->device.is_turn &&
                      (node_is_alive(node->life.state) || node->life.state == NODE_BACKING_OFF);
    return is_leaving || is_opening;
}

static bool is_device_busy(const struct actual *actual, const uint8_t uuid[SB_DEVICE_UUID_BYTES])
{
    for (size_t i = 0; i < actual->node_count; i++) {
        if (is_on(actual->nodes[i], uuid) && is_busy(actual->nodes[i])) {
            return true;
        }
    }
    return false;
}

void device_restart_on_opened(struct actual_node *node)
{
    if (node->device.is_turn) {
        node->device.is_turn = false;
        log_node(LOG_DEBUG, node->life.id, node->life.generation, "has its device again");
    }
}

void device_restart_turn(struct broker *broker)
{
    struct actual *actual = broker->actual;
    for (size_t i = 0; i < actual->node_count; i++) {
        struct actual_node *node = actual->nodes[i];
        bool is_waiting = node->device.is_turn_awaited && node->life.state == NODE_BACKING_OFF;
        if (!is_waiting || is_device_busy(actual, node->device.uuid)) {
            continue;
        }
        node->device.is_turn_awaited = false;
        node->device.is_turn = true;
        log_node(LOG_DEBUG, node->life.id, node->life.generation,
                 "its turn to open its device again");
        life_schedule(broker, node);
    }
}
