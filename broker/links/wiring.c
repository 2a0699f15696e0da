// SPDX-License-Identifier: Apache-2.0
// Agrees formats in topological order, wires links, and starts the graph when all are ready.
#include "broker/links/wiring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "broker/change/joining.h"
#include "broker/graph/descriptor.h"
#include "broker/links/generation.h"
#include "broker/links/generation_order.h"
#include "broker/links/negotiation.h"
#include "broker/links/room.h"
#include "broker/lives/life.h"
#include "broker/service.h"
#include "broker/supervision/news.h"

#define TEXT_BYTES 4096

// What changes for the same reason on several ways has all come by then.
#define HELD_NS CLOCK_NS_PER_S

// Outputs that must agree on one format, and the links that lead from them.
struct group {
    struct actual_output **outputs;  // owned
    size_t output_count;
    struct actual_link **links;  // owned
    size_t link_count;
};

static bool is_usable(const struct actual_link *link)
{
    return !link->is_held && link->state != LINK_DISCONNECTED &&
           link->state != LINK_DISCONNECTING && link->state != LINK_ERROR;
}

static bool takes_any(const struct actual_link *link)
{
    return link->wanted->found.to_port->type == SB_PORT_ANY;
}

static bool is_same_input(const struct actual_link *a, const struct actual_link *b)
{
    return a->to == b->to && strcmp(a->wanted->to.port, b->wanted->to.port) == 0;
}

static bool is_member(const struct group *group, const struct actual_output *output)
{
    for (size_t i = 0; i < group->output_count; i++) {
        if (group->outputs[i] == output) {
            return true;
        }
    }
    return false;
}

// An output that takes part in a choice: offers were made, and nothing was agreed about them yet.
static bool is_open(const struct actual_output *output)
{
    const struct actual_node *node = output->node;
    return output->is_offer_new && !node->is_held && node_is_alive(node->life.state);
}

// An output that will have offers, but does not have them yet.
static bool is_awaited(const struct actual_output *output)
{
    return !output->is_agreed && !output->is_offer_new && node_is_alive(output->node->life.state);
}

// Adds every open output that leads into the same input as a link of the group. Returns true when
// one that is not open yet should be waited for.
static bool grow(const struct actual *actual, struct group *group)
{
    bool is_incomplete = false;
    for (size_t i = 0; i < group->output_count; i++) {
        struct actual_output *output = group->outputs[i];
        for (size_t j = 0; j < output->link_count; j++) {
            struct actual_link *link = output->links[j];
            if (!is_usable(link)) {
                continue;
            }
            group->links[group->link_count++] = link;
            for (size_t k = 0; k < actual->link_count && !takes_any(link); k++) {
                struct actual_link *other = actual->links[k];
                if (!is_usable(other) || !is_same_input(link, other)) {
                    continue;
                }
                if (is_open(other->output) && !is_member(group, other->output)) {
                    group->outputs[group->output_count++] = other->output;
                }
                is_incomplete = is_incomplete || is_awaited(other->output);
            }
        }
    }
    return is_incomplete;
}

// Another link into the same input that carries a format already, or NULL.
static const struct sb_format *settled_format(const struct actual *actual,
                                              const struct group *group,
                                              const struct actual_link *link)
{
    for (size_t i = 0; i < actual->link_count; i++) {
        const struct actual_link *other = actual->links[i];
        if (is_same_input(link, other) && is_usable(other) && other->output->is_agreed &&
            !is_member(group, other->output)) {
            return &other->output->format;
        }
    }
    return NULL;
}

// True when every consumer of the group is there to be told. In a graph that runs nobody is waited
// for: a consumer that is started again is told then.
static bool is_listened_to(const struct broker *broker, const struct group *group)
{
    if (broker->phase != BROKER_STARTING) {
        return true;
    }
    for (size_t i = 0; i < group->link_count; i++) {
        const struct actual_node *to = group->links[i]->to;
        if (node_is_alive(to->life.state) && !to->is_opened) {
            return false;
        }
    }
    return true;
}

static int choose(const struct actual *actual, const struct group *group,
                  struct sb_format *out_format, bool *out_is_settled, char *text, size_t text_bytes)
{
    auto_free struct negotiation_output *outputs = calloc(group->output_count, sizeof *outputs);
    auto_free struct negotiation_input *inputs = calloc(group->link_count + 1, sizeof *inputs);
    if (outputs == NULL || inputs == NULL) {
        return -ENOMEM;
    }
    bool is_settled = false;
    for (size_t i = 0; i < group->output_count; i++) {
        outputs[i] = (struct negotiation_output){.address = group->outputs[i]->address,
                                                 .formats = group->outputs[i]->offers,
                                                 .format_count = group->outputs[i]->offer_count};
    }
    for (size_t i = 0; i < group->link_count; i++) {
        const struct actual_link *link = group->links[i];
        inputs[i] = negotiation_input_of(link->to_address, link->wanted->found.to_port,
                                         settled_format(actual, group, link));
        is_settled = is_settled || (inputs[i].settled != NULL && !takes_any(group->links[i]));
    }
    *out_is_settled = is_settled;
    struct negotiation negotiation = {.outputs = outputs,
                                      .output_count = group->output_count,
                                      .inputs = inputs,
                                      .input_count = group->link_count};
    return negotiation_choose(&negotiation, out_format, text, text_bytes);
}

// A consumer that runs already learns a new format from the generation that carries it.
static void tell_consumers(struct broker *broker, struct actual_output *output)
{
    uint64_t frame_bytes_max = 0;
    if (generation_order_payload(output, &frame_bytes_max) != 0) {
        return;  // generation_order() refuses it next, with the reason
    }
    for (size_t i = 0; i < output->link_count; i++) {
        struct actual_link *link = output->links[i];
        // One that opens later is told then.
        if (!is_usable(link) || link->to->is_start_sent || !link->to->is_opened) {
            continue;
        }
        actual_expect_format(link, broker_next_serial(broker));
        broker->outgoing->type = WIRE_INPUT_FORMAT;
        broker->outgoing->input_format =
            (struct wire_input_format){.link_id = link->id,
                                       .serial = link->format_serial,
                                       .format = output->format,
                                       .frame_bytes_max = frame_bytes_max};
        life_send(broker, link->to, NULL, 0);
    }
}

static bool has_usable_link(const struct actual_output *output)
{
    for (size_t i = 0; i < output->link_count; i++) {
        if (is_usable(output->links[i])) {
            return true;
        }
    }
    return false;
}

// What runs already goes on without links that were added to it and cannot have their frames.
// Returns whether there was such a link.
static bool refuse_new_links(struct broker *broker, struct actual_output *output, const char *why)
{
    bool is_any = false;
    for (size_t i = 0; i < output->link_count && output->node->was_ready; i++) {
        struct actual_link *link = output->links[i];
        if (is_usable(link) && link->state == LINK_PENDING) {
            is_any = true;
            news_move_link(broker, link, LINK_ON_REFUSED, why);
        }
    }
    return is_any;
}

// The output ends its node. Where the graph goes on, its links say why they never carried anything.
static void refuse_output(struct broker *broker, struct actual_output *output, const char *why)
{
    bool is_left = output->node->wanted->is_optional || broker->phase != BROKER_STARTING;
    for (size_t i = 0; i < output->link_count && is_left; i++) {
        struct actual_link *link = output->links[i];
        if (is_usable(link) && link->state == LINK_PENDING) {
            news_move_link(broker, link, LINK_ON_REFUSED, why);
        }
    }
    life_refuse(broker, output->node, "%s", why);
}

// Once per life of the producer, and again after it went on.
static void tell_awaited(struct broker *broker, struct actual_output *output, const char *why)
{
    const struct node_life *life = &output->node->life;
    if (!output->is_room_told) {
        output->is_room_told = true;
        health_say(&broker->health, HEALTH_MEMORY_AWAITED, life->id, life->generation, 0,
                   "gets memory when frames of its lives before are read: %s", why);
    }
}

static bool is_going_on(const struct actual_output *output)
{
    const struct generation *newest = generation_newest(output);
    return newest != NULL && !newest->is_orphan;
}

static void order(struct broker *broker, struct actual_output *output)
{
    char text[TEXT_BYTES];
    int failed = generation_order(broker, output, text, sizeof text);
    bool is_awaited = failed == -ENOMEM && room_will_come(output);
    output->is_memory_awaited = output->is_memory_awaited && failed == -EBUSY;
    if (failed == 0) {
        output->is_room_told = false;
    } else if (failed == -EBUSY ||
               (is_going_on(output) && refuse_new_links(broker, output, text))) {
        return;
    } else if (is_awaited) {
        output->is_memory_awaited = true;
        tell_awaited(broker, output, text);
    } else if (!refuse_new_links(broker, output, text)) {
        refuse_output(broker, output, text);
    }
}

static void settle(struct broker *broker, struct actual_output *output,
                   const struct sb_format *format)
{
    output->is_offer_new = false;
    output->is_agreed = true;
    output->format = *format;
    char text[TEXT_BYTES];
    sb_format_text(format, text, sizeof text);
    log_line(LOG_DEBUG, "%s carries %s", output->address, text);
    tell_consumers(broker, output);
    if (!has_usable_link(output)) {
        return;
    }
    order(broker, output);
}

static void tell_unread(struct broker *broker, struct actual_output *output)
{
    for (size_t i = 0; i < output->link_count; i++) {
        const struct actual_link *link = output->links[i];
        if (room_is_withheld(link)) {
            char why[2 * LIMIT_ADDRESS_BYTES_MAX];
            snprintf(why, sizeof why, "%s has not read those of %u", link->to_address,
                     room_unread(link));
            tell_awaited(broker, output, why);
        }
    }
}

static bool is_group_busy(struct broker *broker, const struct group *group)
{
    bool is_busy = false;
    for (size_t i = 0; i < group->output_count; i++) {
        enum room room = room_look(group->outputs[i]);
        is_busy = is_busy || room != ROOM_FREE;
        if (room == ROOM_UNREAD) {
            tell_unread(broker, group->outputs[i]);
        }
    }
    return is_busy;
}

static void refuse_group(struct broker *broker, const struct group *group, const char *text)
{
    bool is_any = false;
    for (size_t i = 0; i < group->output_count; i++) {
        group->outputs[i]->is_offer_new = false;
        is_any = refuse_new_links(broker, group->outputs[i], text) || is_any;
    }
    if (!is_any) {
        refuse_output(broker, group->outputs[0], text);
    }
}

// True when converters were put between ends that do not meet: the rest is agreed without them.
static bool join_group(struct broker *broker, const struct group *group, char *text,
                       size_t text_bytes)
{
    auto_free struct joining_link *links = calloc(group->link_count + 1, sizeof *links);
    if (links == NULL) {
        return false;
    }
    for (size_t i = 0; i < group->link_count; i++) {
        struct actual_link *link = group->links[i];
        const struct sb_format *settled =
            takes_any(link) ? NULL : settled_format(broker->actual, group, link);
        links[i] = (struct joining_link){.link = link, .settled = settled};
    }
    size_t length = strlen(text);
    return joining_try(broker, links, group->link_count, text + length, text_bytes - length) == 0;
}

static void hold(struct actual_output *output)
{
    if (output->held_ns == 0) {
        output->held_ns = clock_now_ns();
        output->is_held_told = false;
    }
}

// Returns true when the group was agreed, changed or refused.
static bool agree_group(struct broker *broker, struct group *group, bool is_waiting_allowed)
{
    bool is_incomplete = grow(broker->actual, group);
    if ((is_incomplete && is_waiting_allowed) || !is_listened_to(broker, group) ||
        is_group_busy(broker, group)) {
        return false;
    }
    struct sb_format format;
    char text[TEXT_BYTES];
    bool is_settled = false;
    int failed = choose(broker->actual, group, &format, &is_settled, text, sizeof text);
    if (failed != 0 && is_settled && group->outputs[0]->node->is_start_sent) {
        // The links that bind it may be about to change as well, for the same reason upstream.
        hold(group->outputs[0]);
        return false;
    }
    if (failed == -ENOENT && join_group(broker, group, text, sizeof text)) {
        return true;
    }
    if (failed != 0) {
        refuse_group(broker, group, failed == -ENOMEM ? "no memory" : text);
        return true;
    }
    for (size_t i = 0; i < group->output_count; i++) {
        settle(broker, group->outputs[i], &format);
    }
    return true;
}

static bool agree(struct broker *broker, struct actual_output *output, bool is_waiting_allowed)
{
    const struct actual *actual = broker->actual;
    struct group group = {.output_count = 1};
    auto_free struct actual_output **outputs = calloc(actual->link_count + 1, sizeof *outputs);
    auto_free struct actual_link **links = calloc(actual->link_count + 1, sizeof *links);
    if (outputs == NULL || links == NULL) {
        life_refuse(broker, output->node, "no memory");
        return true;
    }
    group.outputs = outputs;
    group.links = links;
    group.outputs[0] = output;
    return agree_group(broker, &group, is_waiting_allowed);
}

static bool agree_all(struct broker *broker, bool is_waiting_allowed)
{
    const struct actual *actual = broker->actual;
    for (size_t i = 0; i < actual->node_count; i++) {
        struct actual_node *node = actual->nodes[actual->order[i]];
        for (size_t j = 0; j < node->output_count; j++) {
            if (is_open(node->outputs[j]) && agree(broker, node->outputs[j], is_waiting_allowed)) {
                return true;
            }
        }
    }
    return false;
}

// The link whose format stands against the newest offers of an output, NULL when none does.
static const struct actual_link *opponent_of(const struct actual *actual,
                                             const struct actual_output *output)
{
    const struct group alone = {.output_count = 0};
    for (size_t i = 0; i < output->link_count; i++) {
        const struct actual_link *link = output->links[i];
        if (is_usable(link) && !takes_any(link) && settled_format(actual, &alone, link) != NULL) {
            return link;
        }
    }
    return NULL;
}

static void tell_held(struct broker *broker, struct actual_output *output)
{
    char offer[TEXT_BYTES];
    const struct actual_link *link = opponent_of(broker->actual, output);
    sb_format_text(&output->offers[0], offer, sizeof offer);
    const struct node_life *life = &output->node->life;
    health_say(&broker->health, HEALTH_FORMAT_HELD, life->id, life->generation, 0,
               "%s would go on with %s, but another link into %s carries a format that does not "
               "fit: it waits for that one to change or to end",
               output->address, offer, link == NULL ? "the same input" : link->to_address);
}

void wiring_tell_held(struct broker *broker, int64_t now_ns)
{
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        struct actual_node *node = broker->actual->nodes[i];
        for (size_t j = 0; j < node->output_count; j++) {
            struct actual_output *output = node->outputs[j];
            bool is_held = is_open(output) && output->held_ns != 0 && !output->is_held_told;
            if (is_held && now_ns - output->held_ns >= HELD_NS) {
                output->is_held_told = true;
                tell_held(broker, output);
            }
        }
    }
}

void wiring_on_formats(struct broker *broker, struct actual_output *output,
                       const struct wire_formats *formats)
{
    output->offer_count = formats->format_count;
    memcpy(output->offers, formats->formats, formats->format_count * sizeof formats->formats[0]);
    output->frame_bytes_max = formats->frame_bytes_max;
    output->is_offered = true;
    output->is_offer_new = true;
    output->held_ns = 0;
    output->is_memory_awaited = false;
    wiring_advance(broker);
}

void wiring_offer_again(struct actual_output *output)
{
    // A life that has not offered yet will, and may not be given memory before.
    if (output->is_offered && output->offer_count > 0 && node_is_alive(output->node->life.state)) {
        output->is_offer_new = true;
    }
}

static bool has_open_format(const struct actual_node *node)
{
    for (size_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i]->format_serial != 0) {
            return true;
        }
    }
    return false;
}

static bool is_quiet_output(const struct actual_output *output)
{
    const struct generation *newest = generation_newest(output);
    return newest == NULL || generation_is_complete(newest);
}

// Nothing is on its way that could bring a node further.
static bool is_quiet(const struct actual *actual)
{
    for (size_t i = 0; i < actual->node_count; i++) {
        const struct actual_node *node = actual->nodes[i];
        if (!node_is_alive(node->life.state)) {
            continue;
        }
        if (!node->is_opened || node->status == NULL || has_open_format(node)) {
            return false;
        }
        for (size_t j = 0; j < node->output_count; j++) {
            if (!is_quiet_output(node->outputs[j])) {
                return false;
            }
        }
    }
    return true;
}

// One node that is started in a graph that runs: it waits for nobody but itself.
static bool is_node_quiet(const struct actual_node *node)
{
    return node->is_opened && node->status != NULL && node->unmapped == 0 && !has_open_format(node);
}

static void send_starts(struct broker *broker)
{
    bool is_all_quiet = is_quiet(broker->actual);
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        struct actual_node *node = broker->actual->nodes[i];
        bool is_under_way = broker->phase == BROKER_RUNNING || broker->phase == BROKER_ENDING;
        bool is_alone = is_under_way && is_node_quiet(node);
        if ((is_all_quiet || is_alone) && node->life.state == NODE_STARTING &&
            !node->is_start_sent && !node->is_held) {
            node->is_start_sent = true;
            life_expect_ready(broker, node);
            broker->outgoing->type = WIRE_START;
            life_send(broker, node, NULL, 0);
        }
    }
}

// Outputs that were agreed about, and for which there was no memory.
static void order_awaited(struct broker *broker)
{
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        struct actual_node *node = broker->actual->nodes[i];
        for (size_t j = 0; j < node->output_count; j++) {
            struct actual_output *output = node->outputs[j];
            if (output->is_memory_awaited && node_is_alive(node->life.state) &&
                has_usable_link(output)) {
                order(broker, output);
            }
        }
    }
}

static void advance_once(struct broker *broker)
{
    order_awaited(broker);
    while (agree_all(broker, true)) {
    }
    if (is_quiet(broker->actual)) {
        // What is awaited now comes while the graph runs: agree without it, then start.
        while (agree_all(broker, false)) {
        }
    }
    send_starts(broker);
}

void wiring_advance(struct broker *broker)
{
    // Sending can end a worker, which calls this again: one loop, however deep the call.
    broker->is_advance_wanted = true;
    if (broker->is_advancing) {
        return;
    }
    broker->is_advancing = true;
    while (broker->is_advance_wanted) {
        broker->is_advance_wanted = false;
        // A graph that drains still needs memory for what is on its way.
        if (broker->phase != BROKER_IDLE && broker->phase != BROKER_ENDED) {
            advance_once(broker);
        }
    }
    broker->is_advancing = false;
}

void wiring_check_ready(struct broker *broker)
{
    if (broker->phase != BROKER_STARTING) {
        return;
    }
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        enum node_state state = broker->actual->nodes[i]->life.state;
        if (state == NODE_STARTING || state == NODE_BACKING_OFF) {
            return;
        }
    }
    broker->phase = BROKER_RUNNING;
    health_say(&broker->health, HEALTH_GRAPH_RUNNING, "", 0, 0, "the graph runs");
    service_ready("the graph runs");
    // The first tick of all nodes is at the same instant, far enough ahead for every one to see it.
    // In force at once: else a node would tick until then by the clock that it had for open().
    broker->clock.from_ns = clock_now_ns();
    broker->clock.epoch_ns = broker->clock.from_ns + CLOCK_NS_PER_MS;
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        if (broker->actual->nodes[i]->life.state == NODE_READY) {
            life_run(broker, broker->actual->nodes[i]);
        }
    }
}

bool wiring_is_awaiting(const struct broker *broker)
{
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        const struct actual_node *node = broker->actual->nodes[i];
        for (size_t j = 0; j < node->output_count; j++) {
            const struct actual_output *output = node->outputs[j];
            bool is_busy = is_open(output) && room_look(output) != ROOM_FREE;
            if (node_is_alive(node->life.state) && (output->is_memory_awaited || is_busy)) {
                return true;
            }
        }
    }
    return false;
}

int wiring_force(struct broker *broker, struct actual_output *output, char *text, size_t text_bytes)
{
    output->is_room_forced = true;
    if (!output->is_memory_awaited) {
        wiring_advance(broker);
        return output->is_offer_new ? -EBUSY : 0;
    }
    int failed = generation_order(broker, output, text, text_bytes);
    output->is_memory_awaited = failed != 0;
    return failed;
}

static bool is_offer_taken(const struct actual *actual, const struct actual_output *output,
                           const struct sb_format *offer)
{
    struct group nobody = {.output_count = 0};
    for (size_t i = 0; i < output->link_count; i++) {
        const struct actual_link *link = output->links[i];
        if (link->is_doomed || link->is_leaving || !link_is_legal(link->state, LINK_ON_AGREED)) {
            continue;
        }
        struct negotiation_input input = negotiation_input_of(
            link->to_address, link->wanted->found.to_port, settled_format(actual, &nobody, link));
        // What another link of the input carries may still change; what the port takes does not.
        input.settled = output->is_agreed ? input.settled : NULL;
        if (!negotiation_accepts(&input, offer)) {
            return false;
        }
    }
    return true;
}

bool wiring_can_agree(const struct broker *broker, const struct actual_output *output,
                      const struct actual_output *offers)
{
    for (size_t i = 0; i < offers->offer_count; i++) {
        if (is_offer_taken(broker->actual, output, &offers->offers[i])) {
            return true;
        }
    }
    return offers->offer_count == 0;
}
