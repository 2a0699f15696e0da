// SPDX-License-Identifier: Apache-2.0
// Keeps a request and what was said to it.
#include "broker/control/control_call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/nearest.h"
#include "base/redact.h"
#include "base/text.h"
#include "broker/broker.h"

#define OUT_BYTES_FIRST 1024

int control_call_begin(struct control_call *call, struct broker *broker,
                       const struct control_request *request)
{
    SB_ASSERT(call->number == 0);
    size_t bytes = request->field_count * sizeof *call->fields;
    for (size_t i = 0; i < request->field_count; i++) {
        bytes += strlen(request->fields[i].value) + 1;
    }
    struct control_field *fields = malloc(bytes + 1);
    if (fields == NULL) {
        return -ENOMEM;
    }
    char *values = (char *)(fields + request->field_count);
    for (size_t i = 0; i < request->field_count; i++) {
        size_t count = strlen(request->fields[i].value) + 1;
        fields[i] = request->fields[i];
        fields[i].value = memcpy(values, request->fields[i].value, count);
        values += count;
    }
    *call = (struct control_call){.broker = broker,
                                  .number = request->call,
                                  .field_count = request->field_count,
                                  .fields = fields,
                                  .due_ns = INT64_MAX};
    return 0;
}

void control_call_take(struct control_call *call, int result)
{
    if (result >= 0 && !call->is_over) {
        call->is_over = true;
        call->code = result;
    }
    if (call->is_over) {
        call->look = NULL;
        call->due_ns = INT64_MAX;
    }
    // One that waits for nothing would wait forever.
    SB_ASSERT(call->is_over || call->look != NULL);
}

void control_call_end(struct control_call *call)
{
    if (call->drop != NULL) {
        call->drop(call->context);
    }
    free(call->fields);
    free(call->out);
    *call = (struct control_call){.number = 0};
}

const char *control_call_field_at(const struct control_call *call, const char *name, size_t index)
{
    for (size_t i = 0; i < call->field_count; i++) {
        if (strcmp(call->fields[i].name, name) == 0 && index-- == 0) {
            return call->fields[i].value;
        }
    }
    return NULL;
}

const char *control_call_field(const struct control_call *call, const char *name)
{
    return control_call_field_at(call, name, 0);
}

bool control_call_is_set(const struct control_call *call, const char *name)
{
    return control_call_field(call, name) != NULL;
}

int control_call_node(struct control_call *call, struct actual_node **out_node)
{
    const char *id = control_call_field(call, "node");
    SB_ASSERT(id != NULL);
    struct nearest nearest = nearest_to(id);
    const struct actual *actual = call->broker->actual;
    for (size_t i = 0; i < actual->node_count; i++) {
        if (strcmp(actual->nodes[i]->life.id, id) == 0) {
            *out_node = actual->nodes[i];
            return 0;
        }
        nearest_offer(&nearest, actual->nodes[i]->life.id);
    }
    if (nearest.best[0] != '\0') {
        return control_call_refuse(call, CONTROL_CODE_NO_SUCH,
                                   "there is no node '%s'; did you mean '%s'?", id, nearest.best);
    }
    return control_call_refuse(call, CONTROL_CODE_NO_SUCH, "there is no node '%s'", id);
}

static bool make_room(struct control_call *call, size_t bytes)
{
    if (bytes > CONTROL_OUT_BYTES_MAX - call->out_count) {
        return false;
    }
    size_t room = call->out_room > 0 ? call->out_room : OUT_BYTES_FIRST;
    while (room < call->out_count + bytes) {
        room *= 2;
    }
    if (room > call->out_room) {
        char *out = realloc(call->out, room);
        if (out == NULL) {
            return false;
        }
        call->out = out;
        call->out_room = room;
    }
    return true;
}

static void add(struct control_call *call, const char *bytes, size_t count)
{
    if (call->out_sent == call->out_count) {
        call->out_sent = 0;
        call->out_count = 0;
    }
    if (!make_room(call, count + 1)) {
        control_call_take(call, control_call_refuse(call, CONTROL_CODE_INTERNAL,
                                                    "the answer is too large or memory ran out"));
        return;
    }
    memcpy(call->out + call->out_count, bytes, count);
    call->out[call->out_count + count] = '\n';
    call->out_count += count + 1;
}

void control_call_say(struct control_call *call, json_t *document)
{
    // Escaped, so that a document can be cut anywhere and has no line feed in it.
    char *text = document != NULL ? json_dumps(document, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    if (text != NULL) {
        // Also of what a graph says about its nodes. A secret ends before the quote of its string.
        add(call, text, redact_urls(text, strlen(text)));
    } else {
        control_call_take(call, control_call_refuse(call, CONTROL_CODE_INTERNAL, "out of memory"));
    }
    free(text);
    json_decref(document);
}

json_t *control_call_text(const char *text)
{
    json_t *json = json_string(text);
    size_t count = strlen(text);
    // At most six bytes for one, quotes and the terminator.
    size_t room = json == NULL ? 6 * count + 3 : 0;
    auto_free char *bytes = room > 0 ? malloc(room) : NULL;
    if (bytes != NULL) {
        struct text quoted = text_over(bytes, room);
        text_add_json(&quoted, text, count);
        json = json_loads(bytes, JSON_DECODE_ANY, NULL);
    }
    return json;
}

int control_call_refuse(struct control_call *call, enum control_code code, const char *format, ...)
{
    struct text text = TEXT_OVER(call->error);
    va_list list;
    va_start(list, format);
    text_add_format_list(&text, format, list);
    va_end(list);
    redact_string(call->error);
    return (int)code;
}

int control_call_later(struct control_call *call, control_look_fn look, int64_t due_ns)
{
    call->look = look;
    call->due_ns = due_ns;
    return CONTROL_LATER;
}
