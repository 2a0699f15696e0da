// SPDX-License-Identifier: Apache-2.0
// Verbs that give a stream: each reader at its own pace, from a ring that waits for nobody.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "broker/broker.h"
#include "broker/control/control_verb.h"

#define DOCUMENTS_PER_TURN 8

static json_t *event_json(const struct health_event *event)
{
    int64_t wall_ns = clock_wall_ns() - (clock_now_ns() - event->time_ns);
    json_t *json = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:s}", "event", health_type_name(event->type), "level",
        log_level_name(health_type_level(event->type)), "serial", (json_int_t)event->serial, "ts",
        (json_int_t)wall_ns, "count", (json_int_t)event->count, "text", event->text);
    if (event->node[0] != '\0') {
        json_object_set_new(json, "node", json_string(event->node));
        json_object_set_new(json, "generation", json_integer(event->generation));
    }
    if (event->link[0] != '\0') {
        json_object_set_new(json, "link", json_string(event->link));
    }
    if (event->seq != 0) {
        json_object_set_new(json, "seq", json_integer((json_int_t)event->seq));
    }
    return json;
}

// Events of a node and of the links from and to it; without a node those of all.
static bool is_wanted(const struct health_event *event, const char *node)
{
    if (node == NULL || strcmp(event->node, node) == 0) {
        return true;
    }
    size_t length = strlen(node);
    const char *to = strstr(event->link, "-> ");
    return (strncmp(event->link, node, length) == 0 && event->link[length] == '.') ||
           (to != NULL && strncmp(to + 3, node, length) == 0 && to[3 + length] == '.');
}

// numbers[0]: the serial to read next; numbers[1]: the serial to end before, 0 = follow.
static int look_at_events(struct control_call *call)
{
    struct health *health = &call->broker->health;
    struct health_listener listener = {.next = call->numbers[0]};
    int result = CONTROL_MORE;
    for (int i = 0; i < DOCUMENTS_PER_TURN && result == CONTROL_MORE; i++) {
        struct health_event event;
        uint64_t missed;
        bool is_end = call->numbers[1] != 0 && listener.next >= call->numbers[1];
        if (is_end || health_next(health, &listener, &event, &missed) == 0) {
            bool is_over = call->numbers[1] != 0 || call->broker->phase == BROKER_ENDED;
            result = is_over ? CONTROL_CODE_OK : CONTROL_LATER;
            break;
        }
        if (missed > 0) {
            control_call_say(call, json_pack("{s:I}", "missed", (json_int_t)missed));
        }
        if (is_wanted(&event, control_call_field(call, "node"))) {
            control_call_say(call, event_json(&event));
        }
    }
    call->numbers[0] = listener.next;
    return result;
}

// From the one after a serial on: who knows it from `status` misses nothing between the two calls.
static int begin_after(struct control_call *call, uint64_t next)
{
    const char *since = control_call_field(call, "since");
    int64_t serial;
    if (since == NULL) {
        return 0;
    }
    if (units_parse_integer(since, &serial) != 0 || serial < 0) {
        return control_call_refuse(call, CONTROL_CODE_USAGE,
                                   "since is the number of an event, as status has it");
    }
    call->numbers[0] = (uint64_t)serial < next ? (uint64_t)serial + 1 : next;
    return 0;
}

int control_stream_events(struct control_call *call)
{
    struct health_listener listener;
    struct actual_node *node;
    int code = control_call_is_set(call, "node") ? control_call_node(call, &node) : 0;
    if (code != 0) {
        return code;
    }
    health_listen(&call->broker->health, &listener);
    if (control_call_is_set(call, "follow")) {
        call->numbers[0] = listener.next;
    } else {
        call->numbers[0] =
            listener.next > HEALTH_RING_EVENTS ? listener.next - HEALTH_RING_EVENTS : 1;
        call->numbers[1] = listener.next;
    }
    code = begin_after(call, listener.next);
    if (code != 0) {
        return code;
    }
    control_call_later(call, look_at_events, INT64_MAX);
    return look_at_events(call);
}

static json_t *line_json(const struct log_ring_line *line)
{
    json_t *json = json_pack("{s:I, s:I, s:s, s:s, s:b, s:o}", "serial", (json_int_t)line->serial,
                             "ts", (json_int_t)line->time_ns, "level", log_level_name(line->level),
                             "stream", line->stream, "intercepted", line->is_intercepted, "text",
                             control_call_text(line->text != NULL ? line->text : ""));
    bool is_node = line->node[0] != '\0';
    json_object_set_new(json, "node", is_node ? json_string(line->node) : json_null());
    json_object_set_new(json, "generation", json_integer(line->generation));
    return json;
}

// As look_at_events().
static int look_at_lines(struct control_call *call)
{
    struct log_ring *ring = call->broker->log_ring;
    const char *node = control_call_field(call, "node");
    for (int i = 0; i < DOCUMENTS_PER_TURN; i++) {
        struct log_ring_line line;
        uint64_t missed;
        bool is_end = call->numbers[1] != 0 && call->numbers[0] >= call->numbers[1];
        if (is_end || log_ring_next(ring, node, &call->numbers[0], &line, &missed) == 0) {
            bool is_over = call->numbers[1] != 0 || call->broker->phase == BROKER_ENDED;
            return is_over ? CONTROL_CODE_OK : CONTROL_LATER;
        }
        if (missed > 0 && call->numbers[2] != 0) {
            control_call_say(call, json_pack("{s:I}", "missed", (json_int_t)missed));
        }
        call->numbers[2] = 1;  // what was there before the first line is not missed
        control_call_say(call, line_json(&line));
        free(line.text);
    }
    return CONTROL_MORE;
}

int control_stream_logs(struct control_call *call)
{
    struct actual_node *node;
    int code = control_call_is_set(call, "node") ? control_call_node(call, &node) : 0;
    if (code != 0) {
        return code;
    }
    call->numbers[0] = 1;
    call->numbers[1] =
        control_call_is_set(call, "follow") ? 0 : log_ring_last(call->broker->log_ring) + 1;
    control_call_later(call, look_at_lines, INT64_MAX);
    return look_at_lines(call);
}
