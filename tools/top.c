// SPDX-License-Identifier: Apache-2.0
// Takes snapshots at an interval and shows what happened in between.
#include "tools/top.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"
#include "tools/reach.h"
#include "tools/table.h"

#define CONNECT_MS 5000
#define CLEAR "\033[H\033[J"

static double number_at(const json_t *object, const char *key)
{
    return json_number_value(table_value(object, key));
}

static const json_t *find(const json_t *list, const char *key, const char *wanted)
{
    size_t index;
    json_t *entry;
    json_array_foreach((json_t *)(size_t)list, index, entry)
    {
        const char *value = json_string_value(json_object_get(entry, key));
        if (value != NULL && wanted != NULL && strcmp(value, wanted) == 0) {
            return entry;
        }
    }
    return NULL;
}

// Per second; nothing when it was not there before. A count that went back is one that began again.
static void add_rate(json_t *now, const json_t *before, const char *key, const char *name,
                     double seconds, double factor)
{
    if (before == NULL || seconds <= 0) {
        return;
    }
    double change = number_at(now, key) - number_at(before, key);
    json_object_set_new(now, name, json_real(change > 0 ? change * factor / seconds : 0));
}

// Of all links into a node: what is queued, and how long the oldest has waited.
static void add_queues(json_t *node, const json_t *links)
{
    const char *id = json_string_value(json_object_get(node, "id"));
    size_t length = id != NULL ? strlen(id) : 0;
    double queued = 0;
    double wait_ns = 0;
    size_t index;
    json_t *link;
    json_array_foreach((json_t *)(size_t)links, index, link)
    {
        const char *to = json_string_value(json_object_get(link, "to"));
        if (id == NULL || to == NULL || strncmp(to, id, length) != 0 || to[length] != '.') {
            continue;
        }
        queued += number_at(link, "queued");
        double head_ns = number_at(link, "head_age_ns");
        wait_ns = head_ns > wait_ns ? head_ns : wait_ns;
    }
    json_object_set_new(node, "queued", json_integer((json_int_t)queued));
    json_object_set_new(node, "wait_ns", json_integer((json_int_t)wait_ns));
}

void top_compare(json_t *now, const json_t *before)
{
    double seconds = (number_at(now, "time_ns") - number_at(before, "time_ns")) / 1e9;
    const json_t *links = json_object_get(now, "links");
    const json_t *old_nodes = json_object_get(before, "nodes");
    const json_t *old_links = json_object_get(before, "links");
    size_t index;
    json_t *entry;
    json_array_foreach(json_object_get(now, "nodes"), index, entry)
    {
        const char *id = json_string_value(json_object_get(entry, "id"));
        const json_t *old = find(old_nodes, "id", id);
        add_rate(entry, old, "counts.in", "in_rate", seconds, 1);
        add_rate(entry, old, "counts.out", "out_rate", seconds, 1);
        add_rate(entry, old, "cpu_ns", "cpu_percent", seconds, 100 / 1e9);
        add_queues(entry, links);
    }
    json_array_foreach((json_t *)(size_t)links, index, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "link"));
        add_rate(entry, find(old_links, "link", name), "published", "rate", seconds, 1);
    }
}

static void print(const struct verb_call *call, const json_t *snapshot)
{
    if (verb_value(call, "--json") != NULL) {
        json_dumpf(snapshot, stdout, JSON_COMPACT);
        printf("\n");
        return;
    }
    struct winsize window = {.ws_col = 0};
    bool is_live = isatty(STDOUT_FILENO) && verb_value(call, "--once") == NULL;
    if (is_live) {
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &window);
        fputs(CLEAR, stdout);
    }
    const char *state = json_string_value(table_value(snapshot, "status.state"));
    const char *graph = json_string_value(table_value(snapshot, "status.graph"));
    printf("%s: %s\n\n", graph != NULL ? graph : "?", state != NULL ? state : "?");
    table_print(TABLE_TOP_NODES, json_object_get(snapshot, "nodes"), false, window.ws_col, stdout);
    printf("\n");
    table_print(TABLE_TOP_LINKS, json_object_get(snapshot, "links"), false, window.ws_col, stdout);
}

// Returns 0 and a snapshot, an exit status of the broker, or a negative errno.
static int take(struct sb_control *control, json_t **out_snapshot)
{
    const char *document = NULL;
    int result = sb_control_call(control, "snapshot", NULL, 0, -1, &document);
    if (result != 0) {
        return result;
    }
    json_t *snapshot = document != NULL ? json_loads(document, 0, NULL) : NULL;
    if (snapshot == NULL) {
        return -EPROTO;
    }
    *out_snapshot = snapshot;
    return 0;
}

// True when the time has passed, false when the broker is gone.
static bool pause_for(struct sb_control *control, int64_t interval_ns)
{
    struct pollfd wait = {.fd = sb_control_fd(control), .events = POLLIN};
    return poll(&wait, 1, (int)(interval_ns / CLOCK_NS_PER_MS)) == 0;
}

static int show(const struct verb_call *call, struct sb_control *control, int64_t interval_ns)
{
    json_t *before = NULL;
    int result = take(control, &before);
    while (result == 0 && pause_for(control, interval_ns)) {
        json_t *now = NULL;
        result = take(control, &now);
        if (result != 0) {
            break;
        }
        top_compare(now, before);
        print(call, now);
        json_decref(before);
        before = now;
        if (verb_value(call, "--once") != NULL || fflush(stdout) != 0) {
            break;
        }
    }
    json_decref(before);
    return result;
}

int top(const struct verb_call *call)
{
    const char *interval = verb_value(call, "--interval");
    int64_t interval_ns = CLOCK_NS_PER_S;
    if (interval != NULL &&
        (units_parse_duration(interval, &interval_ns) != 0 || interval_ns < 10 * CLOCK_NS_PER_MS ||
         interval_ns > 3600 * CLOCK_NS_PER_S)) {
        fprintf(stderr, "streamctl top: '%s' is no time from 10ms to 1h; write 500ms or 2s\n",
                interval);
        return VERB_USAGE;
    }
    struct sb_control *control;
    int status = reach_broker(call, CONNECT_MS, false, &control);
    if (status != 0) {
        return status;
    }
    int result = show(call, control, interval_ns);
    if (result > 0) {
        fprintf(stderr, "streamctl top: %s\n", sb_control_error(control));
    } else if (result < 0) {
        fprintf(stderr, "streamctl top: %s\n", strerrordesc_np(-result));
        result = VERB_UNREACHABLE;
    }
    sb_control_close(control);
    return result;
}
