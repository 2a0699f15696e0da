// SPDX-License-Identifier: Apache-2.0
// Prepares changes, makes them in a graph that is not started, and walks through their steps.
#include "broker/change/change.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "broker/change/change_step.h"
#include "broker/change/succession.h"
#include "broker/change/tempo.h"
#include "broker/ending.h"
#include "broker/graph/graph_fields.h"
#include "broker/links/link_leave.h"
#include "broker/links/wiring.h"
#include "broker/lives/life.h"
#include "broker/lives/life_begin.h"

#define STATUS_FAILED 1
#define STATUS_REFUSED 77
#define STATUS_INVALID 78
#define STATUS_TIMED_OUT 124

// Beyond the start timeout of each node: for the launcher, and for killing what does not answer.
#define CLEAR_NS (10 * CLOCK_NS_PER_S)

static int create(struct graph *before, struct graph *after,
                  const struct graph_difference *difference, struct change **out_change)
{
    struct change *change = calloc(1, sizeof *change);
    if (change == NULL) {
        return -ENOMEM;
    }
    *change = (struct change){.before = graph_hold(before),
                              .after = graph_hold(after),
                              .difference = *difference,
                              .items = calloc(difference->count + 1, sizeof *change->items),
                              .due_ns = INT64_MAX};
    if (change->items == NULL) {
        change_destroy(change);
        return -ENOMEM;
    }
    for (size_t i = 0; i < change->difference.count; i++) {
        change->items[i].what = &change->difference.items[i];
    }
    *out_change = change;
    return 0;
}

int change_create(struct graph *before, struct graph *after, struct change **out_change)
{
    struct graph_difference difference;
    int failed = graph_difference_find(before, after, &difference);
    return failed != 0 ? failed : create(before, after, &difference, out_change);
}

int change_create_again(struct graph *graph, const bool *is_again, const bool *is_out,
                        struct change **out_change)
{
    struct graph_difference difference;
    int failed = graph_difference_again(graph, is_again, is_out, &difference);
    failed = failed != 0 ? failed : create(graph, graph, &difference, out_change);
    if (failed == 0) {
        (*out_change)->is_again = true;
    }
    return failed;
}

void change_destroy(struct change *change)
{
    if (change != NULL) {
        graph_difference_fini(&change->difference);
        graph_destroy(change->before);
        graph_destroy(change->after);
        free(change->items);
        free(change);
    }
}

bool change_must_be_taken_back(const struct change *change)
{
    return change->code != 0 && change->is_made && !change->is_opposite;
}

static const struct graph_node *node_after(const struct change *change,
                                           const struct change_item *item)
{
    return &change->after->nodes[item->what->after];
}

static const struct graph_link *link_after(const struct change *change,
                                           const struct change_item *item)
{
    return &change->after->links[item->what->after];
}

static const struct graph_link *link_before(const struct change *change,
                                            const struct change_item *item)
{
    return &change->before->links[item->what->before];
}

// --- What cannot be done ----------------------------------------------------------------------

static void refuse_over(const struct broker *broker, struct change *change, const char *id)
{
    const struct actual_node *node = actual_find_node(broker->actual, id);
    if (node != NULL && node_is_over(node->life.state)) {
        change_state_fail(change, STATUS_FAILED,
                          "node '%s' is %s; start it again with streamctl start %s, or remove it",
                          id, node_state_name(node->life.state), id);
    }
}

static void refuse_over_ends(const struct broker *broker, struct change *change)
{
    for (size_t i = 0; i < change->difference.count; i++) {
        const struct change_item *item = &change->items[i];
        if (item->what->kind == DIFFERENCE_REPLACE) {
            refuse_over(broker, change, item->what->subject);
        } else if (item->what->kind == DIFFERENCE_WIRE) {
            refuse_over(broker, change, link_after(change, item)->from.node);
            refuse_over(broker, change, link_after(change, item)->to.node);
        }
    }
}

// --- Making room ------------------------------------------------------------------------------

static int add_node(struct broker *broker, struct change *change, struct change_item *item)
{
    char why[256];
    const struct actual_node *before = actual_find_node(broker->actual, item->what->subject);
    int failed = broker_reserve_node(broker, why, sizeof why);
    if (failed != 0) {
        change_state_fail(change, STATUS_INVALID, "%s", why);
        return failed;
    }
    failed = actual_add_node(broker->actual, change->after, node_after(change, item), &item->node);
    if (failed != 0) {
        broker_release_node(broker);
        return failed;
    }
    item->node->broker = broker;
    if (before != NULL) {
        // Its lives are further lives of the same node.
        item->node->life.generation = before->life.generation;
    }
    return 0;
}

static int add_link(struct broker *broker, struct change *change, struct change_item *item)
{
    const struct graph_link *wanted = link_after(change, item);
    struct actual_node *from = actual_find_node(broker->actual, wanted->from.node);
    struct actual_node *to = actual_find_node(broker->actual, wanted->to.node);
    SB_ASSERT(from != NULL && to != NULL);
    return actual_add_link(broker->actual, change->after, wanted, from, to, &item->link);
}

static int add_newcomer(struct broker *broker, struct change *change, struct change_item *item)
{
    char why[256];
    struct actual_node *node = actual_find_node(broker->actual, item->what->subject);
    SB_ASSERT(node != NULL);
    int failed = broker_reserve_node(broker, why, sizeof why);
    if (failed != 0) {
        change_state_fail(change, STATUS_INVALID, "%s", why);
        return failed;
    }
    failed = succession_prepare(broker, node, change->after, node_after(change, item), &item->node);
    if (failed != 0) {
        broker_release_node(broker);
    }
    return failed;
}

// Adds what the steps of one kind will need. Returns 0 or a negative errno.
static int add_all(struct broker *broker, struct change *change, enum difference_kind kind,
                   int (*add)(struct broker *broker, struct change *change,
                              struct change_item *item))
{
    int failed = 0;
    for (size_t i = 0; i < change->difference.count && failed == 0; i++) {
        if (change->items[i].what->kind == kind) {
            failed = add(broker, change, &change->items[i]);
        }
    }
    return failed;
}

// --- The new graph is the one that counts -----------------------------------------------------

static void follow_nodes(struct broker *broker, struct change *change)
{
    for (size_t i = 0; i < change->after->node_count; i++) {
        const struct graph_node *wanted = &change->after->nodes[i];
        struct actual_node *node = actual_find_node(broker->actual, wanted->id);
        if (node != NULL && node->graph != change->after) {
            actual_follow_node(node, change->after, wanted);
        }
    }
}

static void follow_links(struct broker *broker, struct change *change)
{
    for (size_t i = 0; i < change->after->link_count; i++) {
        const struct graph_link *wanted = &change->after->links[i];
        struct actual_link *link = actual_find_link(broker->actual, &wanted->from, &wanted->to);
        if (link != NULL && !link->is_leaving && link->graph != change->after) {
            actual_follow_link(link, change->after, wanted);
        }
    }
}

static void follow(struct broker *broker, struct change *change)
{
    struct graph *before = broker->graph;
    follow_nodes(broker, change);
    follow_links(broker, change);
    broker->graph = graph_hold(change->after);
    graph_destroy(before);
    tempo_set(broker);
}

// --- A graph that is not started --------------------------------------------------------------

static void remove_all(struct broker *broker, struct change *change)
{
    for (size_t i = 0; i < change->difference.count; i++) {
        struct change_item *item = &change->items[i];
        if (item->what->kind == DIFFERENCE_UNWIRE) {
            const struct graph_link *link = link_before(change, item);
            actual_remove_link(broker->actual,
                               actual_find_link(broker->actual, &link->from, &link->to));
        } else if (item->what->kind == DIFFERENCE_STOP) {
            actual_remove_node(broker->actual,
                               actual_find_node(broker->actual, item->what->subject));
            broker_release_node(broker);
        }
    }
}

static void make_idle(struct broker *broker, struct change *change)
{
    remove_all(broker, change);
    int failed = add_all(broker, change, DIFFERENCE_START, add_node);
    failed = failed != 0 ? failed : add_all(broker, change, DIFFERENCE_WIRE, add_link);
    follow(broker, change);
    for (size_t i = 0; i < broker->actual->link_count; i++) {
        struct actual_link *link = broker->actual->links[i];
        link->depth = link->wanted->found.depth;
    }
    failed = failed != 0 ? failed : actual_sort(broker->actual);
    if (failed != 0) {
        change_state_fail(change, STATUS_INVALID, "out of memory");
    }
    for (size_t i = 0; i < change->difference.count; i++) {
        const struct difference_item *item = &change->difference.items[i];
        const char *word = graph_difference_kind_name(item->kind);
        health_say(&broker->health, HEALTH_CHANGE_WILL, "", 0, 0, "will %s %s", word,
                   item->subject);
        health_say(&broker->health, HEALTH_CHANGE_DID, "", 0, 0, "did %s %s", word, item->subject);
    }
    change->stage = CHANGE_OVER;
}

// --- Preparing --------------------------------------------------------------------------------

static void doom_links(struct broker *broker, struct change *change, bool is_doomed)
{
    for (size_t i = 0; i < change->difference.count; i++) {
        struct change_item *item = &change->items[i];
        if (item->what->kind == DIFFERENCE_UNWIRE) {
            const struct graph_link *wanted = link_before(change, item);
            item->link = actual_find_link(broker->actual, &wanted->from, &wanted->to);
            if (item->link != NULL) {
                item->link->is_doomed = is_doomed;
            }
        }
    }
}

// Before another node has the same id.
static void find_stopped(struct broker *broker, struct change *change)
{
    for (size_t i = 0; i < change->difference.count; i++) {
        struct change_item *item = &change->items[i];
        if (item->what->kind == DIFFERENCE_STOP) {
            item->node = actual_find_node(broker->actual, item->what->subject);
        }
    }
}

static bool is_prepared_kind(enum difference_kind kind)
{
    return kind == DIFFERENCE_START || kind == DIFFERENCE_REPLACE;
}

static void start_all(struct broker *broker, struct change *change)
{
    for (size_t i = 0; i < change->difference.count; i++) {
        struct change_item *item = &change->items[i];
        if (is_prepared_kind(item->what->kind)) {
            health_say(&broker->health, HEALTH_CHANGE_WILL, item->what->subject, 0, 0,
                       "will prepare %s", item->what->subject);
            life_begin(broker, item->node);
        }
    }
}

static void hold_all(struct change *change)
{
    for (size_t i = 0; i < change->difference.count; i++) {
        struct change_item *item = &change->items[i];
        if (item->what->kind == DIFFERENCE_START && item->node != NULL) {
            item->node->is_held = true;
        } else if (item->what->kind == DIFFERENCE_WIRE && item->link != NULL) {
            item->link->is_held = true;
        }
    }
}

static void prepare(struct broker *broker, struct change *change)
{
    doom_links(broker, change, true);
    find_stopped(broker, change);
    int failed = add_all(broker, change, DIFFERENCE_START, add_node);
    failed = failed != 0 ? failed : add_all(broker, change, DIFFERENCE_WIRE, add_link);
    hold_all(change);
    failed = failed != 0 ? failed : add_all(broker, change, DIFFERENCE_REPLACE, add_newcomer);
    failed = failed != 0 ? failed : actual_sort(broker->actual);
    if (failed != 0) {
        change_state_fail(change, STATUS_INVALID, "out of memory");
        return;
    }
    start_all(broker, change);
}

// Returns false when it cannot even be prepared.
static bool is_possible(struct broker *broker, struct change *change)
{
    bool is_ending = broker->phase == BROKER_ENDING ||
                     (broker->phase == BROKER_ENDED && !broker->options.is_keep);
    if (is_ending) {
        change_state_fail(change, STATUS_FAILED, "the graph ends");
    } else if (change->difference.is_impossible) {
        change_state_fail(change, STATUS_INVALID, "%s cannot be changed while the graph runs",
                          graph_fields_row(change->difference.fixed)->path);
    } else if (broker->phase != BROKER_IDLE && !change->is_again) {
        refuse_over_ends(broker, change);
    }
    return change->code == 0;
}

void change_begin(struct broker *broker, struct change *change)
{
    if (!change->is_opposite && !is_possible(broker, change)) {
        change->stage = CHANGE_OVER;
        return;
    }
    if (broker->phase == BROKER_IDLE) {
        make_idle(broker, change);
        return;
    }
    // A graph that had finished and stays goes on with what is added.
    broker->phase = broker->phase == BROKER_ENDED ? BROKER_RUNNING : broker->phase;
    change->stage = CHANGE_PREPARING;
    prepare(broker, change);
}

static int code_of(const struct actual_node *node)
{
    enum exit_reason_kind kind = node->reason.kind;
    if (kind == EXIT_REASON_DEADLINE) {
        return STATUS_TIMED_OUT;
    }
    if (kind == EXIT_REASON_START || kind == EXIT_REASON_REFUSED) {
        return STATUS_INVALID;
    }
    bool is_status = kind == EXIT_REASON_CODE &&
                     (node->reason.code == STATUS_INVALID || node->reason.code == STATUS_REFUSED);
    return is_status ? node->reason.code : STATUS_FAILED;
}

static bool is_ready(const struct change_item *item)
{
    const struct actual_node *node = item->node;
    return item->what->kind == DIFFERENCE_REPLACE
               ? succession_is_ready(node)
               : node->is_opened && node->status != NULL && node->unmapped == 0;
}

// Returns true when it is done, one way or the other.
static bool look_at_prepared(struct broker *broker, struct change *change, struct change_item *item)
{
    struct actual_node *node = item->node;
    if (item->is_done || node == NULL) {
        // No memory for it: the change has failed before it began.
        return true;
    }
    if (node_is_over(node->life.state)) {
        if (item->what->kind == DIFFERENCE_START && node->wanted->is_optional) {
            node->is_held = false;
            item->is_done = true;
            return true;
        }
        char reason[EXIT_REASON_TEXT_BYTES + 64];
        exit_reason_describe(&node->reason, reason, sizeof reason);
        change_state_fail(change, code_of(node), "node '%s' did not become ready: %s",
                          node->life.id, reason);
        return true;
    }
    item->is_done = is_ready(item);
    if (item->is_done) {
        health_say(&broker->health, HEALTH_CHANGE_DID, node->life.id, 0, 0, "did prepare %s",
                   node->life.id);
    }
    return item->is_done;
}

// The formats of what was prepared and of what is linked must meet before anything is touched.
static void check_formats(struct broker *broker, struct change *change)
{
    for (size_t i = 0; i < change->difference.count; i++) {
        const struct change_item *item = &change->items[i];
        if (item->what->kind == DIFFERENCE_WIRE) {
            const struct actual_output *output = item->link->output;
            bool is_joinable = item->link->wanted->is_auto_transfer;
            if (!is_joinable && !wiring_can_agree(broker, output, output)) {
                change_state_fail(change, STATUS_INVALID,
                                  "%s: no format that %s offers is accepted", item->what->subject,
                                  output->address);
            }
        }
        for (size_t j = 0; item->what->kind == DIFFERENCE_REPLACE && j < item->node->output_count;
             j++) {
            const struct actual_output *offers = item->node->outputs[j];
            const struct actual_output *output =
                actual_output_of(item->node->stands_for, offers->name);
            if (output != NULL && !wiring_can_agree(broker, output, offers)) {
                change_state_fail(change, STATUS_INVALID,
                                  "no format that %s would offer is accepted by its readers",
                                  offers->address);
            }
        }
    }
}

static bool is_all_prepared(struct broker *broker, struct change *change)
{
    bool is_all = true;
    for (size_t i = 0; i < change->difference.count; i++) {
        struct change_item *item = &change->items[i];
        if (is_prepared_kind(item->what->kind)) {
            is_all = look_at_prepared(broker, change, item) && is_all;
        }
    }
    return is_all;
}

// --- Taking a preparation back ----------------------------------------------------------------

static void clear(struct broker *broker, struct change *change)
{
    doom_links(broker, change, false);
    for (size_t i = 0; i < change->difference.count; i++) {
        struct change_item *item = &change->items[i];
        if (item->what->kind == DIFFERENCE_WIRE && item->link != NULL) {
            link_leave_end(broker, item->link);
        } else if (is_prepared_kind(item->what->kind) && item->node != NULL) {
            item->node->is_doomed = true;
            item->node->is_held = true;
            life_kill(broker, item->node, EXIT_REASON_STOPPED, "the change is taken back");
        }
    }
    change->stage = CHANGE_CLEARING;
    change->due_ns = clock_now_ns() + CLEAR_NS;
}

static bool is_clear(const struct change *change)
{
    for (size_t i = 0; i < change->difference.count; i++) {
        const struct change_item *item = &change->items[i];
        if (is_prepared_kind(item->what->kind) && item->node != NULL &&
            node_is_alive(item->node->life.state)) {
            return false;
        }
    }
    return true;
}

// --- Steps ------------------------------------------------------------------------------------

static void switch_over(struct broker *broker, struct change *change)
{
    for (size_t i = 0; i < change->difference.count; i++) {
        struct change_item *item = &change->items[i];
        item->is_done = false;
        if (item->what->kind == DIFFERENCE_STOP) {
            item->node->is_doomed = true;
        } else if (item->what->kind == DIFFERENCE_CONFIGURE) {
            item->node = actual_find_node(broker->actual, item->what->subject);
        } else if (item->what->kind == DIFFERENCE_UPDATE) {
            const struct graph_link *link = link_after(change, item);
            item->link = actual_find_link(broker->actual, &link->from, &link->to);
        }
    }
    follow(broker, change);
    change->is_made = true;
    change->stage = CHANGE_STEPPING;
    change->step = 0;
    change->is_step_begun = false;
}

static void tell(struct broker *broker, enum health_type type, const char *word,
                 const struct change_item *item)
{
    bool is_link = strstr(item->what->subject, " -> ") != NULL;
    health_say(&broker->health, type, is_link ? "" : item->what->subject, 0, 0, "%s %s %s", word,
               graph_difference_kind_name(item->what->kind), item->what->subject);
}

static void begin_step(struct broker *broker, struct change *change)
{
    int64_t limit_ns = 0;
    change->is_step_begun = true;
    for (size_t i = 0; i < change->difference.count; i++) {
        struct change_item *item = &change->items[i];
        if (item->what->kind == change->step) {
            int64_t item_ns = change_step_limit_ns(item);
            limit_ns = item_ns > limit_ns ? item_ns : limit_ns;
            tell(broker, HEALTH_CHANGE_WILL, "will", item);
            change_step_begin(broker, change, item);
        }
    }
    change->due_ns = limit_ns == 0 ? INT64_MAX : clock_now_ns() + limit_ns;
}

// Returns true when every step of this kind is done.
static bool look_at_step(struct broker *broker, struct change *change)
{
    bool is_all = true;
    if (clock_now_ns() >= change->due_ns) {
        // What it still waits for comes with an event: a timer in the past would fire for nothing.
        change->is_step_late = true;
        change->due_ns = INT64_MAX;
    }
    for (size_t i = 0; i < change->difference.count; i++) {
        struct change_item *item = &change->items[i];
        if (item->what->kind != change->step || item->is_done) {
            continue;
        }
        change_step_look(broker, change, item);
        if (!item->is_done && change->is_step_late) {
            change_step_expire(broker, change, item);
        }
        if (item->is_done) {
            tell(broker, HEALTH_CHANGE_DID, "did", item);
        }
        is_all = is_all && item->is_done;
    }
    return is_all;
}

// What is over is freed between two kinds: the steps of the next one may add the same again.
static void end_step(struct broker *broker, struct change *change)
{
    for (size_t i = 0; i < change->difference.count; i++) {
        if (change->items[i].what->kind == change->step) {
            change->items[i].node = NULL;
            change->items[i].link = NULL;
        }
    }
    link_leave_reap(broker);
    change->step++;
    change->is_step_begun = false;
    change->is_step_late = false;
    change->due_ns = INT64_MAX;
}

static void go_through_steps(struct broker *broker, struct change *change)
{
    while (change->step < DIFFERENCE_KINDS) {
        if (!change->is_step_begun) {
            begin_step(broker, change);
        }
        bool is_done = look_at_step(broker, change);
        if (change->code != 0 && !change->is_opposite) {
            break;
        }
        if (!is_done) {
            return;
        }
        end_step(broker, change);
    }
    change->stage = CHANGE_OVER;
}

static void go_on_preparing(struct broker *broker, struct change *change)
{
    int before = change->code;
    change->code = change->is_opposite ? 0 : change->code;
    bool is_ready = change->code == 0 && is_all_prepared(broker, change);
    if (is_ready && change->code == 0) {
        check_formats(broker, change);
    }
    bool is_failed = change->code != 0;
    change->code = before != 0 ? before : change->code;
    if (is_failed) {
        clear(broker, change);
    } else if (is_ready) {
        switch_over(broker, change);
    }
}

bool change_go_on(struct broker *broker, struct change *change)
{
    bool is_ending = broker->phase == BROKER_ENDING || broker->phase == BROKER_ENDED;
    if (is_ending && change->stage != CHANGE_OVER) {
        change_state_fail(change, STATUS_FAILED, "the graph ended meanwhile");
        change->is_made = false;
        change->stage = CHANGE_OVER;
    }
    if (change->stage == CHANGE_PREPARING) {
        go_on_preparing(broker, change);
    }
    if (change->stage == CHANGE_CLEARING &&
        (is_clear(change) || clock_now_ns() >= change->due_ns)) {
        link_leave_reap(broker);
        change->stage = CHANGE_OVER;
    }
    if (change->stage == CHANGE_STEPPING) {
        go_through_steps(broker, change);
    }
    return change->stage == CHANGE_OVER;
}
