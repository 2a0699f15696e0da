// SPDX-License-Identifier: Apache-2.0
// The states of a link between two nodes. What memory it has is in generation.h.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "schemas/limits.h"

// Enum value, name.
#define LINK_STATES(X)                                                                             \
    X(PENDING, "pending") /* no memory yet: its format is not known */                             \
    X(WIRING, "wiring")   /* memory is being made and given to both ends */                        \
    X(WIRED, "wired")                                                                              \
    X(SWITCHING, "switching")         /* wired, and a new generation is on its way */              \
    X(REPLACING, "replacing")         /* one end died, and its next life will take over */         \
    X(DISCONNECTING, "disconnecting") /* one end is gone, the other still reads or was told */     \
    X(DISCONNECTED, "disconnected")                                                                \
    X(ERROR, "error") /* no format or no memory */

enum link_state {
#define X(name, text) LINK_##name,
    LINK_STATES(X)
#undef X
        LINK_STATE_COUNT
};

#define LINK_EVENTS(X)                                                                             \
    X(AGREED, "format agreed")                                                                     \
    X(WIRED, "both ends have their pages")                                                         \
    X(REPLACED, "an end is replaced")                                                              \
    X(PRODUCER_GONE, "producer gone")                                                              \
    X(LEAVE, "it is taken away")                                                                   \
    X(CONSUMER_GONE, "consumer gone")                                                              \
    X(DRAINED, "read to its end")                                                                  \
    X(REFUSED, "no format or no memory")

enum link_event {
#define X(name, text) LINK_ON_##name,
    LINK_EVENTS(X)
#undef X
        LINK_EVENT_COUNT
};

const char *link_state_name(enum link_state state);
const char *link_event_name(enum link_event event);
bool link_is_legal(enum link_state state, enum link_event event);

// The only place where a link changes its state; logs the change. An event that is not legal in
// the state is a bug of ours. The running graph calls news_move_link(), which tells it too.
void link_transition(enum link_state *state, enum link_event event, const char *name);

// What a link is for whoever asks: its states in fewer words.
enum link_condition {
    LINK_IS_PENDING,  // nothing flows yet, or again
    LINK_IS_WIRED,
    LINK_IS_ENDING,  // what was accepted is still read
    LINK_IS_OVER,
    LINK_IS_REFUSED
};

enum link_condition link_condition(enum link_state state);

// Frames may be in it, and both ends or the remaining one may use it.
bool link_is_up(enum link_state state);
