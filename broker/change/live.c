// SPDX-License-Identifier: Apache-2.0
// Keeps the wanted graph and its revisions, and runs one change after the other.
#include "broker/change/live.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/text.h"
#include "broker/broker.h"
#include "broker/change/change.h"
#include "broker/ending.h"
#include "broker/graph/arena.h"
#include "broker/graph/catalog.h"
#include "broker/graph/graph_check.h"
#include "broker/graph/graph_file.h"
#include "broker/graph/insertion.h"
#include "broker/links/link_leave.h"
#include "broker/lives/describing.h"
#include "broker/lives/domain.h"

#define STATUS_NO_INPUT 66
#define STATUS_INTERNAL 70
#define STATUS_INVALID 78

void live_init(struct broker *broker, struct catalog *catalog)
{
    broker->live = (struct live){.catalog = catalog,
                                 .wanted = graph_hold(broker->graph),
                                 .revision = 1,
                                 .last_revision = 1,
                                 .committed = 1,
                                 .is_manual = broker->graph->commit == GRAPH_COMMIT_MANUAL};
    catalog_set_begin(catalog, describing_begin, broker);
}

void live_fini(struct broker *broker)
{
    if (broker->live.catalog != NULL) {
        describing_cancel(broker);
        catalog_set_begin(broker->live.catalog, NULL, NULL);
    }
    change_destroy(broker->live.change);
    graph_destroy(broker->live.wanted);
    broker->live.change = NULL;
    broker->live.wanted = NULL;
}

bool live_is_busy(const struct broker *broker)
{
    return broker->live.change != NULL || broker->phase == BROKER_STARTING;
}

void live_join(struct broker *broker, struct live_place *place)
{
    struct live_place **at = &broker->live.first;
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *place = (struct live_place){.is_in = true};
    *at = place;
}

void live_leave(struct broker *broker, struct live_place *place)
{
    struct live_place **at = &broker->live.first;
    while (*at != NULL && *at != place) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        return;
    }
    *at = place->next;
    *place = (struct live_place){.is_in = false};
    if (broker->live.first == NULL) {
        describing_cancel(broker);
    }
    // Whoever is next may have been looked at in this turn already.
    broker_turn_again(broker);
}

bool live_is_turn(const struct broker *broker, const struct live_place *place)
{
    return broker->live.first == place && !live_is_busy(broker);
}

bool live_is_worth_it(const struct broker *broker, const struct live_place *place)
{
    return !place->is_waiting || place->answers != catalog_answers(broker->live.catalog);
}

void live_note_waiting(const struct broker *broker, struct live_place *place)
{
    place->is_waiting = true;
    place->answers = catalog_answers(broker->live.catalog);
}

// Returns an exit status with what is wrong in diags, or -EINPROGRESS.
static int check(struct broker *broker, struct graph *graph, struct diags *diags)
{
    // Converters that negotiation put into links which are still there stay where they are. A file
    // with errors is looked at to find the others, and never becomes the graph.
    int failed = graph->is_incomplete ? 0 : insertion_carry(broker->graph, graph);
    failed = failed == 0 ? graph_check(graph, broker->live.catalog, diags) : failed;
    failed = failed == 0 ? domain_check_room(broker, graph, diags) : failed;
    if (failed == -ENOMEM) {
        return STATUS_INTERNAL;
    }
    return failed == 0 || failed == -EINPROGRESS ? failed : diags_exit_status(diags);
}

int live_check(struct broker *broker, struct graph *graph, char *text, size_t text_bytes)
{
    struct diags diags = {.count = 0};
    struct text why = text_over(text, text_bytes);
    int code = check(broker, graph, &diags);
    if (code == STATUS_INTERNAL) {
        text_add(&why, "out of memory");
    }
    for (size_t i = 0; code > 0 && i < diags.count; i++) {
        if (diags.items[i].kind != DIAG_WARNING) {
            text_add_format(&why, "%s%s", why.length > 0 ? "; " : "", diags.items[i].diag.text);
        }
    }
    return code;
}

static int read_checked(struct broker *broker, const char *path, struct graph **out_graph,
                        struct diags *diags)
{
    int failed = graph_file_read_at_once(path, out_graph, diags);
    if (failed != 0) {
        return failed == -EINVAL   ? STATUS_INVALID
               : failed == -ENOMEM ? STATUS_INTERNAL
                                   : STATUS_NO_INPUT;
    }
    struct graph *graph = *out_graph;
    if (graph->places[GRAPH_FIELD_GRAPH_NAME].line == 0) {
        // A file that names no graph is one of this graph, whatever the file is called.
        graph->name = arena_copy_string(graph->arena, broker->graph->name);
    }
    return graph->name == NULL ? STATUS_INTERNAL : check(broker, graph, diags);
}

int live_read(struct broker *broker, const char *path, struct graph **out_graph,
              struct live_refusal *out_refusal)
{
    struct diags diags = {.count = 0};
    struct graph *graph = NULL;
    int code = read_checked(broker, path, &graph, &diags);
    if (code != 0) {
        if (code == STATUS_INTERNAL) {
            text_copy(out_refusal->lines, sizeof out_refusal->lines, "out of memory");
            text_copy(out_refusal->brief, sizeof out_refusal->brief, "out of memory");
        } else if (code > 0) {
            diags_format_errors(&diags, DIAGS_MAX, out_refusal->lines, sizeof out_refusal->lines);
            diags_format_errors(&diags, 1, out_refusal->brief, sizeof out_refusal->brief);
        }
        graph_destroy(graph);
        return code;
    }
    *out_graph = graph;
    return 0;
}

static void follow(struct live *live, struct graph *graph, uint64_t revision)
{
    struct graph *before = live->wanted;
    live->wanted = graph_hold(graph);
    live->revision = revision;
    graph_destroy(before);
}

static void keep_result(struct live *live, const struct live_result *result, bool is_again)
{
    live->results[result->ticket % LIVE_RESULTS] = *result;
    if (result->code != 0 && !is_again) {
        live->rejected = *result;
    }
}

void live_reject(struct broker *broker, int code, const char *text)
{
    struct live_result *rejected = &broker->live.rejected;
    *rejected = (struct live_result){.revision = ++broker->live.last_revision, .code = code};
    text_copy(rejected->text, sizeof rejected->text, text);
    health_say(&broker->health, HEALTH_CHANGE_FAILED, "", 0, 0, "revision %llu is refused: %s",
               (unsigned long long)rejected->revision, text);
}

void live_begin(struct broker *broker, struct change *change, uint64_t revision,
                uint64_t *out_ticket)
{
    struct live *live = &broker->live;
    SB_ASSERT(live->change == NULL);
    live->change = change;
    change->ticket = ++live->last_ticket;
    change->revision = revision;
    *out_ticket = live->last_ticket;
    change_begin(broker, change);
    live_turn(broker);
}

// Begins the change that makes graph of what runs.
static int begin(struct broker *broker, struct graph *graph, uint64_t revision, bool is_edit,
                 uint64_t *out_ticket)
{
    struct change *change;
    int failed = change_create(broker->graph, graph, &change);
    if (failed != 0) {
        return failed;
    }
    change->is_edit = is_edit;
    live_begin(broker, change, revision, out_ticket);
    return 0;
}

int live_want(struct broker *broker, struct graph *graph, uint64_t *out_ticket)
{
    follow(&broker->live, graph, ++broker->live.last_revision);
    graph_destroy(graph);
    *out_ticket = 0;
    if (broker->live.is_manual) {
        return 0;
    }
    return begin(broker, broker->live.wanted, broker->live.revision, true, out_ticket);
}

int live_commit(struct broker *broker, uint64_t *out_ticket)
{
    *out_ticket = 0;
    return begin(broker, broker->live.wanted, broker->live.revision, false, out_ticket);
}

int live_apply(struct broker *broker, struct graph *graph, uint64_t *out_ticket)
{
    uint64_t revision = ++broker->live.last_revision;
    int failed = begin(broker, graph, revision, false, out_ticket);
    graph_destroy(graph);
    return failed;
}

bool live_result(const struct broker *broker, uint64_t ticket, struct live_result *out_result)
{
    const struct live_result *result = &broker->live.results[ticket % LIVE_RESULTS];
    if (result->ticket != ticket) {
        return false;
    }
    *out_result = *result;
    return true;
}

// What an edit wanted and could not be is not wanted any more: the graph that runs is.
static void finish(struct broker *broker)
{
    struct live *live = &broker->live;
    struct change *change = live->change;
    struct live_result result = {
        .ticket = change->ticket, .revision = change->revision, .code = change->code};
    text_copy(result.text, sizeof result.text, change->text);
    keep_result(live, &result, change->is_again);
    if (change->is_again) {
        health_say(&broker->health, result.code == 0 ? HEALTH_CHANGE_DONE : HEALTH_CHANGE_FAILED,
                   "", 0, 0, "%s%s",
                   result.code == 0 ? "started again" : "not started again: ", result.text);
    } else if (result.code == 0) {
        live->committed = change->revision;
        follow(live, change->after, change->revision);
        live->is_manual = change->after->commit == GRAPH_COMMIT_MANUAL;
        health_say(&broker->health, HEALTH_CHANGE_DONE, "", 0, 0, "revision %llu is in force",
                   (unsigned long long)change->revision);
    } else {
        if (change->is_edit) {
            follow(live, broker->graph, live->committed);
        }
        health_say(&broker->health, HEALTH_CHANGE_FAILED, "", 0, 0, "revision %llu is refused: %s",
                   (unsigned long long)change->revision, result.text);
        if (change->ticket == live->file_ticket) {
            // Nobody else is told.
            log_line(LOG_ERROR, "%s is not applied: %s", live->file, result.text);
        }
    }
    live->change = NULL;
    change_destroy(change);
    link_leave_reap(broker);
    // It may have taken away all that still ran.
    ending_check(broker);
}

// A step of the change itself failed: what it did so far is taken back by the opposite change.
static bool take_back(struct broker *broker)
{
    struct live *live = &broker->live;
    struct change *failed = live->change;
    struct change *opposite = NULL;
    if (!change_must_be_taken_back(failed) || failed->is_again ||
        change_create(failed->after, failed->before, &opposite) != 0) {
        return false;
    }
    opposite->ticket = failed->ticket;
    opposite->revision = failed->revision;
    opposite->is_opposite = true;
    opposite->is_edit = failed->is_edit;
    opposite->code = failed->code;
    text_copy(opposite->text, sizeof opposite->text, failed->text);
    change_destroy(failed);
    live->change = opposite;
    change_begin(broker, opposite);
    return true;
}

void live_turn(struct broker *broker)
{
    struct live *live = &broker->live;
    while (live->change != NULL && change_go_on(broker, live->change)) {
        if (!take_back(broker)) {
            finish(broker);
        }
    }
    if (live->change == NULL && broker->actual != NULL) {
        link_leave_reap(broker);
    }
    broker_arm_timer(broker);
}

int64_t live_due_ns(const struct broker *broker)
{
    return broker->live.change == NULL ? INT64_MAX : broker->live.change->due_ns;
}
