// SPDX-License-Identifier: Apache-2.0
// Verbs that change what is wanted. Each waits for its turn, and answers when its change is over.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "broker/broker.h"
#include "broker/change/live.h"
#include "broker/change/plan.h"
#include "broker/change/start_again.h"
#include "broker/control/control_verb.h"
#include "broker/graph/descriptor.h"
#include "broker/graph/graph_difference.h"
#include "broker/graph/graph_edit.h"
#include "broker/lives/life.h"
#include "broker/opening.h"

#define EXEC_ITEMS_MAX 64
#define TICKET 0  // in the numbers of a call

// A call in the line of those who want to change the graph.
struct waiting {
    struct live_place place;
    struct broker *broker;  // borrowed
    int (*take)(struct control_call *call);
    bool is_dry;  // it is not its turn: only so that its programs begin to describe themselves
};

static void leave(void *context)
{
    struct waiting *waiting = context;
    live_leave(waiting->broker, &waiting->place);
    free(waiting);
}

static int look_turn(struct control_call *call)
{
    const struct broker *broker = call->broker;
    struct waiting *waiting = call->context;
    if (broker->phase == BROKER_ENDED && !broker->options.is_keep) {
        return control_call_refuse(call, CONTROL_CODE_FAILED, "the graph has ended");
    }
    bool is_turn = live_is_turn(broker, &waiting->place);
    if ((!is_turn && waiting->is_dry) || (is_turn && !live_is_worth_it(broker, &waiting->place))) {
        return CONTROL_LATER;
    }
    waiting->is_dry = !is_turn;
    int result = waiting->take(call);
    if (waiting->is_dry) {
        return CONTROL_LATER;  // whatever it was: what is wanted may be something else by then
    }
    if (result == -EINPROGRESS) {
        live_note_waiting(broker, &waiting->place);
        return CONTROL_LATER;
    }
    call->context = NULL;
    call->drop = NULL;
    leave(waiting);
    return result;
}

// Does take(), once everybody who came before is through.
static int wait_for_turn(struct control_call *call, int (*take)(struct control_call *call))
{
    struct waiting *waiting = calloc(1, sizeof *waiting);
    if (waiting == NULL) {
        return control_call_refuse(call, CONTROL_CODE_INTERNAL, "out of memory");
    }
    waiting->broker = call->broker;
    waiting->take = take;
    live_join(call->broker, &waiting->place);
    call->context = waiting;
    call->drop = leave;
    control_call_later(call, look_turn, INT64_MAX);
    return look_turn(call);
}

static bool is_dry(const struct control_call *call)
{
    return ((const struct waiting *)call->context)->is_dry;
}

static void say_revision(struct control_call *call)
{
    const struct live *live = &call->broker->live;
    control_call_say(call, json_pack("{s:I, s:I}", "revision", (json_int_t)live->revision,
                                     "committed", (json_int_t)live->committed));
}

static int look_result(struct control_call *call)
{
    struct live_result result;
    if (!live_result(call->broker, call->numbers[TICKET], &result)) {
        return CONTROL_LATER;
    }
    if (result.code != 0) {
        return control_call_refuse(call, (enum control_code)result.code, "%s", result.text);
    }
    say_revision(call);
    return 0;
}

static int wait_for_result(struct control_call *call, int failed, uint64_t ticket)
{
    if (failed != 0) {
        return control_call_refuse(call, CONTROL_CODE_INTERNAL, "%s", strerrordesc_np(-failed));
    }
    if (ticket == 0) {
        say_revision(call);
        return 0;
    }
    call->numbers[TICKET] = ticket;
    int result = look_result(call);
    return result == CONTROL_LATER ? control_call_later(call, look_result, INT64_MAX) : result;
}

// --- Edits ------------------------------------------------------------------------------------

typedef int (*edit_fn)(struct control_call *call, struct graph_edit *edit, struct diag *why);

static int refuse_edit(struct control_call *call, int failed, const struct diag *why)
{
    if (failed == -ENOMEM) {
        return control_call_refuse(call, CONTROL_CODE_INTERNAL, "out of memory");
    }
    enum control_code code = failed == -ENOENT ? CONTROL_CODE_NO_SUCH : CONTROL_CODE_INVALID;
    return control_call_refuse(call, code, "%s", why->text);
}

static int load_edit(struct control_call *call, const struct graph_edit *edit,
                     struct graph **out_graph)
{
    struct diags diags = {.count = 0};
    int failed = graph_edit_load(edit, out_graph, &diags);
    if (failed == 0) {
        return 0;
    }
    const char *text = diags.count > 0 ? diags.items[0].diag.text : "out of memory";
    return control_call_refuse(
        call, failed == -ENOMEM ? CONTROL_CODE_INTERNAL : CONTROL_CODE_INVALID, "%s", text);
}

// Parameters are set in the process that runs: those that it reads at its start only are not.
static int refuse_fixed(const struct broker *broker, const struct graph *graph, char *text,
                        size_t text_bytes)
{
    struct graph_difference difference;
    struct text why = text_over(text, text_bytes);
    if (graph_difference_find(broker->live.wanted, graph, &difference) != 0) {
        text_add(&why, "out of memory");
        return CONTROL_CODE_INTERNAL;
    }
    const char *fixed = NULL;
    const char *node = "";
    for (size_t i = 0; fixed == NULL && i < difference.count; i++) {
        const struct difference_item *item = &difference.items[i];
        if (item->kind == DIFFERENCE_REPLACE) {
            node = graph->nodes[item->after].id;
            fixed = graph_difference_fixed_param(&broker->live.wanted->nodes[item->before],
                                                 &graph->nodes[item->after]);
        }
    }
    if (fixed != NULL) {
        text_add_format(&why,
                        "parameter '%s' of '%s' is fixed at its start; replace the node, or "
                        "apply a file",
                        fixed, node);
    }
    graph_difference_fini(&difference);
    return fixed != NULL ? CONTROL_CODE_INVALID : 0;
}

static int edit_set(struct control_call *call, struct graph_edit *edit, struct diag *why);
static int edit_replace(struct control_call *call, struct graph_edit *edit, struct diag *why);

static bool is_assigned(const struct control_call *call, const char *param)
{
    const char *item;
    for (size_t i = 0; (item = control_call_field_at(call, "set", i)) != NULL; i++) {
        size_t length = strlen(param);
        if (strncmp(item, "config=", 7) == 0 ||
            (strncmp(item, "config.", 7) == 0 && strncmp(item + 7, param, length) == 0 &&
             item[7 + length] == '=')) {
            return true;
        }
    }
    return false;
}

// A new program that does not know what the one before it was given: nobody wrote that just now.
static void explain_kept(const struct control_call *call, const struct graph *graph, char *text,
                         size_t text_bytes)
{
    int index = graph_find_node(graph, control_call_field(call, "node"));
    const struct graph_node *node = index < 0 ? NULL : &graph->nodes[index];
    const struct descriptor *descriptor = node == NULL ? NULL : node->found.descriptor;
    for (size_t i = 0; descriptor != NULL && i < node->config.count; i++) {
        const char *param = node->config.items[i].name;
        if (descriptor_find_param(descriptor, param) == NULL && !is_assigned(call, param)) {
            struct text why = text_over(text, text_bytes);
            text_add_format(&why,
                            "'%s' has no parameter %s, which '%s' keeps from before; write "
                            "config.%s= to drop it, or config={} to drop all",
                            descriptor->name, diags_quote(param).bytes, node->id, param);
            return;
        }
    }
}

static int want(struct control_call *call, struct graph *graph, edit_fn apply)
{
    struct broker *broker = call->broker;
    char text[LIVE_TEXT_BYTES];
    int code = live_check(broker, graph, text, sizeof text);
    if (code == 0 && apply == edit_set) {
        code = refuse_fixed(broker, graph, text, sizeof text);
    } else if (code == CONTROL_CODE_INVALID && apply == edit_replace) {
        explain_kept(call, graph, text, sizeof text);
    }
    if (code != 0 || is_dry(call)) {
        graph_destroy(graph);
        return code <= 0 ? -EINPROGRESS
                         : control_call_refuse(call, (enum control_code)code, "%s", text);
    }
    uint64_t ticket;
    int failed = live_want(broker, graph, &ticket);
    return wait_for_result(call, failed, ticket);
}

static int make_edit(struct control_call *call, edit_fn apply)
{
    struct graph_edit *edit;
    if (graph_edit_begin(call->broker->live.wanted, &edit) != 0) {
        return control_call_refuse(call, CONTROL_CODE_INTERNAL, "out of memory");
    }
    struct diag why = {.text = ""};
    struct graph *graph = NULL;
    int failed = apply(call, edit, &why);
    int result = failed != 0 ? refuse_edit(call, failed, &why) : load_edit(call, edit, &graph);
    graph_edit_destroy(edit);
    return graph == NULL ? result : want(call, graph, apply);
}

static size_t collect(const struct control_call *call, const char *name, const char **items)
{
    size_t count = 0;
    const char *item;
    while (count < EXEC_ITEMS_MAX && (item = control_call_field_at(call, name, count)) != NULL) {
        items[count++] = item;
    }
    return count;
}

static int set_all(struct control_call *call, struct graph_edit *edit, const char *prefix,
                   struct diag *why)
{
    const char *node = control_call_field(call, "node");
    const char *assignment;
    int failed = 0;
    for (size_t i = 0; failed == 0 && (assignment = control_call_field_at(call, "set", i)) != NULL;
         i++) {
        char text[8192 + SB_NAME_BYTES_MAX];
        struct text whole = TEXT_OVER(text);
        text_add_format(&whole, "%s%s", prefix, assignment);
        failed = whole.is_cut ? -EINVAL : graph_edit_set_node(edit, node, text, why);
    }
    return failed;
}

static int edit_add(struct control_call *call, struct graph_edit *edit, struct diag *why)
{
    const char *exec[EXEC_ITEMS_MAX];
    size_t count = collect(call, "exec", exec);
    int failed = graph_edit_add_node(edit, control_call_field(call, "node"), exec, count, why);
    return failed != 0 ? failed : set_all(call, edit, "", why);
}

static int edit_remove(struct control_call *call, struct graph_edit *edit, struct diag *why)
{
    return graph_edit_remove_node(edit, control_call_field(call, "node"), why);
}

static int edit_replace(struct control_call *call, struct graph_edit *edit, struct diag *why)
{
    const char *exec[EXEC_ITEMS_MAX];
    size_t count = collect(call, "exec", exec);
    int failed = graph_edit_set_exec(edit, control_call_field(call, "node"), exec, count, why);
    return failed != 0 ? failed : set_all(call, edit, "", why);
}

static int edit_set(struct control_call *call, struct graph_edit *edit, struct diag *why)
{
    return set_all(call, edit, "config.", why);
}

static int edit_link(struct control_call *call, struct graph_edit *edit, struct diag *why)
{
    const char *assignment;
    int failed = 0;
    for (size_t i = 0; failed == 0 && (assignment = control_call_field_at(call, "set", i)) != NULL;
         i++) {
        failed = graph_edit_set_link(edit, control_call_field(call, "from"),
                                     control_call_field(call, "to"), assignment, why);
    }
    return failed;
}

static int edit_connect(struct control_call *call, struct graph_edit *edit, struct diag *why)
{
    int failed = graph_edit_connect(edit, control_call_field(call, "from"),
                                    control_call_field(call, "to"), why);
    return failed != 0 ? failed : edit_link(call, edit, why);
}

static int edit_disconnect(struct control_call *call, struct graph_edit *edit, struct diag *why)
{
    return graph_edit_disconnect(edit, control_call_field(call, "from"),
                                 control_call_field(call, "to"), why);
}

// One verb: its turn, and its handler.
#define EDIT(name)                                                                                 \
    static int take_##name(struct control_call *call)                                              \
    {                                                                                              \
        return make_edit(call, edit_##name);                                                       \
    }                                                                                              \
    int control_change_##name(struct control_call *call)                                           \
    {                                                                                              \
        return wait_for_turn(call, take_##name);                                                   \
    }

EDIT(add)
EDIT(remove)
EDIT(replace)
EDIT(set)
EDIT(connect)
EDIT(disconnect)
EDIT(link)

// --- Commits ----------------------------------------------------------------------------------

static int take_commit(struct control_call *call)
{
    if (is_dry(call)) {
        return -EINPROGRESS;
    }
    uint64_t ticket;
    int failed = live_commit(call->broker, &ticket);
    return wait_for_result(call, failed, ticket);
}

int control_change_commit(struct control_call *call)
{
    return wait_for_turn(call, take_commit);
}

static int edit_mode(struct control_call *call, struct graph_edit *edit, struct diag *why)
{
    char text[64];
    struct text assignment = TEXT_OVER(text);
    text_add_format(&assignment, "commit=%s", control_call_field(call, "mode"));
    return graph_edit_set_graph(edit, text, why);
}

// The mode is a rule of the graph: from manual to auto commits what waits.
static int take_mode(struct control_call *call)
{
    struct live *live = &call->broker->live;
    const char *mode = control_call_field(call, "mode");
    if (is_dry(call)) {
        return -EINPROGRESS;
    }
    bool is_manual = strcmp(mode, "manual") == 0;
    if (!is_manual && strcmp(mode, "auto") != 0) {
        return control_call_refuse(call, CONTROL_CODE_USAGE, "write auto or manual");
    }
    if (is_manual == live->is_manual) {
        say_revision(call);
        return 0;
    }
    live->is_manual = false;
    int result = make_edit(call, edit_mode);
    bool is_begun = result == 0 || result == CONTROL_LATER;
    live->is_manual = is_begun && live->change == NULL ? live->is_manual
                      : is_begun                       ? is_manual
                                                       : !is_manual;
    return result;
}

int control_change_mode(struct control_call *call)
{
    if (control_call_field(call, "mode") == NULL) {
        const char *mode = call->broker->live.is_manual ? "manual" : "auto";
        control_call_say(call, json_pack("{s:s}", "mode", mode));
        return 0;
    }
    return wait_for_turn(call, take_mode);
}

// --- Starting ---------------------------------------------------------------------------------

static int look_started(struct control_call *call)
{
    struct live_result result;
    if (!live_result(call->broker, call->numbers[TICKET], &result)) {
        return CONTROL_LATER;
    }
    return result.code == 0
               ? 0
               : control_call_refuse(call, (enum control_code)result.code, "%s", result.text);
}

static int take_start(struct control_call *call)
{
    if (is_dry(call)) {
        return -EINPROGRESS;
    }
    uint64_t ticket;
    int failed = start_again(call->broker, control_call_field(call, "node"), &ticket);
    if (failed != 0) {
        return control_call_refuse(call, CONTROL_CODE_INTERNAL, "%s", strerrordesc_np(-failed));
    }
    if (ticket == 0) {
        return 0;
    }
    call->numbers[TICKET] = ticket;
    return control_call_later(call, look_started, INT64_MAX);
}

static int start_node(struct control_call *call)
{
    struct actual_node *node;
    int code = control_call_node(call, &node);
    if (code != 0) {
        return code;
    }
    if (call->broker->phase == BROKER_IDLE) {
        return control_call_refuse(call, CONTROL_CODE_NOT_RUNNING,
                                   "the graph is not started; streamctl start starts all of it");
    }
    if (node->life.state == NODE_BACKING_OFF) {
        life_restart(call->broker, node);
    }
    return node_is_over(node->life.state) ? wait_for_turn(call, take_start) : 0;
}

int control_change_start(struct control_call *call)
{
    struct broker *broker = call->broker;
    bool is_ended = broker->phase == BROKER_ENDED && broker->options.is_keep;
    if (broker->phase == BROKER_ENDING || (broker->phase == BROKER_ENDED && !is_ended)) {
        return control_call_refuse(call, CONTROL_CODE_FAILED, "the graph has ended");
    }
    if (control_call_is_set(call, "node")) {
        return start_node(call);
    }
    if (broker->phase == BROKER_IDLE) {
        opening_start(broker);
    }
    return is_ended ? wait_for_turn(call, take_start) : 0;
}

// --- Files ------------------------------------------------------------------------------------

// Reads and checks the file of a call. Returns 0, -EINPROGRESS, or a code after a refusal.
static int read_file(struct control_call *call, struct graph **out_graph, bool is_rejection_noted)
{
    struct live_refusal refusal;
    int code = live_read(call->broker, control_call_field(call, "file"), out_graph, &refusal);
    if (code == 0 && is_dry(call)) {
        graph_destroy(*out_graph);
        return -EINPROGRESS;
    }
    if (code <= 0) {
        return code;
    }
    if (is_rejection_noted && !is_dry(call)) {
        live_reject(call->broker, code, refusal.brief);
    }
    return control_call_refuse(call, (enum control_code)code, "%s", refusal.lines);
}

static int take_apply(struct control_call *call)
{
    struct graph *graph;
    int code = read_file(call, &graph, true);
    if (code != 0) {
        return code;
    }
    uint64_t ticket;
    int failed = live_apply(call->broker, graph, &ticket);
    return wait_for_result(call, failed, ticket);
}

int control_change_apply(struct control_call *call)
{
    return wait_for_turn(call, take_apply);
}

static int take_plan(struct control_call *call)
{
    struct graph *graph;
    int code = read_file(call, &graph, false);
    if (code != 0) {
        return code;
    }
    control_call_say(call, plan_json(call->broker, graph));
    graph_destroy(graph);
    return 0;
}

int control_change_plan(struct control_call *call)
{
    return wait_for_turn(call, take_plan);
}

// --- For status -------------------------------------------------------------------------------

static json_t *count_of(size_t nodes, size_t links)
{
    return json_pack("{s:I, s:I}", "nodes", (json_int_t)nodes, "links", (json_int_t)links);
}

json_t *control_change_status(const struct broker *broker)
{
    const struct live *live = &broker->live;
    size_t nodes = 0;
    size_t links = 0;
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        const struct actual_node *node = broker->actual->nodes[i];
        nodes += node->is_held || node->is_doomed ? 0 : 1;
    }
    for (size_t i = 0; i < broker->actual->link_count; i++) {
        const struct actual_link *link = broker->actual->links[i];
        links += link->is_held || link->is_leaving ? 0 : 1;
    }
    json_t *status =
        json_pack("{s:I, s:I, s:s, s:b}", "revision", (json_int_t)live->revision, "committed",
                  (json_int_t)live->committed, "commit", live->is_manual ? "manual" : "auto",
                  "changing", live->change != NULL);
    json_object_set_new(status, "wanted",
                        count_of(live->wanted->node_count, live->wanted->link_count));
    json_object_set_new(status, "actual", count_of(nodes, links));
    if (live->rejected.revision != 0) {
        json_object_set_new(status, "rejected",
                            json_pack("{s:I, s:i, s:s}", "revision",
                                      (json_int_t)live->rejected.revision, "code",
                                      live->rejected.code, "reason", live->rejected.text));
    }
    return status;
}
