// SPDX-License-Identifier: Apache-2.0
// Takes snapshots at an interval and shows what happened in between.
#include "tools/top.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/units.h"
#include "schemas/status_layout.h"
#include "tools/reach.h"
#include "tools/screen.h"
#include "tools/table.h"

#define CONNECT_MS 5000

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

// --- Times of calls ---------------------------------------------------------------------------

// How many calls of a kind there were, in a list of [least time, count] that is sorted by time.
static json_int_t count_of(const json_t *times, json_int_t least_ns)
{
    size_t index;
    json_t *kind;
    json_array_foreach(times, index, kind)
    {
        if (json_integer_value(json_array_get(kind, 0)) == least_ns) {
            return json_integer_value(json_array_get(kind, 1));
        }
    }
    return 0;
}

// The time of the kind in which this part of the new calls ends, -1 when there is none.
static json_int_t quantile(const json_t *now, const json_t *before, int permille)
{
    json_int_t all = 0;
    for (int pass = 0; pass < 2; pass++) {
        json_int_t seen = 0;
        size_t index;
        json_t *kind;
        json_array_foreach(now, index, kind)
        {
            json_int_t least_ns = json_integer_value(json_array_get(kind, 0));
            json_int_t count = json_integer_value(json_array_get(kind, 1));
            json_int_t fresh = count - count_of(before, least_ns);
            seen += fresh > 0 ? fresh : 0;
            if (pass == 1 && seen * 1000 >= all * permille && seen > 0) {
                return layout_call_time_middle_ns(layout_call_time(least_ns));
            }
        }
        all = seen;
    }
    return -1;
}

static void add_calls(json_t *now, const json_t *before, double seconds)
{
    if (before == NULL) {
        return;
    }
    const json_t *times = table_value(now, "calls.times");
    if (json_array_size(times) > 0) {
        add_rate(now, before, "calls.busy_ns", "busy_percent", seconds, 100 / 1e9);
    }
    const json_t *old = table_value(before, "calls.times");
    static const struct {
        const char *name;
        int permille;
    } wanted[] = {{"p50_ns", 500}, {"p99_ns", 990}};
    for (size_t i = 0; i < ARRAY_COUNT(wanted); i++) {
        json_int_t ns = quantile(times, old, wanted[i].permille);
        json_object_set_new(now, wanted[i].name, ns >= 0 ? json_integer(ns) : json_null());
    }
}

// --- Drops ------------------------------------------------------------------------------------

// "evicted=3 poisoned=1": frames that were lost, by reason, since the start. Nothing when none was.
static void add_drops(json_t *entry, const char *const *keys, size_t count)
{
    char bytes[512] = "";
    struct text drops = TEXT_OVER(bytes);
    for (size_t i = 0; i < count; i++) {
        json_int_t dropped = json_integer_value(table_value(entry, keys[i]));
        const char *dot = strchr(keys[i], '.');
        if (dropped > 0) {
            text_add_format(&drops, "%s%s=%lld", drops.length > 0 ? " " : "",
                            dot != NULL ? dot + 1 : keys[i], (long long)dropped);
        }
    }
    if (drops.length > 0) {
        json_object_set_new(entry, "drops", json_string(bytes));
    }
}

static void add_node_drops(json_t *node)
{
    static const char *const keys[] = {"counts.failed", "counts.refused", "counts.stopped",
                                       "counts.unlinked", "counts.missed_ticks"};
    add_drops(node, keys, ARRAY_COUNT(keys));
}

static void add_link_drops(json_t *link)
{
    static const char *const keys[] = {"evicted", "poisoned", "abandoned", "refused"};
    add_drops(link, keys, ARRAY_COUNT(keys));
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
        add_calls(entry, old, seconds);
        add_queues(entry, links);
        add_node_drops(entry);
    }
    json_array_foreach((json_t *)(size_t)links, index, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "link"));
        add_rate(entry, find(old_links, "link", name), "published", "rate", seconds, 1);
        add_link_drops(entry);
    }
}

void top_print(const json_t *snapshot, FILE *out)
{
    const char *state = json_string_value(table_value(snapshot, "status.state"));
    const char *graph = json_string_value(table_value(snapshot, "status.graph"));
    fprintf(out, "%s: %s\n\n", graph != NULL ? graph : "?", state != NULL ? state : "?");
    table_print(TABLE_TOP_NODES, json_object_get(snapshot, "nodes"), false, 0, out);
    fprintf(out, "\n");
    table_print(TABLE_TOP_LINKS, json_object_get(snapshot, "links"), false, 0, out);
}

static void print(const struct verb_call *call, const json_t *snapshot)
{
    if (verb_value(call, "--json") != NULL) {
        json_dumpf(snapshot, stdout, JSON_COMPACT);
        printf("\n");
    } else {
        top_print(snapshot, stdout);
    }
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

// --- On a terminal ----------------------------------------------------------------------------

static void draw(struct screen *screen, const json_t *snapshot)
{
    char *page = NULL;
    size_t count;
    FILE *out = open_memstream(&page, &count);
    if (out == NULL) {
        return;
    }
    top_print(snapshot, out);
    if (fclose(out) == 0) {
        screen_draw(screen, page);
    }
    free(page);
}

// Draws until something else is wanted than to draw again.
static enum screen_news draw_until(struct screen *screen, const json_t *snapshot,
                                   struct sb_control *control, int64_t deadline_ns)
{
    enum screen_news news;
    do {
        draw(screen, snapshot);
        news = screen_wait(screen, sb_control_fd(control), deadline_ns);
    } while (news == SCREEN_RESIZED);
    return news;
}

static int show_live(struct sb_control *control, int64_t interval_ns)
{
    struct screen screen;
    json_t *before = NULL;
    int result = take(control, &before);
    if (result != 0) {
        return result;
    }
    top_compare(before, NULL);
    result = screen_begin(&screen);
    if (result == 0) {
        int64_t deadline_ns = clock_now_ns() + interval_ns;
        while (result == 0 && draw_until(&screen, before, control, deadline_ns) == SCREEN_TIME) {
            json_t *now = NULL;
            result = take(control, &now);
            if (result == 0) {
                top_compare(now, before);
                json_decref(before);
                before = now;
                deadline_ns = clock_now_ns() + interval_ns;
            }
        }
        screen_end(&screen);
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
    bool is_live = isatty(STDOUT_FILENO) && verb_value(call, "--once") == NULL &&
                   verb_value(call, "--json") == NULL;
    int result = is_live ? show_live(control, interval_ns) : show(call, control, interval_ns);
    if (result > 0) {
        fprintf(stderr, "streamctl top: %s\n", sb_control_error(control));
    } else if (result < 0) {
        fprintf(stderr, "streamctl top: %s\n", strerrordesc_np(-result));
        result = VERB_UNREACHABLE;
    }
    sb_control_close(control);
    return result;
}
