// SPDX-License-Identifier: Apache-2.0
// Whether a worker makes progress, from looks at what it and its neighbours wrote. Pure.
//
// Time counts from the look that saw a step first: the worker's own word for when it entered is a
// lower bound, and an innocent must not be killed for it. Only where the looks leave no other
// answer the word is used.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress_look {
    uint64_t step;
    uint64_t moved;      // sum of everything that its cursors counted
    int64_t entered_ns;  // its word, 0 = outside
    bool is_inside;      // inside a call-back
    bool is_work_there;  // its activation is satisfied, it only has to begin
    bool is_held_up;     // it waits for space or memory, and that is true
    int64_t now_ns;
};

struct progress {
    bool has_look;
    uint64_t step;
    uint64_t moved;
    bool was_inside;
    int64_t looked_ns;
    int64_t since_ns;  // nothing has changed since
    bool is_rearmed;   // it was given a second deadline
};

// Takes a look into account. Returns since when the worker owes progress, or INT64_MAX when it owes
// none.
int64_t progress_note(struct progress *progress, const struct progress_look *look);

// The clock of this worker begins again: the broker itself was late, or the worker got no CPU.
void progress_rearm(struct progress *progress, int64_t now_ns);
