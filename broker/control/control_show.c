// SPDX-License-Identifier: Apache-2.0
// Verbs that look and change nothing.
#include <string.h>
#include <unistd.h>

#include <streambroker/version.h>

#include "base/check.h"
#include "broker/control/control_server.h"
#include "broker/control/control_verb.h"
#include "broker/snapshot.h"

static const char *const answer_names[] = {
    [CONTROL_NONE] = "none", [CONTROL_ONE] = "one", [CONTROL_MANY] = "many"};

int control_show_verbs(struct control_call *call)
{
    json_t *list = json_array();
    const struct control_verb *verb;
    for (size_t i = 0; (verb = control_verb_at(i)) != NULL; i++) {
        const char *needs = verb->needs == CONTROL_STARTED ? "started" : "anytime";
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "verb", verb->word,
                                              "fields", verb->fields, "needs", needs, "answers",
                                              answer_names[verb->answers], "text", verb->text));
    }
    control_call_say(call, list);
    return 0;
}

static void set_number(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

// Absent things are null, so that every document has every key.
static void set_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, text[0] != '\0' ? control_call_text(text) : json_null());
}

static void set_duration(json_t *object, const char *key, int64_t ns, bool is_known)
{
    json_object_set_new(object, key, is_known ? json_integer(ns) : json_null());
}

static const char *tier_name(enum graph_tier tier)
{
    switch (tier) {
    case GRAPH_TIER_UNSET:
        break;
#define X(NAME, text)                                                                              \
    case GRAPH_TIER_##NAME:                                                                        \
        return text;
        GRAPH_TIERS(X)
#undef X
    }
    return "?";
}

static json_t *counts_json(const struct counts *counts)
{
    json_t *json = json_object();
#define COUNT(field, name, text) set_number(json, name, counts->field);
#include "broker/links/counts.def"
#undef COUNT
    return json;
}

// What top compares: kinds of calls that there were, by their least time, with how many.
static json_t *call_kinds_json(const struct call_times *times)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < LAYOUT_CALL_TIMES; i++) {
        if (times->counts[i] > 0) {
            json_array_append_new(list,
                                  json_pack("[I, I]", (json_int_t)layout_call_time_least_ns(i),
                                            (json_int_t)times->counts[i]));
        }
    }
    return list;
}

static json_t *calls_json(const struct call_times *times)
{
    static const struct {
        const char *key;
        uint32_t permille;
    } quantiles[] = {{"p50_ns", 500}, {"p90_ns", 900}, {"p99_ns", 990}};
    json_t *json = json_object();
    set_number(json, "busy_ns", times->busy_ns);
    for (size_t i = 0; i < ARRAY_COUNT(quantiles); i++) {
        int64_t ns = call_times_quantile_ns(times, quantiles[i].permille);
        set_duration(json, quantiles[i].key, ns, ns >= 0);
    }
    bool is_any = call_times_quantile_ns(times, 1000) >= 0;
    set_duration(json, "max_ns", (int64_t)times->longest_ns, is_any);
    json_object_set_new(json, "times", call_kinds_json(times));
    return json;
}

static json_t *node_json(const struct snapshot_node *node)
{
    json_t *json =
        json_pack("{s:s, s:s, s:i, s:i, s:s, s:b}", "id", node->id, "state",
                  node_state_name(node->state), "generation", (int)node->generation, "pid",
                  (int)node->pid, "tier", tier_name(node->tier), "optional", node->is_optional);
    bool is_alive = node->is_alive;
    set_text(json, "phase", is_alive ? layout_worker_phase_name(node->phase) : "");
    set_text(json, "program", node->program);
    set_number(json, "restarts", node->restarts);
    set_number(json, "restarts_used", node->restarts_used);
    json_object_set_new(json, "restarts_max",
                        node->restarts_max == GRAPH_UNLIMITED
                            ? json_null()
                            : json_integer((json_int_t)node->restarts_max));
    set_number(json, "stalls", node->stalls);
    set_duration(json, "in_state_ns", node->in_state_ns, true);
    set_duration(json, "uptime_ns", node->uptime_ns, is_alive);
    set_duration(json, "restart_in_ns", node->restart_in_ns, node->restart_in_ns >= 0);
    set_text(json, "last_reason", node->last_reason);
    set_number(json, "cpu_ns", node->usage.cpu_ns);
    set_number(json, "memory_bytes", node->usage.memory_bytes);
    set_number(json, "gpu_bytes", node->gpu_bytes);
    set_number(json, "processes", node->usage.process_count);
    json_object_set_new(json, "counts", counts_json(&node->counts));
    json_object_set_new(json, "calls", calls_json(&node->times));
    return json;
}

static json_t *link_json(const struct snapshot_link *link)
{
    static const char *const deliveries[] = {[SB_DELIVERY_LOSSLESS] = "lossless",
                                             [SB_DELIVERY_ORDERED] = "ordered",
                                             [SB_DELIVERY_LATEST] = "latest"};
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i}", "link", link->name, "from",
                             link->from, "to", link->to, "state", link_state_name(link->state),
                             "delivery", deliveries[link->delivery], "generation",
                             (int)link->generation, "depth", (int)link->depth);
    const struct account *account = &link->account;
    set_number(json, "filled", link->filled);
    set_number(json, "published", account->published);
    set_number(json, "released", account->released);
    set_number(json, "queued", account->queued);
    set_number(json, "held", account->held);
    set_number(json, "dropped",
               account->evicted + account->poisoned + account->lost + account->abandoned);
    set_number(json, "evicted", account->evicted);
    set_number(json, "poisoned", account->poisoned);
    set_number(json, "lost", account->lost);
    set_number(json, "abandoned", account->abandoned);
    set_number(json, "redelivered", account->redelivered);
    set_number(json, "refused", account->refused);
    set_number(json, "clamped", account->clamped);
    set_duration(json, "newest_age_ns", link->newest_age_ns, link->newest_age_ns >= 0);
    set_duration(json, "head_age_ns", link->head_age_ns, true);
    json_object_set_new(json, "late", json_boolean(link->is_late));
    set_text(json, "reason", link->why);
    set_text(json, "format", link->format);
    set_text(json, "pool", link->pool == NULL ? "" : link->pool);
    set_text(json, "pool_reason", link->pool_why);
    return json;
}

static bool is_of(const char *address, const char *node)
{
    size_t length = strlen(node);
    return strncmp(address, node, length) == 0 && address[length] == '.';
}

// Who holds up its writers: a lossless link into it is full, and it does not wait for space itself.
static bool is_bottleneck(const struct snapshot *snapshot, const struct snapshot_node *node)
{
    bool is_full = false;
    for (size_t i = 0; i < snapshot->link_count; i++) {
        const struct snapshot_link *link = &snapshot->links[i];
        bool is_ours = link->delivery == SB_DELIVERY_LOSSLESS && is_of(link->to, node->id);
        is_full |= is_ours && link->account.queued + link->account.held + 1 >= link->depth;
    }
    return is_full && node->is_alive && node->phase != WORKER_NO_SPACE;
}

// Of all nodes and links together.
static void add_totals(json_t *json, const struct snapshot *snapshot)
{
    uint64_t dropped = 0;
    uint64_t errors = 0;
    json_t *bottlenecks = json_array();
    for (size_t i = 0; i < snapshot->link_count; i++) {
        const struct account *account = &snapshot->links[i].account;
        dropped += account->evicted + account->poisoned + account->abandoned;
    }
    for (size_t i = 0; i < snapshot->node_count; i++) {
        errors += snapshot->nodes[i].counts.errors;
        if (is_bottleneck(snapshot, &snapshot->nodes[i])) {
            json_array_append_new(bottlenecks, json_string(snapshot->nodes[i].id));
        }
    }
    set_number(json, "dropped", dropped);
    set_number(json, "step_errors", errors);
    json_object_set_new(json, "bottlenecks", bottlenecks);
}

static json_t *status_json(const struct broker *broker, const struct snapshot *snapshot)
{
    json_t *json = json_pack(
        "{s:s, s:i, s:s, s:s, s:i, s:i, s:i, s:i}", "graph", broker->graph->name, "pid",
        (int)getpid(), "version", SB_VERSION_STRING, "state", snapshot_phase_name(snapshot->phase),
        "nodes", (int)snapshot->node_count, "links", (int)snapshot->link_count, "exit_status",
        broker->exit_status, "left_behind", (int)snapshot->detached_count);
    int states[NODE_STATE_COUNT] = {0};
    for (size_t i = 0; i < snapshot->node_count; i++) {
        states[snapshot->nodes[i].state]++;
    }
    set_number(json, "running", (uint64_t)states[NODE_RUNNING]);
    set_number(json, "paused", (uint64_t)states[NODE_PAUSED]);
    set_number(json, "failed", (uint64_t)(states[NODE_FAILED] + states[NODE_DETACHED]));
    set_number(json, "nodes_max", snapshot->nodes_max);
    set_duration(json, "uptime_ns", snapshot->uptime_ns, true);
    set_number(json, "events", snapshot->events);
    set_number(json, "late_links", snapshot->late_count);
    set_number(json, "evicted_untold", snapshot->evicted_untold);
    set_number(json, "dead_letters", snapshot->dead_letters);
    set_number(json, "memory_used_bytes", snapshot->memory_used_bytes);
    json_object_set_new(json, "memory_limit_bytes",
                        snapshot->memory_limit_bytes == BUDGET_UNLIMITED
                            ? json_null()
                            : json_integer((json_int_t)snapshot->memory_limit_bytes));
    add_totals(json, snapshot);
    json_object_set_new(json, "change", control_change_status(broker));
    json_object_set_new(json, "loop_lateness", lateness_json(&broker->lateness));
    json_object_set_new(json, "control", control_server_counts(broker->control));
    json_object_set_new(json, "meters", control_grants_meters(broker));
    return json;
}

// Of one node, or of all where node is NULL.
static json_t *nodes_json(const struct snapshot *snapshot, const char *node)
{
    json_t *list = json_array();
    for (size_t i = 0; i < snapshot->node_count; i++) {
        if (node == NULL || strcmp(snapshot->nodes[i].id, node) == 0) {
            json_array_append_new(list, node_json(&snapshot->nodes[i]));
        }
    }
    return list;
}

static json_t *links_json(const struct snapshot *snapshot, const char *node)
{
    json_t *list = json_array();
    for (size_t i = 0; i < snapshot->link_count; i++) {
        const struct snapshot_link *link = &snapshot->links[i];
        if (node == NULL || is_of(link->from, node) || is_of(link->to, node)) {
            json_array_append_new(list, link_json(link));
        }
    }
    return list;
}

// The snapshot for a handler whose field "node", if given, names a node that is there.
static int take(struct control_call *call, struct snapshot *out_snapshot)
{
    if (control_call_is_set(call, "node")) {
        struct actual_node *node;
        int code = control_call_node(call, &node);
        if (code != 0) {
            return code;
        }
    }
    return snapshot_take(call->broker, out_snapshot) == 0
               ? 0
               : control_call_refuse(call, CONTROL_CODE_INTERNAL, "out of memory");
}

int control_show_status(struct control_call *call)
{
    struct snapshot snapshot;
    int code = take(call, &snapshot);
    if (code == 0) {
        control_call_say(call, status_json(call->broker, &snapshot));
        snapshot_fini(&snapshot);
    }
    return code;
}

int control_show_nodes(struct control_call *call)
{
    struct snapshot snapshot;
    int code = take(call, &snapshot);
    if (code == 0) {
        control_call_say(call, nodes_json(&snapshot, control_call_field(call, "node")));
        snapshot_fini(&snapshot);
    }
    return code;
}

int control_show_links(struct control_call *call)
{
    struct snapshot snapshot;
    int code = take(call, &snapshot);
    if (code == 0) {
        control_call_say(call, links_json(&snapshot, control_call_field(call, "node")));
        snapshot_fini(&snapshot);
    }
    return code;
}

int control_show_snapshot(struct control_call *call)
{
    struct snapshot snapshot;
    int code = take(call, &snapshot);
    if (code == 0) {
        json_t *json = json_pack("{s:I}", "time_ns", (json_int_t)snapshot.time_ns);
        json_object_set_new(json, "status", status_json(call->broker, &snapshot));
        json_object_set_new(json, "nodes", nodes_json(&snapshot, NULL));
        json_object_set_new(json, "links", links_json(&snapshot, NULL));
        control_call_say(call, json);
        snapshot_fini(&snapshot);
    }
    return code;
}
