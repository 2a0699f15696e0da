// SPDX-License-Identifier: Apache-2.0
// Programs that describe themselves, in the sandbox of their node: waited for before the loop runs,
// and beside it from then on.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"
#include "broker/broker.h"

struct graph_node;
struct graph_program;

#define DESCRIBING_MAX 16  // programs at a time

// Where programs are asked before the loop runs.
struct describing_context {
    struct launcher *launcher;
    bool is_run;  // they are started afterwards
};

// For catalog_create(): the context is a struct describing_context.
int describing_now(void *context, const struct graph_node *node,
                   const struct graph_program *program, const char *folder, char *const *argv,
                   char **out_json, size_t *out_count, struct diag *out_why);

// For catalog_set_begin(): the context is the broker. The answer goes to the catalog. Returns
// -EBUSY while there are too many.
int describing_begin(void *context, const struct graph_node *node,
                     const struct graph_program *program, const char *folder, char *const *argv,
                     void *question, struct diag *out_why);

// An event of the launcher. False when it is about something else.
bool describing_on_launch(struct broker *broker, const struct launch_event *event);

// Nobody waits for any of them: they are ended, and the catalog forgets that it asked.
void describing_cancel(struct broker *broker);
