// SPDX-License-Identifier: Apache-2.0
// One change of the running graph: prepared as a whole, then made step by step.
//
// Prepared: nodes that are added and programs that replace others are started and opened while the
// graph goes on untouched; when one of them fails, they go and nothing has changed. Then the steps
// of the difference are made in its order, each announced (will) and told (did).
#pragma once

#include "broker/broker.h"
#include "broker/change/live.h"
#include "broker/graph/graph_difference.h"

enum change_stage { CHANGE_PREPARING, CHANGE_CLEARING, CHANGE_STEPPING, CHANGE_OVER };

// One step, and what it is about.
struct change_item {
    const struct difference_item *what;  // borrowed
    struct actual_node *node;            // borrowed: the newcomer where a process is replaced
    struct actual_link *link;            // borrowed
    uint32_t generation;                 // of the output, before a link is updated
    bool is_done;
};

struct change {
    uint64_t ticket;
    uint64_t revision;
    bool is_opposite;      // takes back what another one did
    bool is_edit;          // of what is wanted: what cannot be is not wanted any more
    bool is_again;         // the same graph: nodes of it begin again
    struct graph *before;  // held
    struct graph *after;   // held
    struct graph_difference difference;
    struct change_item *items;  // owned, one per item of the difference
    enum change_stage stage;
    enum difference_kind step;
    bool is_step_begun;
    bool is_step_late;
    bool is_made;    // it went beyond its preparation
    int64_t due_ns;  // of the stage or step, INT64_MAX = none
    int code;        // 0, or an exit status: with text
    char text[LIVE_TEXT_BYTES];
};

// Both graphs were checked, and are held. Returns 0 or -ENOMEM.
int change_create(struct graph *before, struct graph *after, struct change **out_change);

// Nodes of a graph begin again, as graph_difference_again() has it.
int change_create_again(struct graph *graph, const bool *is_again, const bool *is_out,
                        struct change **out_change);
void change_destroy(struct change *change);

// Begins it: in a graph that is not started it is made at once.
void change_begin(struct broker *broker, struct change *change);

// Does what can be done now. True when it is over, with code and text.
bool change_go_on(struct broker *broker, struct change *change);

// A step that is not over is about this node: it must stay until then, also when it has ended.
bool change_is_about(const struct change *change, const struct actual_node *node);

// It failed after something was changed.
bool change_must_be_taken_back(const struct change *change);

// It cannot be done: notes why, once.
void change_fail(struct change *change, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
