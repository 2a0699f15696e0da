// SPDX-License-Identifier: Apache-2.0
// Takes links apart, and frees what was taken away.
#include "broker/links/link_leave.h"

#include "base/check.h"
#include "base/log.h"
#include "broker/change/change_state.h"
#include "broker/links/generation.h"
#include "broker/links/generation_give.h"
#include "broker/links/pages.h"
#include "broker/links/wiring.h"
#include "broker/lives/life_message.h"
#include "broker/supervision/news.h"

// There is something that its reader may have begun to read.
static bool is_read(const struct actual_link *link)
{
    const struct actual_output *output = link->output;
    for (size_t i = 0; i < output->generation_count; i++) {
        const struct generation_link *pages = pages_of(output->generations[i], link);
        if (pages != NULL && pages->is_read_sent) {
            return true;
        }
    }
    return false;
}

static void tell_rest(struct broker *broker, const struct actual_link *link)
{
    struct account account = pages_account(link);
    account_abandon(&account);
    bool is_loss = account.abandoned > 0 && !link->is_voluntary;
    if (is_loss && actual_delivery(link) == SB_DELIVERY_LOSSLESS) {
        char text[256];
        account_text(&account, text, sizeof text);
        health_say(&broker->health, HEALTH_LINK_CUT, "", 0, 0,
                   "link %s was taken away before all of its frames were read: %s", link->name,
                   text);
    }
}

void link_leave_begin(struct broker *broker, struct actual_link *link)
{
    struct actual_node *to = link->to;
    if (link->is_leaving) {
        return;
    }
    link->is_leaving = true;
    if (link->state == LINK_DISCONNECTED) {
        tell_rest(broker, link);  // its reader has ended already
    } else if (!link_is_up(link->state) || !is_read(link)) {
        link_leave_end(broker, link);
    } else if (to->is_doomed || !life_message_is_heard(to)) {
        // One that is taken away as well takes the end for what it is; one that is started again is
        // told then.
        link_leave_on_known(broker, link);
    } else {
        life_message_leave(broker, to, link);
    }
}

// Returns false when it has no memory in which it could end.
static bool end_for_writer(struct broker *broker, struct actual_link *link)
{
    struct generation *generation = pages_set_lost(link);
    if (generation != NULL) {
        generation_give_end(broker, generation, pages_of(generation, link));
    }
    return generation != NULL;
}

// The worker that runs has memory of the link, in which it can end it. One that has only just begun
// has none yet, and gets none any more.
static bool is_written(const struct actual_link *link)
{
    const struct actual_output *output = link->output;
    for (size_t i = 0; i < output->generation_count; i++) {
        const struct generation_link *pages = pages_of(output->generations[i], link);
        if (pages != NULL && !output->generations[i]->is_orphan && pages->publish.serial != 0) {
            return true;
        }
    }
    return false;
}

void link_leave_on_known(struct broker *broker, struct actual_link *link)
{
    struct actual_node *from = link->output->node;
    if (link->is_leave_told || link->state == LINK_DISCONNECTED) {
        return;
    }
    link->is_leave_told = true;
    if (from->is_doomed && node_is_alive(from->life.state)) {
        return;  // it drains, and ends all of its links
    }
    news_move_link(broker, link, LINK_ON_LEAVE, NULL);
    if (life_message_is_heard(from) && is_written(link)) {
        life_message_leave(broker, from, link);
    } else if (!node_is_over(from->life.state)) {
        // Its next life will not go on with this link: it ends where the broker found its end. One
        // that has begun waits for no memory of it.
        if (life_message_is_heard(from)) {
            life_message_unlink(broker, from, link->id, false);
        }
        if (!end_for_writer(broker, link)) {
            link_leave_end(broker, link);
        }
    }
}

void link_leave_on_writer_gone(struct broker *broker, struct actual_link *link)
{
    if (link->is_leave_told && link->state == LINK_DISCONNECTING && !pages_is_stream_ended(link)) {
        end_for_writer(broker, link);
    }
}

void link_leave_end(struct broker *broker, struct actual_link *link)
{
    if (link_leave_is_over(link)) {
        return;
    }
    link->is_leaving = true;
    link->is_leave_told = true;
    tell_rest(broker, link);
    if (life_message_is_heard(link->to)) {
        life_message_unlink(broker, link->to, link->id, false);
    }
    if (life_message_is_heard(link->output->node)) {
        life_message_unlink(broker, link->output->node, link->id, false);
    }
    link->format_serial = 0;
    news_move_link(broker, link, LINK_ON_CONSUMER_GONE, NULL);
    if (link->state == LINK_ERROR) {
        news_move_link(broker, link, LINK_ON_LEAVE, NULL);
    }
    wiring_advance(broker);
}

bool link_leave_is_over(const struct actual_link *link)
{
    return link->is_leaving && link->state == LINK_DISCONNECTED;
}

// Without a link nobody reads what the output writes: its memory goes, and its worker was told.
static void drop_memory(struct broker *broker, struct actual_output *output)
{
    if (output->link_count > 0) {
        return;
    }
    generation_drop_all(broker, output);
    output->is_agreed = false;
    output->is_offer_new = false;
    output->offer_count = 0;  // it offers again when it has a link again
}

static void report(const struct actual_link *link)
{
    struct account account = pages_account(link);
    account_abandon(&account);
    char text[256];
    account_text(&account, text, sizeof text);
    log_line(LOG_DEBUG, "link %s was taken away: %s", link->name, text);
}

static bool reap_links(struct broker *broker)
{
    struct actual *actual = broker->actual;
    bool is_any = false;
    for (size_t i = actual->link_count; i > 0; i--) {
        struct actual_link *link = actual->links[i - 1];
        struct actual_output *output = link->output;
        if (!link_leave_is_over(link) || !generation_forget(broker, link)) {
            continue;
        }
        report(link);
        actual_remove_link(actual, link);
        drop_memory(broker, output);
        is_any = true;
    }
    return is_any;
}

static bool is_reapable(const struct broker *broker, const struct actual_node *node)
{
    const struct change *change = broker->live.change;
    if (change != NULL && change_state_is_about(change, node)) {
        return false;
    }
    bool is_linked = node->input_count > 0;
    for (size_t i = 0; i < node->output_count; i++) {
        is_linked = is_linked || node->outputs[i]->link_count > 0;
    }
    bool is_gone = node_is_over(node->life.state) || node->life.state == NODE_CREATED;
    return node->is_doomed && is_gone && !is_linked;
}

static bool reap_nodes(struct broker *broker)
{
    struct actual *actual = broker->actual;
    bool is_any = false;
    for (size_t i = actual->node_count; i > 0; i--) {
        struct actual_node *node = actual->nodes[i - 1];
        if (!is_reapable(broker, node)) {
            continue;
        }
        for (size_t j = 0; j < node->output_count; j++) {
            drop_memory(broker, node->outputs[j]);
        }
        broker_release_node(broker);
        actual_remove_node(actual, node);
        is_any = true;
    }
    return is_any;
}

void link_leave_reap(struct broker *broker)
{
    bool is_any = reap_links(broker);
    is_any = reap_nodes(broker) || is_any;
    if (is_any && actual_sort(broker->actual) != 0) {
        log_line(LOG_ERROR, "no memory to find the order of the nodes; the one before holds");
    }
}
