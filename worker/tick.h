// SPDX-License-Identifier: Apache-2.0
// The graph's clock, as every worker reads it from its bell page.
#pragma once

#include <stdint.h>

#include "worker/runtime.h"

// A clock as it was read once.
struct tick_clock {
    int64_t from_ns;
    int64_t epoch_ns;
    uint64_t base;
    uint32_t fps_numerator;  // 0 = no clock
    uint32_t fps_denominator;
};

// The clock that is in force at now_ns.
void tick_read_clock(const struct bell_page *bell, int64_t now_ns, struct tick_clock *out_clock);

// When a tick is due, without drift: from the number, never from the tick before.
int64_t tick_due_ns(const struct tick_clock *clock, uint64_t number);

// The newest tick that is due at now_ns; base when none is yet.
uint64_t tick_newest(const struct tick_clock *clock, int64_t now_ns);

int64_t tick_period_ns(const struct sb_node *node);

// Which tick to run next, and how many were missed to get there: the newest that is due, never two
// at once, never a number twice. wanted is one more than the last one that ran.
uint64_t tick_choose(const struct tick_clock *clock, uint64_t wanted, int64_t now_ns,
                     uint64_t *out_missed);

// Waits for the next tick of a node in tick mode. Returns 1 and its number and time; 0 when
// something else is to be looked at first.
int tick_wait(struct sb_node *node, uint64_t *out_number, int64_t *out_due_ns);
