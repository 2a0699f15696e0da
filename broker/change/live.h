// SPDX-License-Identifier: Apache-2.0
// The graph as it is wanted, and how the graph that runs becomes that.
//
// A graph value is never changed: each edit makes another one with the next revision
// (graph_edit.h). In auto mode it is committed at once, in manual mode it waits. A commit is a
// change (change.h): it is made as a whole or not at all, one at a time, and its result is kept
// under its ticket.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/change/live_state.h"

struct broker;

void live_init(struct broker *broker, struct catalog *catalog);
void live_fini(struct broker *broker);

// A change is under way, or the graph is being started: the next one has to wait for its turn.
bool live_is_busy(const struct broker *broker);

// Places in the line. One that leaves is over, and those behind it move up; programs that nobody
// waits for any more are ended.
void live_join(struct broker *broker, struct live_place *place);
void live_leave(struct broker *broker, struct live_place *place);

// It is this one's turn: the line before it is empty, and nothing is under way.
bool live_is_turn(const struct broker *broker, const struct live_place *place);

// Programs that were not there at the newest live_check() of this place may be there now.
bool live_is_worth_it(const struct broker *broker, const struct live_place *place);
void live_note_waiting(const struct broker *broker, struct live_place *place);

// Checks a graph that was loaded, as at the start. Returns 0, or an exit status with what is wrong
// in text; or -EINPROGRESS while programs of it describe themselves: check it again then.
int live_check(struct broker *broker, struct graph *graph, char *text, size_t text_bytes);

// What is wrong with a file: every error in a line with its place, and the first with the count of
// the others, for a log and a row.
struct live_refusal {
    char lines[LIVE_TEXT_BYTES];
    char brief[LIVE_TEXT_BYTES];
};

// Reads a graph file for this broker, and checks it. Returns as live_check() does.
int live_read(struct broker *broker, const char *path, struct graph **out_graph,
              struct live_refusal *out_refusal);

// A checked graph is wanted from now on; it is taken over. In auto mode it is committed. Not while
// busy. Returns 0 or -ENOMEM; out_ticket is 0 when nothing is under way.
int live_want(struct broker *broker, struct graph *graph, uint64_t *out_ticket);

// Commits what is wanted. Not while busy.
int live_commit(struct broker *broker, uint64_t *out_ticket);

// Both, whatever the mode: as a whole, or nothing changes, also of what is wanted.
int live_apply(struct broker *broker, struct graph *graph, uint64_t *out_ticket);

// Begins a change that leaves the graph what it is. Not while busy.
void live_begin(struct broker *broker, struct change *change, uint64_t revision,
                uint64_t *out_ticket);

// The result of a ticket. False while it is under way.
bool live_result(const struct broker *broker, uint64_t ticket, struct live_result *out_result);

// A graph that is refused before a change begins.
void live_reject(struct broker *broker, int code, const char *text);

// Goes on with the change that is under way: after each turn of the loop, and when due.
void live_turn(struct broker *broker);
int64_t live_due_ns(const struct broker *broker);
