// SPDX-License-Identifier: Apache-2.0
// Prints events and log records. Their texts may come from workers: they are escaped.
#include "tools/line.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"

#define LINE_BYTES 32768

static const char *string_of(const json_t *object, const char *key)
{
    const char *string = json_string_value(json_object_get(object, key));
    return string != NULL ? string : "";
}

static void add_time(struct text *line, const json_t *object)
{
    int64_t ns = json_integer_value(json_object_get(object, "ts"));
    time_t seconds = (time_t)(ns / CLOCK_NS_PER_S);
    struct tm local;
    char clock[16];
    localtime_r(&seconds, &local);
    strftime(clock, sizeof clock, "%H:%M:%S", &local);
    text_add_format(line, "%s.%03d ", clock, (int)(ns % CLOCK_NS_PER_S / CLOCK_NS_PER_MS));
}

static void add_node(struct text *line, const json_t *object)
{
    const char *node = string_of(object, "node");
    if (node[0] != '\0') {
        text_add(line, " ");
        text_add_escaped(line, node, strlen(node));
        text_add_format(line, "[%lld]",
                        (long long)json_integer_value(json_object_get(object, "generation")));
    }
}

static void add_text(struct text *line, const json_t *object)
{
    const char *text = string_of(object, "text");
    text_add(line, ": ");
    text_add_escaped(line, text, strlen(text));
}

// True when the document says how many others were missed instead of being one itself.
static bool print_missed(const json_t *object, const char *what, FILE *out)
{
    const json_t *missed = json_object_get(object, "missed");
    if (missed != NULL) {
        fprintf(out, "(%lld %s were missed)\n", (long long)json_integer_value(missed), what);
    }
    return missed != NULL;
}

void line_print_event(const json_t *event, FILE *out)
{
    if (print_missed(event, "events", out)) {
        return;
    }
    char bytes[LINE_BYTES];
    struct text line = TEXT_OVER(bytes);
    add_time(&line, event);
    text_add(&line, string_of(event, "event"));
    add_node(&line, event);
    add_text(&line, event);
    int64_t count = json_integer_value(json_object_get(event, "count"));
    if (count > 1) {
        text_add_format(&line, " count=%lld", (long long)count);
    }
    fprintf(out, "%s\n", bytes);
}

void line_print_log(const json_t *record, FILE *out)
{
    if (print_missed(record, "lines", out)) {
        return;
    }
    char bytes[LINE_BYTES];
    struct text line = TEXT_OVER(bytes);
    text_add(&line, string_of(record, "level"));
    add_node(&line, record);
    if (json_is_true(json_object_get(record, "intercepted"))) {
        text_add_format(&line, " %s", string_of(record, "stream"));
    }
    add_text(&line, record);
    fprintf(out, "%s\n", bytes);
}
