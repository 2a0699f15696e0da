// SPDX-License-Identifier: Apache-2.0
// The two pages between a worker and the broker: what the worker says of itself, and what the
// broker wants of it. Each is read-only for the other side.
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "schemas/frame_layout.h"
#include "schemas/limits.h"

// What a worker is doing: enum value, name.
#define WORKER_PHASES(X)                                                                           \
    X(STARTING, "starting")                                                                        \
    X(OPENING, "opening")                                                                          \
    X(READY, "ready")                                                                              \
    X(IDLE, "idle")             /* waits for input, a tick or a change of state */                 \
    X(PROCESSING, "processing") /* inside a call-back */                                           \
    X(NO_SPACE, "no-space")     /* waits for space on a lossless link */                           \
    X(PAUSED, "paused")                                                                            \
    X(DRAINING, "draining")                                                                        \
    X(CLOSING, "closing")

enum worker_phase {
#define X(name, text) WORKER_##name,
    WORKER_PHASES(X)
#undef X
};

// Kinds of call by their time: four to an octave from 64 ns on, the first is all that is shorter,
// the last all that is longer.
#define LAYOUT_CALL_TIMES 129

struct status_claim {
    _Atomic uint64_t seq;
    _Atomic uint32_t link_id;
    _Atomic uint32_t is_held;  // kept beyond its step: not released when that one is done
};

// Written by the worker, one page per life. Read-only for the broker.
struct status_page {
    _Atomic uint32_t phase;  // enum worker_phase
    _Atomic uint32_t reserved0;
    _Atomic int64_t entered_ns;    // CLOCK_MONOTONIC when the call-back was entered, 0 = outside
    _Atomic uint64_t step;         // number of the running or last step
    _Atomic uint64_t done;         // highest step whose outputs are all published
    _Atomic uint32_t claim_count;  // claims of step; written before step
    _Atomic uint32_t reserved1;
    _Atomic uint64_t errors;         // steps that returned an error
    _Atomic uint64_t failed_frames;  // frames that were dropped because their step failed

    _Atomic uint64_t frames_in;       // taken
    _Atomic uint64_t frames_out;      // published, once per frame and not per link
    _Atomic uint64_t unlinked_out;    // published on an output without a link
    _Atomic uint64_t refused_out;     // refused: larger than their slot
    _Atomic uint64_t suppressed_out;  // not sent again by a repeated step
    _Atomic uint64_t stopped_out;     // refused because the node was stopping
    _Atomic uint64_t ticks;           // ticks that ran
    _Atomic uint64_t missed_ticks;

    struct status_claim claims[LIMIT_STEP_CLAIMS_MAX];

    // Time inside call-backs, without the waits in them. Not every step is timed: one that was
    // stands for those since the one before it.
    _Atomic uint64_t busy_ns;
    _Atomic uint64_t longest_ns;  // of those that were timed
    _Atomic uint64_t call_times[LAYOUT_CALL_TIMES];
};

static_assert(offsetof(struct status_page, entered_ns) == 8, "layout");
static_assert(offsetof(struct status_page, step) == 16, "layout");
static_assert(offsetof(struct status_page, done) == 24, "layout");
static_assert(offsetof(struct status_page, claim_count) == 32, "layout");
static_assert(offsetof(struct status_page, errors) == 40, "layout");
static_assert(offsetof(struct status_page, frames_in) == 56, "layout");
static_assert(offsetof(struct status_page, claims) == 120, "layout");

// What the broker wants: enum value, name.
#define WORKER_WANTS(X)                                                                            \
    X(HOLD, "hold") /* not yet: every node becomes ready first */                                  \
    X(RUN, "run")                                                                                  \
    X(PAUSE, "pause")                                                                              \
    X(DRAIN, "drain") /* sources end now, others when their inputs have ended */                   \
    X(STOP, "stop")   /* end now, publish nothing more */                                          \
    X(LEAVE, "leave") /* exit after this step, end nothing: another worker goes on */

enum worker_want {
#define X(name, text) WANT_##name,
    WORKER_WANTS(X)
#undef X
        WANT_COUNT
};

// The clock of a graph: tick n is due at epoch_ns + (n - base) * period_ns, for ticks at or after
// from_ns. The period is kept exactly as a fraction, so that 30000/1001 never drifts.
struct clock_entry {
    _Atomic int64_t from_ns;
    _Atomic int64_t epoch_ns;
    _Atomic uint64_t base;
    _Atomic uint32_t fps_numerator;
    _Atomic uint32_t fps_denominator;
};

// Written by the broker, one page per worker life. Read-only for the worker.
struct bell_page {
    _Atomic uint32_t word;   // bumped with every control message and every change below; futex
    _Atomic uint32_t want;   // enum worker_want
    _Atomic uint32_t clock;  // index of the clock entry that was written last, 0 or 1
    _Atomic uint32_t reserved;
    struct clock_entry clocks[2];
};

static_assert(offsetof(struct bell_page, want) == 4, "layout");
static_assert(offsetof(struct bell_page, clock) == 8, "layout");
static_assert(offsetof(struct bell_page, clocks) == 16, "layout");
static_assert(sizeof(struct clock_entry) == 32, "layout");

// Index of a time in call_times, the least time of an index, and the one that stands for all of it:
// at most an eighth away from each.
uint32_t layout_call_time(int64_t ns);
int64_t layout_call_time_least_ns(uint32_t index);
int64_t layout_call_time_middle_ns(uint32_t index);

const char *layout_worker_phase_name(uint32_t phase);
const char *layout_worker_want_name(uint32_t want);
