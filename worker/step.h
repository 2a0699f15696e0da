// SPDX-License-Identifier: Apache-2.0
// Steps: the unit in which frames are taken, outputs are published, and inputs are released.
//
// Order, and why: the claims and then the number of the step are written to the status page before
// the call-back, `done` after everything was published, and only then the frames are released.
// After a crash the broker sees from that whether a step counts as done or comes again.
#pragma once

#include "worker/runtime.h"

// Begins to collect the frames of the next step.
void step_open(struct sb_node *node);

// Takes the next frame of a link for this step. Returns as input_link_take(); -EBUSY when the step
// has as many claims as it may.
int step_take(struct input_link *link, struct sb_frame *out_frame);

// The call-back comes next. label is the number in error messages.
void step_enter(struct sb_node *node, uint64_t label);

// The call-back is over with this result. Publishes `done` and releases what was not held.
void step_leave(struct sb_node *node, int result);

// Between two frames of a manual processor or inside a long call: what was taken and given back is
// done.
void step_pass(struct sb_node *node);

// Before a processor that takes frames itself takes or waits for another one: what it gave back so
// far is done, and what it keeps belongs to the next step. False when nothing was given back.
bool step_settle(struct sb_node *node);

// Gives the frame that was taken last back at once: nothing was made from it, so nothing has to be
// published before.
void step_drop_last(struct sb_node *node);

// After close(): gives back every frame that is still held, but for those of a step that was
// canceled, whose frames are not done.
void step_release_all(struct sb_node *node);

// What buffers are preset with from here on.
void step_preset(struct sb_node *node, const struct sb_frame *frame);

// Gives a frame of this step back at its end. False when the step has no such frame.
bool step_release(struct input_link *link, uint64_t seq, int *out_result);

// Keeps a frame of this step beyond it.
int step_hold(struct input_link *link, uint64_t seq);

// What a link carries from now on: runs on_format() when that is new for the port.
void step_set_format(struct sb_input *input, const struct sb_format *format,
                     uint64_t frame_bytes_max);

// Runs one of the call-backs outside of frames (on_end, on_drain) as a step of its own.
int step_call(struct sb_node *node, int (*call)(struct sb_node *node));
