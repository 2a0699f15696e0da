// SPDX-License-Identifier: Apache-2.0
// Verbs that start, pause and end things.
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "broker/broker.h"
#include "broker/change/pause.h"
#include "broker/control/control_verb.h"
#include "broker/ending.h"
#include "broker/lives/life.h"

#define PAUSE_LOOK_NS (2 * CLOCK_NS_PER_MS)  // between two looks whether a pause is in effect

// Calls act() for the node of the field "node", or for every node. Returns 0 or a code. out_changed
// says whether all were meant and act() did something.
static int for_nodes(struct control_call *call,
                     bool (*act)(struct broker *broker, struct actual_node *node),
                     bool *out_changed)
{
    struct broker *broker = call->broker;
    if (control_call_is_set(call, "node")) {
        struct actual_node *node;
        int code = control_call_node(call, &node);
        if (code == 0) {
            act(broker, node);
        }
        return code;
    }
    for (size_t i = 0; i < broker->actual->node_count; i++) {
        *out_changed |= act(broker, broker->actual->nodes[i]);
    }
    return 0;
}

static void tell(struct control_call *call, bool is_changed, enum health_type type,
                 const char *text)
{
    if (is_changed) {
        health_say(&call->broker->health, type, "", 0, 0, "%s", text);
    }
}

// The first node, of the field "node" or of all, that is not as wanted; NULL when there is none.
static const struct actual_node *find_unlike(const struct control_call *call,
                                             bool (*is_so)(const struct actual_node *node))
{
    const char *id = control_call_field(call, "node");
    const struct actual *actual = call->broker->actual;
    for (size_t i = 0; i < actual->node_count; i++) {
        const struct actual_node *node = actual->nodes[i];
        if ((id == NULL || strcmp(id, node->life.id) == 0) && !is_so(node)) {
            return node;
        }
    }
    return NULL;
}

// --- Stop -------------------------------------------------------------------------------------

static int look_at_end(struct control_call *call)
{
    const struct broker *broker = call->broker;
    if (broker->phase != BROKER_ENDED) {
        return CONTROL_LATER;
    }
    int status = broker->forced_status != 0 ? broker->forced_status : broker->exit_status;
    control_call_say(call, json_pack("{s:i}", "exit_status", status));
    return 0;
}

static bool is_over(const struct actual_node *node)
{
    return node_is_over(node->life.state) || node->life.state == NODE_CREATED;
}

static int look_at_stopped(struct control_call *call)
{
    bool is_done = find_unlike(call, is_over) == NULL || call->broker->phase == BROKER_ENDED;
    return is_done ? 0 : CONTROL_LATER;
}

int control_act_stop(struct control_call *call)
{
    if (!control_call_is_set(call, "node")) {
        ending_stop(call->broker, true);
        return control_call_later(call, look_at_end, INT64_MAX);
    }
    struct actual_node *node;
    int code = control_call_node(call, &node);
    if (code != 0) {
        return code;
    }
    ending_stop_alone(call->broker, node);
    return control_call_later(call, look_at_stopped, INT64_MAX);
}

// --- Pause ------------------------------------------------------------------------------------

// numbers[0]: when to give up; numbers[1]: it is a pause of the whole graph, which it was not in.
static int look_at_pause(struct control_call *call)
{
    const struct actual_node *node = find_unlike(call, pause_is_in_effect);
    int64_t now_ns = clock_now_ns();
    if (node == NULL || call->broker->phase == BROKER_ENDED) {
        tell(call, call->numbers[1] != 0, HEALTH_GRAPH_PAUSED, "the graph is paused");
        return 0;
    }
    if (now_ns >= (int64_t)call->numbers[0]) {
        return control_call_refuse(call, CONTROL_CODE_TIMED_OUT,
                                   "%s is still inside a call; it pauses after that",
                                   node->life.id);
    }
    call->due_ns = now_ns + PAUSE_LOOK_NS;
    return CONTROL_LATER;
}

int control_act_pause(struct control_call *call)
{
    bool is_changed = false;
    int code = for_nodes(call, pause_begin, &is_changed);
    if (code != 0) {
        return code;
    }
    int64_t longest_ns = 0;
    const struct actual *actual = call->broker->actual;
    for (size_t i = 0; i < actual->node_count; i++) {
        int64_t process_ns = actual->nodes[i]->wanted->timeouts.process_ns;
        longest_ns = process_ns > longest_ns ? process_ns : longest_ns;
    }
    call->numbers[0] = (uint64_t)(clock_now_ns() + longest_ns);
    call->numbers[1] = is_changed;
    control_call_later(call, look_at_pause, clock_now_ns());
    return look_at_pause(call);
}

int control_act_resume(struct control_call *call)
{
    bool is_changed = false;
    int code = for_nodes(call, pause_end, &is_changed);
    tell(call, is_changed, HEALTH_GRAPH_RESUMED, "the graph goes on");
    return code;
}

// --- Restart ----------------------------------------------------------------------------------

static bool can_restart(const struct actual_node *node)
{
    return !is_over(node) && node->life.state != NODE_STOPPING;
}

static bool restart(struct broker *broker, struct actual_node *node)
{
    bool can = can_restart(node);
    if (can) {
        life_restart(broker, node);
    }
    return can;
}

int control_act_restart(struct control_call *call)
{
    const struct actual_node *over =
        control_call_is_set(call, "node") ? find_unlike(call, can_restart) : NULL;
    if (over != NULL) {
        return control_call_refuse(call, CONTROL_CODE_NOT_RUNNING,
                                   "%s is %s; start it with streamctl start %s", over->life.id,
                                   node_state_name(over->life.state), over->life.id);
    }
    bool is_changed = false;
    int code = for_nodes(call, restart, &is_changed);
    tell(call, is_changed, HEALTH_GRAPH_RESTARTED, "every node gets a new process");
    return code;
}

// --- Wait -------------------------------------------------------------------------------------

static bool is_running(const struct actual_node *node)
{
    return node->life.state == NODE_RUNNING && !node->is_restart_wanted;
}

static bool is_running_or_over(const struct actual_node *node)
{
    return is_running(node) || node->life.state == NODE_FINISHED;
}

static int look_at_running(struct control_call *call)
{
    bool is_one = control_call_is_set(call, "node");
    enum broker_phase phase = call->broker->phase;
    const struct actual_node *node = find_unlike(call, is_one ? is_running : is_running_or_over);
    if (phase == BROKER_ENDED || (node != NULL && node_is_over(node->life.state))) {
        return node == NULL
                   ? control_call_refuse(call, CONTROL_CODE_NOT_RUNNING, "the graph has ended")
                   : control_call_refuse(call, CONTROL_CODE_NOT_RUNNING, "%s is %s", node->life.id,
                                         node_state_name(node->life.state));
    }
    return phase == BROKER_RUNNING && node == NULL ? 0 : CONTROL_LATER;
}

static int look_at_paused(struct control_call *call)
{
    call->due_ns = clock_now_ns() + PAUSE_LOOK_NS;
    return find_unlike(call, pause_is_in_effect) == NULL ? 0 : CONTROL_LATER;
}

int control_act_wait(struct control_call *call)
{
    const char *state = control_call_field(call, "for");
    bool is_one = control_call_is_set(call, "node");
    struct actual_node *node;
    int code = is_one ? control_call_node(call, &node) : 0;
    if (code != 0) {
        return code;
    }
    control_look_fn look = look_at_running;
    if (state != NULL && strcmp(state, "ended") == 0) {
        look = is_one ? look_at_stopped : look_at_end;
    } else if (state != NULL && strcmp(state, "paused") == 0) {
        look = look_at_paused;
    } else if (state != NULL && strcmp(state, "running") != 0) {
        return control_call_refuse(call, CONTROL_CODE_USAGE,
                                   "'%s' is nothing to wait for: running, paused or ended", state);
    }
    control_call_later(call, look, INT64_MAX);
    return look(call);
}
