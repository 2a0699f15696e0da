// SPDX-License-Identifier: Apache-2.0
// The states of a node: one table, one function that changes the state.
//
// A node outlives its workers. Each start is a life with a number of its own, the generation; what
// arrives late from an older life is known by it.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "schemas/limits.h"

// Enum value, name.
#define NODE_STATES(X)                                                                             \
    X(CREATED, "created")   /* in the graph, never started */                                      \
    X(STARTING, "starting") /* a process was asked for, it is not ready yet */                     \
    X(READY, "ready")       /* wired, waits for the others */                                      \
    X(RUNNING, "running")                                                                          \
    X(PAUSED, "paused")                                                                            \
    X(STALLED, "stalled")         /* overdue, about to be ended */                                 \
    X(BACKING_OFF, "backing-off") /* its life ended, the next one waits */                         \
    X(STOPPING, "stopping")       /* asked to end */                                               \
    X(FINISHED, "finished")                                                                        \
    X(FAILED, "failed")                                                                            \
    X(DETACHED, "detached") /* given up, its process may still be there */

enum node_state {
#define X(name, text) NODE_##name,
    NODE_STATES(X)
#undef X
        NODE_STATE_COUNT
};

#define NODE_EVENTS(X)                                                                             \
    X(START, "start") /* a new life begins */                                                      \
    X(READY, "ready") /* the worker is wired and says so */                                        \
    X(RUN, "run")     /* every node is ready */                                                    \
    X(PAUSE, "pause")                                                                              \
    X(RESUME, "resume")                                                                            \
    X(STALL, "stall")     /* a deadline passed */                                                  \
    X(RECOVER, "recover") /* it moves again */                                                     \
    X(STOP, "stop")       /* it was asked to end */                                                \
    X(FINISH, "finish")   /* its process ended as it should */                                     \
    X(RETRY, "retry")     /* its process ended, there will be another */                           \
    X(FAIL, "fail")       /* its process ended, there will be no other */                          \
    X(DETACH, "detach")   /* its process cannot be ended: go on without it */

enum node_event {
#define X(name, text) NODE_ON_##name,
    NODE_EVENTS(X)
#undef X
        NODE_EVENT_COUNT
};

struct node_life {
    char id[LIMIT_NODE_ID_BYTES_MAX];
    enum node_state state;  // written by node_transition() only
    uint32_t generation;    // 0 before the first life
    int64_t since_ns;       // when the state was entered
};

const char *node_state_name(enum node_state state);
const char *node_event_name(enum node_event event);

// True when the table has an entry for this pair.
bool node_is_legal(enum node_state state, enum node_event event);

// The only place where the state of a node changes; it logs the change with the reason. An event
// that is not legal in the state is a bug of ours.
void node_transition(struct node_life *node, enum node_event event, const char *reason,
                     int64_t now_ns);

// A process runs for it, or was asked for and not yet reported gone.
bool node_is_alive(enum node_state state);

// Nothing more comes from it without a new start.
bool node_is_over(enum node_state state);
