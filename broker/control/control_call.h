// SPDX-License-Identifier: Apache-2.0
// One request of a client that is under way: its fields, and what is said to it.
//
// A handler sees a call from control_verb_run() until it returned a code, or until its look did.
// The client may be gone at any time before; then drop() is called, and nothing else.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <streambroker/control.h>

#include "schemas/wire_control.h"

// Codes of an answer, as the public header has them.
enum control_code {
#define X(name, number, text) CONTROL_CODE_##name = number,
    SB_CONTROL_CODES(X)
#undef X
};

#define CONTROL_LATER (-1)  // of handlers and looks: not done yet
#define CONTROL_MORE (-2)   // of looks: not done yet, and there is more to say at once

#define CONTROL_OUT_BYTES_MAX (4 * 1024 * 1024)  // of documents that wait for one client

struct actual_node;
struct broker;
struct control_call;

typedef int (*control_look_fn)(struct control_call *call);

struct control_call {
    struct broker *broker;  // borrowed
    uint32_t number;        // of the client, 0 = no call is under way
    size_t field_count;
    struct control_field *fields;  // owned, with their values behind them

    control_look_fn look;  // NULL when the call is not waiting for anything
    int64_t due_ns;        // look is called then at the latest, INT64_MAX = with the next event

    // Of the handler.
    uint64_t numbers[4];
    void *context;                // whatever it is, drop() gives it back
    void (*drop)(void *context);  // may be NULL

    // What is on its way: documents, each with a line feed behind it; then the code.
    char *out;  // owned
    size_t out_count;
    size_t out_room;
    size_t out_sent;
    bool is_over;
    int code;
    char error[LIMIT_ERROR_TEXT_BYTES_MAX];
};

// The request is copied. Returns 0 or -ENOMEM.
int control_call_begin(struct control_call *call, struct broker *broker,
                       const struct control_request *request);

// Takes a result of a handler or look.
void control_call_take(struct control_call *call, int result);

// Gives everything back; the call can begin again.
void control_call_end(struct control_call *call);

// --- For handlers -----------------------------------------------------------------------------

// The value of a field, NULL when it was left out. The second one for fields that may repeat.
const char *control_call_field(const struct control_call *call, const char *name);
const char *control_call_field_at(const struct control_call *call, const char *name, size_t index);
bool control_call_is_set(const struct control_call *call, const char *name);

// The node that the field "node" names. Returns 0, or a code after control_call_refuse().
int control_call_node(struct control_call *call, struct actual_node **out_node);

// A JSON string of text that may hold any bytes but zero: what is no UTF-8 becomes U+FFFD.
json_t *control_call_text(const char *text);

// Says a document; takes the reference over. NULL (no memory for it) makes the call fail.
void control_call_say(struct control_call *call, json_t *document);

// Returns the code.
int control_call_refuse(struct control_call *call, enum control_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Goes on waiting: look is called after every turn of the loop, once what was said is on its way,
// and at due_ns (CLOCK_MONOTONIC) at the latest. It returns as a handler does, CONTROL_LATER to be
// called again, or CONTROL_MORE when it stopped only because it had said enough for one turn.
// When the broker ends, look is called a last time (phase BROKER_ENDED). Returns CONTROL_LATER.
int control_call_later(struct control_call *call, control_look_fn look, int64_t due_ns);
