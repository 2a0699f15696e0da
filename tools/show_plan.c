// SPDX-License-Identifier: Apache-2.0
// Makes the tables of a plan.
#include "tools/show_plan.h"

#include <string.h>

#include "tools/table.h"

static json_t *find(const json_t *list, const char *key, const char *wanted)
{
    size_t index;
    json_t *entry;
    json_array_foreach(list, index, entry)
    {
        const char *name = json_string_value(json_object_get(entry, key));
        if (name != NULL && wanted != NULL && strcmp(name, wanted) == 0) {
            return entry;
        }
    }
    return NULL;
}

// One line of memory: frames and bytes as they will be, or are when it goes.
struct kind {
    const char *list;    // "outputs" or "links"
    const char *key;     // name of an entry
    const char *frames;  // how many of them
    const char *each;    // bytes of one, NULL: it does not hold frames itself
};

static json_t *line_of(const struct kind *kind, const json_t *entry, const json_t *now,
                       const json_t *after)
{
    json_t *line = json_object();
    json_object_set(line, "name", json_object_get(entry, kind->key));
    json_object_set(line, "frames", json_object_get(entry, kind->frames));
    if (kind->each != NULL) {
        json_object_set(line, "each_bytes", json_object_get(entry, kind->each));
    }
    json_object_set(line, "now_bytes", json_object_get(now, "bytes"));
    json_object_set(line, "after_bytes", json_object_get(after, "bytes"));
    json_object_set(line, "is_estimate", json_object_get(after, "is_estimate"));
    return line;
}

// Those that will be there, and then those that go.
static void add_lines(const struct kind *kind, const json_t *plan, json_t *lines)
{
    char now_key[64];
    char after_key[64];
    snprintf(now_key, sizeof now_key, "memory_now.%s", kind->list);
    snprintf(after_key, sizeof after_key, "memory.%s", kind->list);
    const json_t *now = table_value(plan, now_key);
    const json_t *after = table_value(plan, after_key);
    size_t index;
    json_t *entry;
    json_array_foreach(after, index, entry)
    {
        const char *name = json_string_value(json_object_get(entry, kind->key));
        json_array_append_new(lines, line_of(kind, entry, find(now, kind->key, name), entry));
    }
    json_array_foreach(now, index, entry)
    {
        const char *name = json_string_value(json_object_get(entry, kind->key));
        if (find(after, kind->key, name) == NULL) {
            json_array_append_new(lines, line_of(kind, entry, entry, NULL));
        }
    }
}

static void print_memory(const json_t *plan, FILE *out)
{
    static const struct kind outputs = {"outputs", "output", "slots", "payload_bytes"};
    static const struct kind links = {"links", "link", "depth", NULL};
    json_t *lines = json_array();
    add_lines(&outputs, plan, lines);
    add_lines(&links, plan, lines);
    json_t *all = json_pack("{s:s}", "name", "in all");
    json_object_set(all, "now_bytes", (json_t *)table_value(plan, "memory_now.bytes"));
    json_object_set(all, "after_bytes", (json_t *)table_value(plan, "memory.bytes"));
    json_array_append_new(lines, all);
    fputs("\n", out);
    table_print(TABLE_PLAN_MEMORY, lines, false, 0, out);
    json_decref(lines);
}

// What is a right has a table of its own.
static json_t *settings_of(const json_t *plan)
{
    json_t *settings = json_array();
    size_t index;
    json_t *entry;
    json_array_foreach(json_object_get(plan, "changes"), index, entry)
    {
        if (!json_is_true(json_object_get(entry, "is_right"))) {
            json_array_append(settings, entry);
        }
    }
    return settings;
}

static void print_if_any(enum table_id table, const json_t *rows, FILE *out)
{
    if (json_array_size(rows) > 0) {
        fputs("\n", out);
        table_print(table, rows, false, 0, out);
    }
}

void show_plan(const json_t *plan, FILE *out)
{
    const json_t *steps = json_object_get(plan, "steps");
    const char *graph = json_string_value(json_object_get(plan, "graph"));
    const char *fixed = json_string_value(json_object_get(plan, "impossible"));
    size_t count = json_array_size(steps);
    json_t *settings = settings_of(plan);
    fprintf(out, "%s: ", graph != NULL ? graph : "?");
    if (fixed != NULL) {
        fprintf(out, "impossible: %s cannot change while the graph runs\n", fixed);
    } else if (count > 0) {
        fprintf(out, "%zu step%s\n", count, count == 1 ? "" : "s");
    } else {
        fprintf(out, "no steps%s\n",
                json_array_size(settings) > 0 ? "; only rules of the broker change" : "");
    }
    print_if_any(TABLE_PLAN_STEPS, steps, out);
    print_if_any(TABLE_PLAN_CHANGES, settings, out);
    print_if_any(TABLE_PLAN_RIGHTS, json_object_get(plan, "rights"), out);
    print_memory(plan, out);
    fprintf(out, "\nframes at risk: %lld%s\n",
            (long long)json_integer_value(json_object_get(plan, "frames_at_risk")),
            json_integer_value(json_object_get(plan, "frames_at_risk")) > 0
                ? " wait on links that go; they are read first, for as long as timeouts.stop allows"
                : "");
    json_decref(settings);
}
