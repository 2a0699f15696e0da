// SPDX-License-Identifier: Apache-2.0
// Each kind of step: a row of three functions.
#include "broker/change/change_step.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "broker/change/succession.h"
#include "broker/ending.h"
#include "broker/links/generation.h"
#include "broker/links/generation_order.h"
#include "broker/links/link_leave.h"
#include "broker/links/pages.h"
#include "broker/links/room.h"
#include "broker/links/wiring.h"
#include "broker/lives/domain.h"
#include "broker/lives/life.h"
#include "broker/lives/life_message.h"

#define STATUS_FAILED 1
#define STATUS_INVALID 78
#define STATUS_TIMED_OUT 124

// For memory to be made, mapped and sealed, and for what is under way to be read to its end.
#define WIRE_NS (10 * CLOCK_NS_PER_S)
#define UPDATE_NS (30 * CLOCK_NS_PER_S)
// Beyond the timeout of a node: for a kill to be told by the launcher.
#define KILL_NS (4 * CLOCK_NS_PER_S)

typedef void (*step_fn)(struct broker *broker, struct change *change, struct change_item *item);

// --- unwire -----------------------------------------------------------------------------------

static bool is_starting(const struct actual_node *node)
{
    return node->life.state == NODE_STARTING || node->life.state == NODE_READY;
}

static bool is_between_lives(const struct actual_node *node)
{
    return node->is_restart_wanted || is_starting(node) || node->life.state == NODE_BACKING_OFF;
}

// What waits for the next life of its reader is read by that life, which begins at once. A node
// that is taken away likewise owes what it would make of its inputs: the links behind it stay.
static bool hasten_ends(struct broker *broker, const struct actual_link *link)
{
    if (!link_is_up(link->state)) {
        return false;
    }
    bool is_owed = actual_delivery(link) == SB_DELIVERY_LOSSLESS;
    bool is_reader_out = is_owed && ending_hasten(broker, link->to);
    struct actual_node *from = link->output->node;
    bool is_writer_out = from->is_doomed && ending_hasten(broker, from);
    return is_reader_out || is_writer_out;
}

static void unwire_begin(struct broker *broker, struct change *change, struct change_item *item)
{
    (void)change;
    item->is_waiting = item->link != NULL && hasten_ends(broker, item->link);
    if (item->link != NULL && !item->is_waiting) {
        link_leave_begin(broker, item->link);
    }
}

// A link of a node that is taken away as well ends with it.
static void unwire_look(struct broker *broker, struct change *change, struct change_item *item)
{
    (void)change;
    struct actual_link *link = item->link;
    if (item->is_waiting) {
        const struct actual_node *from = link->output->node;
        item->is_waiting =
            is_between_lives(link->to) || (from->is_doomed && is_between_lives(from));
        if (item->is_waiting) {
            return;
        }
        link_leave_begin(broker, link);
    }
    item->is_done = link == NULL || link_leave_is_over(link) ||
                    (link->is_leave_told && (link->to->is_doomed || link->output->node->is_doomed));
}

static void unwire_expire(struct broker *broker, struct change *change, struct change_item *item)
{
    (void)change;
    link_leave_end(broker, item->link);
    item->is_done = true;
}

// --- stop -------------------------------------------------------------------------------------

static void stop_begin(struct broker *broker, struct change *change, struct change_item *item)
{
    (void)change;
    struct actual_node *node = item->node;
    ending_stop_node(broker, node, WANT_DRAIN, "it is taken away");
    if (node_is_alive(node->life.state)) {
        life_expect_exit(broker, node);
    }
}

static bool has_links(const struct actual_node *node)
{
    for (size_t i = 0; i < node->input_count; i++) {
        if (!link_leave_is_over(node->inputs[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < node->output_count; i++) {
        for (size_t j = 0; j < node->outputs[i]->link_count; j++) {
            if (!link_leave_is_over(node->outputs[i]->links[j])) {
                return true;
            }
        }
    }
    return false;
}

static void stop_look(struct broker *broker, struct change *change, struct change_item *item)
{
    (void)broker;
    (void)change;
    const struct actual_node *node = item->node;
    bool is_gone = node_is_over(node->life.state) || node->life.state == NODE_CREATED;
    item->is_done = is_gone && !has_links(node);
}

static void stop_expire(struct broker *broker, struct change *change, struct change_item *item)
{
    (void)change;
    struct actual_node *node = item->node;
    if (node_is_alive(node->life.state)) {
        return;  // it is being killed: that ends by itself
    }
    for (size_t i = 0; i < node->input_count; i++) {
        link_leave_end(broker, node->inputs[i]);
    }
    for (size_t i = 0; i < node->output_count; i++) {
        for (size_t j = 0; j < node->outputs[i]->link_count; j++) {
            link_leave_end(broker, node->outputs[i]->links[j]);
        }
    }
    item->is_done = true;
}

// --- start and replace ------------------------------------------------------------------------

static void start_begin(struct broker *broker, struct change *change, struct change_item *item)
{
    (void)change;
    item->node->is_held = false;
    wiring_advance(broker);
}

// What happens to it from here on is supervision's.
static void start_look(struct broker *broker, struct change *change, struct change_item *item)
{
    (void)broker;
    (void)change;
    item->is_done = !is_starting(item->node);
}

static void replace_step_begin(struct broker *broker, struct change *change,
                               struct change_item *item)
{
    (void)change;
    succession_begin(broker, item->node->stands_for, item->node);
}

static void replace_look(struct broker *broker, struct change *change, struct change_item *item)
{
    (void)broker;
    (void)change;
    item->is_done = item->node->stands_for == NULL && !is_starting(item->node);
}

static void wait_on(struct broker *broker, struct change *change, struct change_item *item)
{
    (void)broker;
    (void)change;
    (void)item;  // deadlines of its own end it
}

// --- wire -------------------------------------------------------------------------------------

// A process moves into a domain by a new life only.
static bool move_inside(struct broker *broker, struct actual_node *node)
{
    bool is_outside = !node->is_inside && node_is_alive(node->life.state) && domain_is_needed(node);
    if (is_outside) {
        log_node(LOG_INFO, node->life.id, node->life.generation,
                 "begins again in the domain of iceoryx, for a link of that transport");
        life_restart(broker, node);
    }
    return is_outside;
}

static void wire_now(struct broker *broker, struct change_item *item)
{
    struct actual_link *link = item->link;
    struct actual_output *output = link->output;
    link->is_held = false;
    life_message_link(broker, link->to, link, false);
    life_message_link(broker, output->node, link, true);
    if (link->state == LINK_DISCONNECTED) {
        // One end was gone before it was wired: the other one does not wait for it.
        life_message_unlink(broker, link->to, link->id, true);
        life_message_unlink(broker, output->node, link->id, false);
    }
    // An output that had no link before offers now, and so does a life that has just begun.
    wiring_offer_again(output);
    wiring_advance(broker);
}

static void wire_begin(struct broker *broker, struct change *change, struct change_item *item)
{
    (void)change;
    bool is_from_outside = move_inside(broker, item->link->output->node);
    item->is_moving = move_inside(broker, item->link->to) || is_from_outside;
    if (!item->is_moving) {
        wire_now(broker, item);
    }
}

// New memory waits until its producer writes the memory before it, and until readers that are far
// behind have read on. Somebody who is paused and has to do that, or NULL.
static const struct actual_node *paused_one(const struct actual_output *output)
{
    enum room room = room_look(output);
    if (room == ROOM_BUSY) {
        return output->node->is_pause_wanted ? output->node : NULL;
    }
    for (size_t i = 0; i < output->link_count && room == ROOM_UNREAD; i++) {
        const struct actual_link *link = output->links[i];
        if (link->to->is_pause_wanted && room_is_far_behind(link)) {
            return link->to;
        }
    }
    return NULL;
}

static void wire_look(struct broker *broker, struct change *change, struct change_item *item)
{
    const struct actual_link *link = item->link;
    if (item->is_moving) {
        item->is_moving = is_between_lives(link->output->node) || is_between_lives(link->to);
        if (!item->is_moving) {
            wire_now(broker, item);
        }
        return;
    }
    const struct actual_node *paused =
        link->state == LINK_PENDING ? paused_one(link->output) : NULL;
    if (paused != NULL) {
        log_line(LOG_INFO, "link %s gets its memory when %s goes on after its pause", link->name,
                 paused->life.id);
        item->is_done = true;
        return;
    }
    const struct actual_output *output = link->output;
    if (link->state == LINK_ERROR) {
        change_state_fail(change, STATUS_INVALID, "%s: it cannot have frames", item->what->subject);
        item->is_done = true;
        return;
    }
    bool is_silent = link->state == LINK_PENDING && output->offer_count == 0;
    bool is_gone = node_is_over(output->node->life.state) || node_is_over(link->to->life.state) ||
                   !node_is_alive(output->node->life.state);
    item->is_done = is_silent || is_gone || link->state == LINK_WIRED ||
                    link->state == LINK_DISCONNECTED || link->state == LINK_DISCONNECTING;
}

static void wire_expire(struct broker *broker, struct change *change, struct change_item *item)
{
    (void)broker;
    change_state_fail(change, STATUS_TIMED_OUT, "%s: its memory was not in place in time",
                      item->what->subject);
    item->is_done = true;
}

// --- configure --------------------------------------------------------------------------------

static void configure_begin(struct broker *broker, struct change *change, struct change_item *item)
{
    struct actual_node *node = item->node;
    // One that is not there, or not that far, begins with the new parameters.
    if (life_message_is_heard(node) && life_message_config(broker, node) != 0) {
        change_state_fail(change, STATUS_FAILED, "out of memory");
    }
}

static void configure_look(struct broker *broker, struct change *change, struct change_item *item)
{
    (void)broker;
    const struct actual_node *node = item->node;
    item->is_done = node->config_serial == 0 || !node_is_alive(node->life.state);
    if (item->is_done && node->config_result < 0) {
        change_state_fail(change, STATUS_INVALID, "node '%s' refused its parameters: %s",
                          node->life.id, node->config_text);
    }
}

static void configure_expire(struct broker *broker, struct change *change, struct change_item *item)
{
    (void)broker;
    change_state_fail(change, STATUS_TIMED_OUT, "node '%s' did not take its parameters in time",
                      item->what->subject);
    item->is_done = true;
}

// --- update -----------------------------------------------------------------------------------

static void update_begin(struct broker *broker, struct change *change, struct change_item *item)
{
    (void)change;
    struct actual_link *link = item->link;
    if (link == NULL) {
        return;
    }
    item->generation = link->output->generation;
    link->depth = link->wanted->found.depth;
    // The delivery of the generations that come.
    life_message_link(broker, link->to, link, false);
    life_message_link(broker, link->output->node, link, true);
}

static bool is_in_place(const struct actual_link *link)
{
    return generation_is_complete(generation_newest(link->output)) && link->state == LINK_WIRED;
}

static void update_look(struct broker *broker, struct change *change, struct change_item *item)
{
    struct actual_link *link = item->link;
    struct actual_output *output = link == NULL ? NULL : link->output;
    bool is_alive =
        output != NULL && node_is_alive(output->node->life.state) && output->node->is_opened;
    const struct generation *newest = is_alive ? generation_newest(output) : NULL;
    if (newest == NULL || newest->is_orphan || !link_is_up(link->state) ||
        link->state == LINK_DISCONNECTING) {
        // It has no memory yet, or its next life begins with other memory.
        item->is_done = true;
        return;
    }
    if (output->generation > item->generation) {
        item->is_done = is_in_place(link);
        return;
    }
    char why[512] = "";
    int failed = generation_order(broker, output, why, sizeof why);
    const struct actual_node *paused = failed == -EBUSY ? paused_one(output) : NULL;
    if (paused != NULL) {
        log_line(LOG_INFO, "link %s changes when %s goes on after its pause", link->name,
                 paused->life.id);
        wiring_offer_again(output);
        item->is_done = true;
    } else if (failed != 0 && failed != -EBUSY) {
        change_state_fail(change, STATUS_FAILED, "%s", why);
        item->is_done = true;
    }
}

static void update_expire(struct broker *broker, struct change *change, struct change_item *item)
{
    (void)broker;
    change_state_fail(change, STATUS_TIMED_OUT,
                      "link %s: what is in it was not read in time, so it cannot change",
                      item->what->subject);
    item->is_done = true;
}

// --- All of them ------------------------------------------------------------------------------

static const struct step {
    step_fn begin;
    step_fn look;
    step_fn expire;
} steps[DIFFERENCE_KINDS] = {
    [DIFFERENCE_UNWIRE] = {unwire_begin, unwire_look, unwire_expire},
    [DIFFERENCE_STOP] = {stop_begin, stop_look, stop_expire},
    [DIFFERENCE_START] = {start_begin, start_look, wait_on},
    [DIFFERENCE_REPLACE] = {replace_step_begin, replace_look, wait_on},
    [DIFFERENCE_WIRE] = {wire_begin, wire_look, wire_expire},
    [DIFFERENCE_CONFIGURE] = {configure_begin, configure_look, configure_expire},
    [DIFFERENCE_UPDATE] = {update_begin, update_look, update_expire},
};

void change_step_begin(struct broker *broker, struct change *change, struct change_item *item)
{
    steps[item->what->kind].begin(broker, change, item);
}

void change_step_look(struct broker *broker, struct change *change, struct change_item *item)
{
    steps[item->what->kind].look(broker, change, item);
}

void change_step_expire(struct broker *broker, struct change *change, struct change_item *item)
{
    steps[item->what->kind].expire(broker, change, item);
}

int64_t change_step_limit_ns(const struct change_item *item)
{
    switch (item->what->kind) {
    case DIFFERENCE_UNWIRE:
        return item->link == NULL ? 0 : item->link->to->wanted->timeouts.stop_ns;
    case DIFFERENCE_STOP:
        return item->node->wanted->timeouts.stop_ns + KILL_NS;
    case DIFFERENCE_WIRE:
        return WIRE_NS;
    case DIFFERENCE_CONFIGURE:
        return item->node->wanted->timeouts.process_ns + KILL_NS;
    case DIFFERENCE_UPDATE:
        return UPDATE_NS;
    case DIFFERENCE_START:
    case DIFFERENCE_REPLACE:
    case DIFFERENCE_KINDS:
        break;
    }
    return 0;
}
