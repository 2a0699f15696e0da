// SPDX-License-Identifier: Apache-2.0
// Lets go of the links of a node that gets no other life.
#include "broker/lives/life_release.h"

#include "base/clock.h"
#include "base/text.h"
#include "broker/links/generation.h"
#include "broker/links/generation_give.h"
#include "broker/links/link_leave.h"
#include "broker/links/pages.h"
#include "broker/links/wiring.h"
#include "broker/lives/life_message.h"
#include "broker/supervision/handover.h"
#include "broker/supervision/news.h"

static void drop_unused(struct broker *broker, struct actual_output *output)
{
    generation_settle(broker, output);
    if (node_is_alive(output->node->life.state)) {
        return;
    }
    for (size_t i = 0; i < output->link_count; i++) {
        if (link_is_up(output->links[i]->state)) {
            return;
        }
    }
    generation_drop_all(broker, output);
}

// The consumer of a link learns where it ends, unless the producer wrote the end itself. One that
// is being started again learns it with its pages.
static void tell_consumer(struct broker *broker, struct actual_link *link)
{
    if (pages_is_stream_ended(link)) {
        return;
    }
    struct generation *generation = pages_set_lost(link);
    if (generation == NULL) {
        life_message_unlink(broker, link->to, link->id, true);
        return;
    }
    generation_give_end(broker, generation, pages_of(generation, link));
}

static void release_output(struct broker *broker, struct actual_output *output)
{
    handover_drop_unused(broker, output);
    for (size_t i = 0; i < output->link_count; i++) {
        struct actual_link *link = output->links[i];
        if (link->state != LINK_DISCONNECTED) {
            tell_consumer(broker, link);
        }
        if (link_is_legal(link->state, LINK_ON_PRODUCER_GONE)) {
            news_move_link(broker, link, LINK_ON_PRODUCER_GONE, NULL);
        }
    }
    for (size_t i = 0; i < output->generation_count; i++) {
        output->generations[i]->is_orphan = true;
    }
    drop_unused(broker, output);
}

// A lossless producer must not wait for a consumer that is gone: its link becomes a plug.
static void release_input(struct broker *broker, struct actual_link *link, bool is_voluntary)
{
    link->format_serial = 0;
    link->is_voluntary = is_voluntary;
    if (link->is_leaving) {
        link_leave_end(broker, link);  // tells what nobody reads any more
    }
    if (link->state != LINK_DISCONNECTED && node_is_alive(link->output->node->life.state)) {
        life_message_unlink(broker, link->output->node, link->id, false);
    }
    news_move_link(broker, link, LINK_ON_CONSUMER_GONE, NULL);
    drop_unused(broker, link->output);
}

void life_release(struct broker *broker, struct actual_node *node, bool is_voluntary)
{
    for (size_t i = 0; i < node->output_count; i++) {
        release_output(broker, node->outputs[i]);
    }
    for (size_t i = 0; i < node->input_count; i++) {
        release_input(broker, node->inputs[i], is_voluntary);
    }
}

void life_release_waiting(struct broker *broker, struct actual_node *node, const char *why)
{
    node->restart_at_ns = INT64_MAX;
    node_transition(&node->life, NODE_ON_STOP, why, clock_now_ns());
    life_release(broker, node, false);
    news_end_node(broker, node, HEALTH_NODE_STOPPED, "is not started again: %s", why);
}

void life_release_stopped(struct broker *broker, struct actual_node *node, const char *why)
{
    node->restart_at_ns = INT64_MAX;
    node->reason = (struct exit_reason){.kind = EXIT_REASON_STOPPED};
    text_copy(node->reason.text, sizeof node->reason.text, why);
    node_transition(&node->life, NODE_ON_FINISH, why, clock_now_ns());
    life_release(broker, node, true);
    news_end_node(broker, node, HEALTH_NODE_STOPPED, "stopped (%s)", why);
    wiring_advance(broker);
    wiring_check_ready(broker);
}
