// SPDX-License-Identifier: Apache-2.0
// A change that is under way: how far it is, and what it came to (change.h).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "broker/change/live_state.h"
#include "broker/graph/graph_difference.h"

struct actual_link;
struct actual_node;

enum change_stage { CHANGE_PREPARING, CHANGE_CLEARING, CHANGE_STEPPING, CHANGE_OVER };

// One step, and what it is about.
struct change_item {
    const struct difference_item *what;  // borrowed
    struct actual_node *node;            // borrowed: the newcomer where a process is replaced
    struct actual_link *link;            // borrowed
    uint32_t generation;                 // of the output, before a link is updated
    bool is_moving;                      // an end of a link begins again where the other one is
    bool is_waiting;                     // an end of a link has to be there before it is left
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

// A step that is not over is about this node: it must stay until then, also when it has ended.
bool change_state_is_about(const struct change *change, const struct actual_node *node);

// It cannot be done: notes why, once.
void change_state_fail(struct change *change, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
