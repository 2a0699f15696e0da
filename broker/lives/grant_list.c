// SPDX-License-Identifier: Apache-2.0
// Makes the plan of a node as its start would, and says what is in it.
#include "broker/lives/grant_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/lives/cage.h"
#include "broker/lives/granting.h"
#include "broker/lives/metering.h"

static const char *access_of(enum sandbox_bind_kind kind)
{
    switch (kind) {
    case SANDBOX_BIND_READ:
    case SANDBOX_BIND_DATA:
    case SANDBOX_BIND_PUBLIC:
        return "read";
    case SANDBOX_BIND_EXECUTE:
        return "execute";
    case SANDBOX_BIND_WRITE:
        return "write";
    case SANDBOX_BIND_DEVICE:
        return "device";
    }
    SB_UNREACHABLE();
}

static int add_place(json_t *places, const char *grant, const char *access, const char *path,
                     bool is_new)
{
    json_t *place = json_pack("{s:s, s:s, s:s}", "grant", grant, "access", access, "path", path);
    if (place != NULL && is_new) {
        json_object_set_new(place, "new", json_true());
    }
    return json_array_append_new(places, place) == 0 ? 0 : -ENOMEM;
}

static int add_base(json_t *places, const struct sandbox_plan *plan, size_t count)
{
    int failed = 0;
    for (size_t i = 0; i < count && failed == 0; i++) {
        const struct sandbox_bind *bind = &plan->binds[i];
        failed = add_place(places, "base", access_of(bind->kind), bind->target, false);
    }
    if (failed == 0 && plan->tmpfs_bytes != SANDBOX_TMPFS_NONE) {
        failed = add_place(places, "base", "write", "/tmp", false);
    }
    return failed;
}

static int add_granted(json_t *places, const struct grant_set *set)
{
    int failed = 0;
    for (size_t i = 0; i < set->count && failed == 0; i++) {
        const struct grant_item *item = &set->items[i];
        failed = add_place(places, grant_word(item->grant), access_of(item->kind), item->target,
                           item->is_new);
    }
    return failed;
}

// In the order of the plan. A grant may take a folder of the node's own root out of its way.
static int add_places(json_t *places, struct cage *cage, const struct grant_set *set)
{
    size_t before = cage->plan.bind_count;
    int failed = grant_fill(set, &cage->plan);
    size_t granted = cage->plan.bind_count - before;
    cage_make_room(cage);
    failed = failed == 0 ? add_base(places, &cage->plan, cage->plan.bind_count - granted) : failed;
    return failed == 0 ? add_granted(places, set) : failed;
}

static int add_environment(json_t *names, const struct graph_node *node,
                           const struct grant_set *set)
{
    int failed = 0;
    for (size_t i = 0; i < node->sandbox.env.count && failed == 0; i++) {
        failed = json_array_append_new(names, json_string(node->sandbox.env.items[i].name));
    }
    for (size_t i = 0; i < set->variable_count && failed == 0; i++) {
        size_t length = strcspn(set->variables[i], "=");
        failed = json_array_append_new(names, json_stringn(set->variables[i], length));
    }
    return failed == 0 ? 0 : -ENOMEM;
}

// 0 and "none" are no limit: null.
static json_t *limit_of(uint64_t value)
{
    return value == 0 || value == GRAPH_NONE_BYTES ? json_null() : json_integer((json_int_t)value);
}

static json_t *limits_of(const struct graph_node *node)
{
    struct metering_limits limits = metering_limits_of(node);
    bool is_caged = cage_is_wanted(node);
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "memory", limit_of(limits.memory_bytes),
                     "cpu_permille", limit_of(limits.cpu_permille), "pids", limit_of(limits.pids),
                     "files", limit_of(limits.files), "tmpfs",
                     limit_of(is_caged ? node->limits.tmpfs : 0), "log_rate",
                     limit_of(node->limits.log_rate));
}

static int fill(const struct graph *graph, const struct graph_node *node, json_t *places,
                json_t *names)
{
    struct grant_set set;
    grant_set_init(&set);
    int failed = 0;
    if (cage_is_wanted(node)) {
        struct cage *cage = NULL;
        struct diag why;
        failed = cage_open(node, &node->found.judged, &cage, &why);
        failed = failed == 0 ? granting_look(graph, node, &set) : failed;
        failed = failed == 0 ? add_places(places, cage, &set) : failed;
        cage_close(cage);
    }
    failed = failed == 0 ? add_environment(names, node, &set) : failed;
    grant_set_fini(&set);
    return failed;
}

int grant_list_node(const struct graph *graph, const struct graph_node *node, json_t **out_json)
{
    json_t *places = json_array();
    json_t *names = json_array();
    int failed = places == NULL || names == NULL ? -ENOMEM : fill(graph, node, places, names);
    bool is_caged = cage_is_wanted(node);
    json_t *json = NULL;
    if (failed == 0) {
        json = json_pack("{s:s, s:s, s:b, s:O, s:O, s:o}", "node", node->id, "tier",
                         is_caged ? "untrusted" : "trusted", "network",
                         !is_caged || node->sandbox.is_network, "places", places, "environment",
                         names, "limits", limits_of(node));
        failed = json == NULL ? -ENOMEM : 0;
    }
    json_decref(places);
    json_decref(names);
    if (failed == 0) {
        *out_json = json;
    }
    return failed;
}

// --- For people -------------------------------------------------------------------------------

static void print_limits(const json_t *limits, FILE *out)
{
    char bytes[256];
    struct text text = TEXT_OVER(bytes);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)limits, name, value)
    {
        uint64_t number = (uint64_t)json_integer_value(value);
        char words[32];
        if (json_is_null(value)) {
            continue;
        }
        if (strcmp(name, "cpu_permille") == 0) {
            text_add_format(&text, "%scpu %" PRIu64 ".%" PRIu64 "%%", text.length > 0 ? ", " : "",
                            number / 10, number % 10);
            continue;
        }
        bool is_count = strcmp(name, "pids") == 0 || strcmp(name, "files") == 0;
        if (is_count) {
            snprintf(words, sizeof words, "%" PRIu64, number);
        } else {
            units_format_size(number, words, sizeof words);
        }
        text_add_format(&text, "%s%s %s", text.length > 0 ? ", " : "", name, words);
    }
    fprintf(out, "  %-8s %s\n", "limits", text.length > 0 ? bytes : "none");
}

static void print_node(const json_t *json, FILE *out)
{
    const char *tier = json_string_value(json_object_get(json, "tier"));
    bool is_trusted = strcmp(tier, "trusted") == 0;
    fprintf(out, "%s: %s%s\n", json_string_value(json_object_get(json, "node")), tier,
            is_trusted ? ", reaches what you reach" : "");
    size_t index;
    json_t *place;
    json_array_foreach(json_object_get(json, "places"), index, place)
    {
        fprintf(out, "  %-8s %-8s %s%s\n", json_string_value(json_object_get(place, "grant")),
                json_string_value(json_object_get(place, "access")),
                json_string_value(json_object_get(place, "path")),
                json_object_get(place, "new") != NULL ? " (made at its start)" : "");
    }
    json_t *name;
    json_array_foreach(json_object_get(json, "environment"), index, name)
    {
        fprintf(out, "  %-8s %-8s %s\n", "env", "variable", json_string_value(name));
    }
    if (!is_trusted) {
        bool has_network = json_is_true(json_object_get(json, "network"));
        fprintf(out, "  %-8s %s\n", "network", has_network ? "that of the machine" : "none");
    }
    print_limits(json_object_get(json, "limits"), out);
}

int grant_list_print(const struct graph *graph, bool is_json, FILE *out)
{
    json_t *all = json_array();
    int failed = all == NULL ? -ENOMEM : 0;
    for (size_t i = 0; i < graph->node_count && failed == 0; i++) {
        json_t *json = NULL;
        failed = grant_list_node(graph, &graph->nodes[i], &json);
        if (failed == 0 && json_array_append_new(all, json) != 0) {
            failed = -ENOMEM;
        }
    }
    size_t index;
    json_t *json;
    if (failed == 0 && is_json) {
        failed = json_dumpf(all, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF ? 0 : -EIO;
    } else if (failed == 0) {
        json_array_foreach(all, index, json)
        {
            print_node(json, out);
        }
    }
    json_decref(all);
    return failed != 0 ? failed : fflush(out) == 0 ? 0 : -errno;
}
