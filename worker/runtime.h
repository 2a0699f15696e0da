// SPDX-License-Identifier: Apache-2.0
// The state of one worker: the node, its ports and their links. Private to this room.
//
// Everything here belongs to the one thread that runs the processor's call-backs. Memory is made
// before the first frame and at a generation switch, never in between.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <streambroker/memory.h>
#include <streambroker/processor.h>

#include "schemas/limits.h"
#include "schemas/status_layout.h"
#include "schemas/wire_worker.h"
#include "worker/port_state.h"

#define WORKER_CONTROL_FD 3

// A frame that was taken in the running step.
struct step_frame {
    struct input_link *link;  // borrowed
    uint64_t seq;
    bool is_held;  // kept beyond the step
    bool is_released;
};

struct param_value {
    int64_t number;  // int, bool, choice, duration, size
    double real;
    char *text;  // owned: string and path
};

struct sb_node {
    const struct sb_processor *processor;  // borrowed
    char id[LIMIT_NODE_ID_BYTES_MAX];
    uint32_t generation;
    char transport_path[WIRE_TRANSPORT_PATH_BYTES_MAX];  // empty = it may load none
    uint32_t attaching_count;  // readers of transports that are not attached yet
    void *data;
    int control;  // owned
    enum wire_phase phase;

    struct sb_input *inputs;  // owned
    uint32_t input_count;
    struct sb_output *outputs;  // owned
    uint32_t output_count;
    struct input_link *input_links;  // owned
    uint32_t input_link_count;
    uint32_t live_input_count;         // links into this node that are not gone
    struct output_link *output_links;  // owned
    uint32_t output_link_count;
    void (*on_unmap)(void *data, const void *base);  // NULL: nobody asked
    void *on_unmap_data;
    struct sb_node_device device;    // memory of which frames may lie in; no struct_size = none
    struct param_value *params;      // owned, one per declared parameter
    struct param_value *old_params;  // owned: what param_set() replaced last

    enum sb_mode mode;
    int64_t interval_ns;
    enum sb_activation activation;
    uint32_t batch_count;
    int64_t batch_within_ns;
    int64_t every_ns;
    int64_t next_every_ns;
    uint32_t every_left;     // frames of the running interval that are still to be handed over
    int64_t batch_since_ns;  // when the first frame of a batch was seen, 0 = none
    int64_t spin_ns;
    bool is_spin_auto;
    uint64_t spin_step;   // step at the last spin
    int64_t patience_ns;  // of looking before a wish, learnt from sleeps that were none
    int64_t gap_ns;       // measured: how long inputs stay empty
    bool is_clock_precise;

    const struct bell_page *bell;  // shared, read-only; a page of our own before BELL came
    struct mapping bell_map;
    struct bell_page *own_bell;  // owned
    uint32_t bell_seen;
    enum worker_want want;
    struct status_page *status;  // shared, we write; a page of our own before MEMORY came
    struct mapping status_map;
    struct status_page *own_status;  // owned

    uint64_t step;        // number of the running or last step
    uint64_t step_limit;  // of a selftest, 0 = none
    bool is_in_step;
    bool is_step_timed;      // its end is looked at the clock for
    uint64_t timed_due;      // the next step that is timed, if none is before it
    uint64_t timed_soon;     // the first one that may be
    uint64_t timed_step;     // the last one that was
    uint32_t timed_for;      // steps that it stands for
    int64_t timed_begun_ns;  // of the running one
    int64_t timed_wait_ns;   // in it: asleep for frames or for space
    bool is_in_call;         // a call-back runs that is no step: on_format() or on_config()
    bool is_step_canceled;   // a frame of it was not accepted because the node stops
    bool is_format_refused;  // on_format() failed
    bool is_clock_stale;     // it slept since clock_ns was read
    int64_t clock_ns;
    // What a claimed buffer is preset with: the frame in work, which is one of frames or
    // first_frame, or NULL.
    const struct sb_frame *step_frame;
    struct sb_frame first_frame;  // that a call took itself
    uint64_t step_label;          // number in error messages: step, or tick in tick mode
    struct step_frame *taken;     // owned, taken_max of them
    uint32_t taken_count;
    bool is_redelivering;      // frames of a life before this one may be left
    bool is_step_redelivered;  // the step has one of them
    uint32_t taken_max;
    struct sb_frame *frames;  // owned: what on_frames() gets

    int64_t tick_due_ns;     // of the running tick
    int64_t tick_period_ns;  // of the clock at that tick
    int64_t tick_begun_ns;   // when it really ran
    uint64_t next_tick;
    uint64_t missed_ticks;
    bool has_ticked;
    uint32_t turn;  // input link to ask first
    uint32_t burst;

    bool is_finishing;
    bool is_broker_gone;
    int exit_status;
    bool is_exit_forced;
    bool is_failed;          // for good: nothing is ended or given back, a next life goes on
    bool is_open;            // open() succeeded, close() is owed
    bool is_started;         // START came
    uint32_t switches;       // generations of input links that were moved on to
    uint32_t switches_seen;  // when the words to sleep on were collected
    bool is_selftest;
    char error[LIMIT_ERROR_TEXT_BYTES_MAX];

    struct wire_message *incoming;  // owned: the message that is being handled
    struct wire_message *deferred;  // owned: a CONFIG that came inside a call-back
    bool has_deferred_config;
    struct wire_message *outgoing;  // owned: the message that is being written
};

// Adds to a counter of the status page, whose only writer we are.
static inline void status_add(_Atomic uint64_t *counter, uint64_t count)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + count, memory_order_relaxed);
}

static inline void status_phase(struct sb_node *node, enum worker_phase phase)
{
    atomic_store_explicit(&node->status->phase, (uint32_t)phase, memory_order_relaxed);
}

static inline bool is_bell_rung(const struct sb_node *node)
{
    return atomic_load_explicit(&node->bell->word, memory_order_acquire) != node->bell_seen;
}
