// SPDX-License-Identifier: Apache-2.0
// The table of link states, and its only writer.
#include "broker/links/link.h"

#include "base/check.h"
#include "base/log.h"

static const char *const state_names[] = {
#define X(name, text) [LINK_##name] = text,
    LINK_STATES(X)
#undef X
};

static const char *const event_names[] = {
#define X(name, text) [LINK_ON_##name] = text,
    LINK_EVENTS(X)
#undef X
};

struct step {
    bool is_legal;
    enum link_state next;
};

#define TO(state)                                                                                  \
    {                                                                                              \
        .is_legal = true, .next = LINK_##state                                                     \
    }

// A blank is illegal. A link whose producer is gone is read to its end; without a consumer nobody
// reads it any more.
static const struct step table[LINK_STATE_COUNT][LINK_EVENT_COUNT] = {
    [LINK_PENDING] =
        {
            [LINK_ON_LEAVE] = TO(DISCONNECTED),
            [LINK_ON_AGREED] = TO(WIRING),
            [LINK_ON_REPLACED] = TO(PENDING),
            [LINK_ON_PRODUCER_GONE] = TO(DISCONNECTED),
            [LINK_ON_CONSUMER_GONE] = TO(DISCONNECTED),
            [LINK_ON_REFUSED] = TO(ERROR),
        },
    // A producer can be ready for its next generation before this one was wired: the reader may
    // have hung up with its pages mapped, or be about to start again.
    [LINK_WIRING] =
        {
            [LINK_ON_LEAVE] = TO(DISCONNECTING),
            [LINK_ON_AGREED] = TO(WIRING),
            [LINK_ON_WIRED] = TO(WIRED),
            [LINK_ON_REPLACED] = TO(REPLACING),
            [LINK_ON_PRODUCER_GONE] = TO(DISCONNECTING),
            [LINK_ON_CONSUMER_GONE] = TO(DISCONNECTED),
            [LINK_ON_REFUSED] = TO(ERROR),
        },
    // Two generations of one link are wired one after the other when its consumer is replaced.
    [LINK_WIRED] =
        {
            [LINK_ON_LEAVE] = TO(DISCONNECTING),
            [LINK_ON_AGREED] = TO(SWITCHING),
            [LINK_ON_WIRED] = TO(WIRED),
            [LINK_ON_REPLACED] = TO(REPLACING),
            [LINK_ON_PRODUCER_GONE] = TO(DISCONNECTING),
            [LINK_ON_CONSUMER_GONE] = TO(DISCONNECTED),
            [LINK_ON_DRAINED] = TO(DISCONNECTED),
            [LINK_ON_REFUSED] = TO(ERROR),
        },
    [LINK_SWITCHING] =
        {
            [LINK_ON_LEAVE] = TO(DISCONNECTING),
            [LINK_ON_AGREED] = TO(SWITCHING),
            [LINK_ON_WIRED] = TO(WIRED),
            [LINK_ON_REPLACED] = TO(REPLACING),
            [LINK_ON_PRODUCER_GONE] = TO(DISCONNECTING),
            [LINK_ON_CONSUMER_GONE] = TO(DISCONNECTED),
            [LINK_ON_REFUSED] = TO(ERROR),
        },
    [LINK_REPLACING] =
        {
            [LINK_ON_LEAVE] = TO(DISCONNECTING),
            [LINK_ON_AGREED] = TO(SWITCHING),
            [LINK_ON_WIRED] = TO(WIRED),
            [LINK_ON_REPLACED] = TO(REPLACING),
            [LINK_ON_PRODUCER_GONE] = TO(DISCONNECTING),
            [LINK_ON_CONSUMER_GONE] = TO(DISCONNECTED),
            [LINK_ON_REFUSED] = TO(ERROR),
        },
    [LINK_DISCONNECTING] =
        {
            [LINK_ON_LEAVE] = TO(DISCONNECTING),
            [LINK_ON_WIRED] = TO(DISCONNECTING),
            [LINK_ON_REPLACED] = TO(DISCONNECTING),
            [LINK_ON_CONSUMER_GONE] = TO(DISCONNECTED),
            [LINK_ON_DRAINED] = TO(DISCONNECTED),
        },
    [LINK_DISCONNECTED] =
        {
            [LINK_ON_LEAVE] = TO(DISCONNECTED),
            [LINK_ON_REPLACED] = TO(DISCONNECTED),
            [LINK_ON_PRODUCER_GONE] = TO(DISCONNECTED),
            [LINK_ON_CONSUMER_GONE] = TO(DISCONNECTED),
        },
    [LINK_ERROR] =
        {
            [LINK_ON_LEAVE] = TO(DISCONNECTED),
            [LINK_ON_REPLACED] = TO(ERROR),
            [LINK_ON_PRODUCER_GONE] = TO(ERROR),
            [LINK_ON_CONSUMER_GONE] = TO(ERROR),
        },
};

const char *link_state_name(enum link_state state)
{
    return (size_t)state < ARRAY_COUNT(state_names) ? state_names[state] : "?";
}

const char *link_event_name(enum link_event event)
{
    return (size_t)event < ARRAY_COUNT(event_names) ? event_names[event] : "?";
}

bool link_is_legal(enum link_state state, enum link_event event)
{
    SB_ASSERT(state < LINK_STATE_COUNT && event < LINK_EVENT_COUNT);
    return table[state][event].is_legal;
}

void link_transition(enum link_state *state, enum link_event event, const char *name)
{
    SB_ASSERT(link_is_legal(*state, event));
    enum link_state before = *state;
    *state = table[before][event].next;
    if (*state != before) {
        log_line(LOG_DEBUG, "link %s: %s -> %s (%s)", name, link_state_name(before),
                 link_state_name(*state), link_event_name(event));
    }
}

enum link_condition link_condition(enum link_state state)
{
    switch (state) {
    case LINK_PENDING:
    case LINK_WIRING:
    case LINK_REPLACING:
        return LINK_IS_PENDING;
    case LINK_WIRED:
    case LINK_SWITCHING:
        return LINK_IS_WIRED;
    case LINK_DISCONNECTING:
        return LINK_IS_ENDING;
    case LINK_DISCONNECTED:
        return LINK_IS_OVER;
    case LINK_ERROR:
        return LINK_IS_REFUSED;
    case LINK_STATE_COUNT:
        break;
    }
    SB_UNREACHABLE();
}

bool link_is_up(enum link_state state)
{
    return state == LINK_WIRING || state == LINK_WIRED || state == LINK_SWITCHING ||
           state == LINK_REPLACING || state == LINK_DISCONNECTING;
}
