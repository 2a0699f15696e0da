// SPDX-License-Identifier: Apache-2.0
// The table of node states, and its only writer.
#include "broker/lives/node.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

static const char *const state_names[] = {
#define X(name, text) [NODE_##name] = text,
    NODE_STATES(X)
#undef X
};

static const char *const event_names[] = {
#define X(name, text) [NODE_ON_##name] = text,
    NODE_EVENTS(X)
#undef X
};

struct step {
    bool is_legal;
    enum node_state next;
};

#define TO(state)                                                                                  \
    {                                                                                              \
        .is_legal = true, .next = NODE_##state                                                     \
    }

// What may end a life that is under way; each state below adds its own.
#define ENDINGS                                                                                    \
    [NODE_ON_STOP] = TO(STOPPING), [NODE_ON_RETRY] = TO(BACKING_OFF), [NODE_ON_FAIL] = TO(FAILED), \
    [NODE_ON_DETACH] = TO(DETACHED)

// A blank is illegal. FINISH is legal only after READY: what ends earlier has not done its work.
static const struct step table[NODE_STATE_COUNT][NODE_EVENT_COUNT] = {
    [NODE_CREATED] =
        {
            [NODE_ON_START] = TO(STARTING),
        },
    [NODE_STARTING] =
        {
            ENDINGS,
            [NODE_ON_READY] = TO(READY),
            [NODE_ON_STALL] = TO(STALLED),
        },
    [NODE_READY] =
        {
            ENDINGS,
            [NODE_ON_RUN] = TO(RUNNING),
            [NODE_ON_PAUSE] = TO(PAUSED),
            [NODE_ON_FINISH] = TO(FINISHED),
        },
    [NODE_RUNNING] =
        {
            ENDINGS,
            [NODE_ON_PAUSE] = TO(PAUSED),
            [NODE_ON_STALL] = TO(STALLED),
            [NODE_ON_FINISH] = TO(FINISHED),
        },
    [NODE_PAUSED] =
        {
            ENDINGS,
            [NODE_ON_RESUME] = TO(RUNNING),
            [NODE_ON_STALL] = TO(STALLED),
            [NODE_ON_FINISH] = TO(FINISHED),
        },
    [NODE_STALLED] =
        {
            ENDINGS,
            [NODE_ON_RECOVER] = TO(RUNNING),
            [NODE_ON_FINISH] = TO(FINISHED),
        },
    [NODE_BACKING_OFF] =
        {
            [NODE_ON_START] = TO(STARTING),
            [NODE_ON_FINISH] = TO(FINISHED),
            [NODE_ON_STOP] = TO(FAILED),
            [NODE_ON_FAIL] = TO(FAILED),
        },
    [NODE_STOPPING] =
        {
            [NODE_ON_RETRY] = TO(BACKING_OFF),
            [NODE_ON_FINISH] = TO(FINISHED),
            [NODE_ON_FAIL] = TO(FAILED),
            [NODE_ON_DETACH] = TO(DETACHED),
        },
    [NODE_FINISHED] =
        {
            [NODE_ON_START] = TO(STARTING),
        },
    [NODE_FAILED] =
        {
            [NODE_ON_START] = TO(STARTING),
        },
    [NODE_DETACHED] =
        {
            [NODE_ON_START] = TO(STARTING),
            [NODE_ON_FAIL] = TO(FAILED),
        },
};

const char *node_state_name(enum node_state state)
{
    return (size_t)state < ARRAY_COUNT(state_names) ? state_names[state] : "?";
}

const char *node_event_name(enum node_event event)
{
    return (size_t)event < ARRAY_COUNT(event_names) ? event_names[event] : "?";
}

bool node_is_legal(enum node_state state, enum node_event event)
{
    SB_ASSERT(state < NODE_STATE_COUNT && event < NODE_EVENT_COUNT);
    return table[state][event].is_legal;
}

void node_transition(struct node_life *node, enum node_event event, const char *reason,
                     int64_t now_ns)
{
    SB_ASSERT(node_is_legal(node->state, event));
    enum node_state before = node->state;
    node->state = table[before][event].next;
    if (event == NODE_ON_START) {
        node->generation++;
    }
    int64_t spent_ms = node->since_ns == 0 ? 0 : (now_ns - node->since_ns) / CLOCK_NS_PER_MS;
    node->since_ns = now_ns;
    log_node(LOG_DEBUG, node->id, node->generation, "%s -> %s (%s) after_ms=%lld",
             node_state_name(before), node_state_name(node->state), reason, (long long)spent_ms);
}

bool node_is_alive(enum node_state state)
{
    switch (state) {
    case NODE_STARTING:
    case NODE_READY:
    case NODE_RUNNING:
    case NODE_PAUSED:
    case NODE_STALLED:
    case NODE_STOPPING:
        return true;
    case NODE_CREATED:
    case NODE_BACKING_OFF:
    case NODE_FINISHED:
    case NODE_FAILED:
    case NODE_DETACHED:
    case NODE_STATE_COUNT:
        return false;
    }
    SB_UNREACHABLE();
}

bool node_is_over(enum node_state state)
{
    return state == NODE_FINISHED || state == NODE_FAILED || state == NODE_DETACHED;
}
