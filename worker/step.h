// SPDX-License-Identifier: Apache-2.0
// Steps: the unit in which frames are taken, outputs are published, and inputs are released.
//
// Order, and why: the claims and then the number of the step are written to the status page before
// the call-back, `done` after everything was published, and only then the frames are released.
// After a crash the broker sees from that whether a step counts as done or comes again.
#pragma once

#include <errno.h>

#include "worker/call_time.h"
#include "worker/input_link.h"
#include "worker/output.h"
#include "worker/runtime.h"

static inline void step_write_claim(struct sb_node *node, uint32_t index)
{
    const struct step_frame *taken = &node->taken[index];
    struct status_claim *claim = &node->status->claims[index];
    atomic_store_explicit(&claim->seq, taken->seq, memory_order_relaxed);
    atomic_store_explicit(&claim->link_id, taken->link->link_id, memory_order_relaxed);
    atomic_store_explicit(&claim->is_held, taken->is_held ? 1 : 0, memory_order_relaxed);
}

static inline void step_write_claim_count(struct sb_node *node, uint32_t count)
{
    atomic_store_explicit(&node->status->claim_count, count, memory_order_release);
}

// Begins to collect the frames of the next step.
static inline void step_open(struct sb_node *node)
{
    node->taken_count = 0;
    node->step_frame = NULL;
    node->is_step_canceled = false;
    node->is_step_redelivered = false;
    // First none: were the claims written under the old step number, a crash here would take
    // frames that nobody looked at for frames of a step that is done.
    step_write_claim_count(node, 0);
}

// Nothing was taken: perhaps there was no claim left, and what was given back makes room for one.
int step_take_again(struct input_link *link, int taken, struct sb_frame *out_frame);

// Takes the next frame of a link for this step. Returns as input_link_take(); -EBUSY when the step
// has as many claims as it may.
__attribute__((always_inline)) static inline int step_take(struct input_link *link,
                                                           struct sb_frame *out_frame)
{
    struct sb_node *node = link->input->node;
    if (node->taken_count == node->taken_max) {
        return -EBUSY;
    }
    int taken = input_link_take(link, out_frame);
    if (taken != 1) {
        taken = step_take_again(link, taken, out_frame);
        if (taken != 1) {
            return taken;
        }
    }
    if (node->is_format_refused) {
        // It stays taken and not released: a next life gets it again.
        return -ECANCELED;
    }
    node->is_step_redelivered |= (out_frame->flags & SB_FRAME_REDELIVERED) != 0;
    uint32_t index = node->taken_count++;
    node->taken[index] = (struct step_frame){.link = link, .seq = out_frame->seq};
    step_write_claim(node, index);
    if (node->is_in_step) {
        step_write_claim_count(node, node->taken_count);
        if (node->step_frame == NULL) {
            // What the call does with its copy is its own affair.
            node->first_frame = *out_frame;
            node->step_frame = &node->first_frame;
        }
    }
    status_add(&node->status->frames_in, 1);
    return 1;
}

// Gives the frame that was taken last back at once: nothing was made from it, so nothing has to be
// published before.
void step_drop_last(struct sb_node *node);

void step_look_at_clock(struct sb_node *node);

// The call-back comes next. label is the number in error messages.
static inline void step_enter(struct sb_node *node, uint64_t label)
{
    struct status_page *status = node->status;
    node->step++;
    node->step_label = label;
    node->is_in_step = true;
    node->error[0] = '\0';
    // A look at the clock costs as much as a small frame, so the time of entering is a lower bound
    // that is renewed when a step is timed: after every sleep and at least every
    // CALL_TIME_STEPS_MAX steps. Who judges looks at the step number too.
    if (node->is_clock_stale || node->step >= node->timed_due) {
        step_look_at_clock(node);
    }
    atomic_store_explicit(&status->step, node->step, memory_order_release);
    step_write_claim_count(node, node->taken_count);
    atomic_store_explicit(&status->entered_ns, node->clock_ns, memory_order_relaxed);
    status_phase(node, WORKER_PROCESSING);
}

static inline void step_release_taken(struct sb_node *node)
{
    for (uint32_t i = 0; i < node->taken_count; i++) {
        struct step_frame *taken = &node->taken[i];
        if (!taken->is_held) {
            input_link_release(taken->link, taken->seq);
        }
    }
    node->taken_count = 0;
}

void step_count_failure(struct sb_node *node, int result);

// The call-back is over with this result. Publishes `done` and releases what was not held.
static inline void step_leave(struct sb_node *node, int result)
{
    if (result < 0 && result != -ECANCELED) {
        step_count_failure(node, result);
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i].claimed > 0) {
            output_abandon_claims(&node->outputs[i]);
        }
    }
    struct status_page *status = node->status;
    // A frame that was not accepted because the node stops: its input is not done and not released.
    if (!node->is_step_canceled) {
        atomic_store_explicit(&status->done, node->step, memory_order_release);
        step_release_taken(node);
    }
    atomic_store_explicit(&status->entered_ns, 0, memory_order_relaxed);
    node->is_in_step = false;
    if (node->is_step_timed) {
        call_time_end(node);
    }
}

// Between two frames of a manual processor or inside a long call: what was taken and given back is
// done.
void step_pass(struct sb_node *node);

// Likewise of one that has taken none.
static inline void step_pass_source(struct sb_node *node)
{
    if (node->is_step_canceled || !node->is_in_step) {
        return;
    }
    atomic_store_explicit(&node->status->done, node->step, memory_order_release);
    node->step++;
    atomic_store_explicit(&node->status->step, node->step, memory_order_release);
}

// Before a processor that takes frames itself takes or waits for another one: what it gave back so
// far is done, and what it keeps belongs to the next step. False when nothing was given back.
bool step_settle(struct sb_node *node);

// Gives the frame that was taken last back at once: nothing was made from it, so nothing has to be
// published before.
void step_drop_last(struct sb_node *node);

// After close(): gives back every frame that is still held, but for those of a step that was
// canceled, whose frames are not done.
void step_release_all(struct sb_node *node);

// Gives a frame of this step back at its end. False when the step has no such frame.
bool step_release(struct input_link *link, uint64_t seq, int *out_result);

// Keeps a frame of this step beyond it.
int step_hold(struct input_link *link, uint64_t seq);

// What a link carries from now on: runs on_format() when that is new for the port.
void step_set_format(struct sb_input *input, const struct sb_format *format,
                     uint64_t frame_bytes_max);

// Runs one of the call-backs outside of frames (on_end, on_drain) as a step of its own.
int step_call(struct sb_node *node, int (*call)(struct sb_node *node));
