// SPDX-License-Identifier: Apache-2.0
// Whether a node whose worker ended is started again, and when. Pure: times come in, times go out.
//
// Deaths are counted in a time window. Each restart waits longer than the one before, up to a
// bound; a life that lasted a whole window forgives what was before it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/graph/graph.h"
#include "broker/lives/exit_reason.h"

struct restart_rules {
    enum graph_restart_when when;
    uint32_t max;  // within the window, or GRAPH_UNLIMITED
    int64_t window_ns;
    int64_t delay_ns;
    int64_t max_delay_ns;
};

struct restart {
    int64_t *deaths;  // owned: times of what counts, oldest first
    size_t count;
    size_t capacity;
    uint32_t in_row;  // restarts since the last life that was healthy
    uint32_t total;   // of all time
    uint64_t random;  // state of the jitter
    bool is_doubtful;
};

enum restart_answer {
    RESTART_AGAIN,
    RESTART_NEVER,  // the rules or the exit status say so
    RESTART_SPENT,  // the budget of the window is used up
};

// How a life ended.
struct restart_death {
    enum exit_verdict verdict;
    int64_t lived_ns;
    int64_t now_ns;
};

// Answers, and counts the death when it is RESTART_AGAIN (out_delay_ns is then how long to wait).
enum restart_answer restart_decide(struct restart *restart, const struct restart_rules *rules,
                                   const struct restart_death *death, int64_t *out_delay_ns);

// The newest deaths, up to count, do not count: they were a frame's doing that is skipped now.
void restart_forgive(struct restart *restart, uint32_t count);

// Whose fault the newest death is has to be found out. restart_settle() then forgives it, or not,
// and does nothing where there is no doubt.
void restart_doubt(struct restart *restart);
void restart_settle(struct restart *restart, bool is_innocent);

// Deaths that count now.
size_t restart_used(const struct restart *restart);

void restart_fini(struct restart *restart);
