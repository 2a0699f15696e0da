// SPDX-License-Identifier: Apache-2.0
// How a worker waits: one futex call that includes the bell, whatever it waits for.
#pragma once

#include <stdbool.h>

#include "shm/futex.h"
#include "worker/runtime.h"

// Begins a wait: the set holds the bell, as it was when its messages were handled last.
void rest_begin(struct sb_node *node, struct futex_set *set);

// A wish for whatever comes next behind what is queued.
#define REST_ONE_MORE 0

// Adds the data words of an input and stores the wish for count frames on each of its links, or
// for REST_ONE_MORE.
void rest_add_input(struct sb_input *input, uint32_t count, struct futex_set *set);

// Sleeps and handles the bell. Returns 0 after any wake, -ETIMEDOUT at the deadline.
int rest_wait(struct sb_node *node, struct futex_set *set, int64_t deadline_ns);

// Takes the wishes of an input back.
void rest_end_input(struct sb_input *input);

// Before a take from a stream of small frames: not too close behind its writer. Call it when the
// next frame is that of reader->pace_seq. No system call.
void rest_keep_distance(struct ring_reader *reader);

// Waits until is_ready(node, context), the deadline, or until the node should stop. Spins first for
// as long as the node's spin says. only is the one input to wait for, NULL for all. Returns 1, 0 at
// the deadline, or -ECANCELED.
int rest_for_input(struct sb_node *node, struct sb_input *only, uint32_t count,
                   bool (*is_ready)(struct sb_node *node, void *context), void *context,
                   int64_t deadline_ns);

// The same for one frame, asked for by the processor inside a call-back: whoever watches the worker
// sees that it waits, and does not take it for one that hangs.
int rest_inside_call(struct sb_node *node, struct sb_input *only,
                     bool (*is_ready)(struct sb_node *node, void *context), void *context,
                     int64_t deadline_ns);
