// SPDX-License-Identifier: Apache-2.0
// Writes the steps of a worker to its status page and releases frames in the right order.
#include "worker/step.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "worker/call_time.h"
#include "worker/cycle.h"
#include "worker/input_link.h"
#include "worker/node_log.h"
#include "worker/output.h"
#include "worker/output_offer.h"

#define RELAXED memory_order_relaxed
#define RELEASE memory_order_release

int step_take_again(struct input_link *link, int taken, struct sb_frame *out_frame)
{
    bool is_busy = taken == -EBUSY;
    return is_busy && step_settle(link->input->node) ? input_link_take(link, out_frame) : taken;
}

void step_drop_last(struct sb_node *node)
{
    struct step_frame *last = &node->taken[--node->taken_count];
    if (node->is_in_step) {
        // The claim goes first: one that is released and claimed would be taken for done.
        step_write_claim_count(node, node->taken_count);
    }
    node->step_frame = node->taken_count > 0 ? node->step_frame : NULL;
    input_link_release(last->link, last->seq);
}

void step_look_at_clock(struct sb_node *node)
{
    node->is_clock_stale = false;
    node->clock_ns = clock_now_ns();
    call_time_begin(node);
}

void step_count_failure(struct sb_node *node, int result)
{
    status_add(&node->status->errors, 1);
    status_add(&node->status->failed_frames, node->taken_count);
    node_log_step_error(node, result);
}

void step_pass(struct sb_node *node)
{
    if (node->is_step_canceled || !node->is_in_step) {
        return;
    }
    atomic_store_explicit(&node->status->done, node->step, RELEASE);
    step_release_taken(node);
    step_write_claim_count(node, 0);
    node->step_frame = NULL;
    node->step++;
    atomic_store_explicit(&node->status->step, node->step, RELEASE);
}

// Sorts what was given back to the front. Returns how many these are.
static uint32_t gather_given_back(struct sb_node *node)
{
    uint32_t given = 0;
    for (uint32_t i = 0; i < node->taken_count; i++) {
        struct step_frame frame = node->taken[i];
        if (frame.is_released && !frame.is_held) {
            node->taken[i] = node->taken[given];
            node->taken[given] = frame;
            if (i != given) {
                step_write_claim(node, given);
            }
            given++;
        }
    }
    return given;
}

bool step_settle(struct sb_node *node)
{
    if (node->is_step_canceled || !node->is_in_step || node->mode == SB_MODE_REACTIVE) {
        return false;
    }
    uint32_t given = gather_given_back(node);
    if (given == 0) {
        return false;
    }
    // What is kept leaves the claims before the step is done, and joins those of the next one.
    uint32_t kept = node->taken_count - given;
    step_write_claim_count(node, given);
    node->taken_count = given;
    step_pass(node);
    memmove(node->taken, node->taken + given, kept * sizeof *node->taken);
    node->taken_count = kept;
    for (uint32_t i = 0; i < kept; i++) {
        step_write_claim(node, i);
    }
    step_write_claim_count(node, kept);
    return true;
}

// The newest first: that is the one which a call-back works on.
static struct step_frame *find(struct input_link *link, uint64_t seq)
{
    struct sb_node *node = link->input->node;
    for (uint32_t i = node->taken_count; i > 0; i--) {
        struct step_frame *taken = &node->taken[i - 1];
        if (taken->seq == seq && taken->link == link) {
            return taken;
        }
    }
    return NULL;
}

static bool is_canceled(struct input_link *link, uint64_t seq)
{
    return link->input->node->is_step_canceled && find(link, seq) != NULL;
}

void step_release_all(struct sb_node *node)
{
    for (uint32_t i = 0; i < node->input_link_count; i++) {
        struct input_link *link = &node->input_links[i];
        uint64_t seq = 0;
        while ((seq = input_link_next_held(link, seq)) != 0) {
            if (!is_canceled(link, seq)) {
                input_link_release(link, seq);
            }
        }
    }
}

static bool is_all_given_back(const struct sb_node *node)
{
    for (uint32_t i = 0; i < node->taken_count; i++) {
        if (!node->taken[i].is_released && !node->taken[i].is_held) {
            return false;
        }
    }
    return true;
}

bool step_release(struct input_link *link, uint64_t seq, int *out_result)
{
    struct step_frame *taken = find(link, seq);
    if (taken == NULL) {
        return false;
    }
    if (taken->is_released) {
        *out_result = -EINVAL;
        return true;
    }
    struct sb_node *node = link->input->node;
    *out_result = 0;
    taken->is_released = true;
    if (taken->is_held) {
        taken->is_held = false;
        link->input->held_count--;
        step_write_claim(node, (uint32_t)(taken - node->taken));
    }
    // A processor that takes frames itself is done with what it gave back: it need not wait for the
    // end of a call that may last for its whole life. What a call-back was given ends with it.
    if (node->mode != SB_MODE_REACTIVE && is_all_given_back(node)) {
        step_pass(node);
    }
    return true;
}

int step_hold(struct input_link *link, uint64_t seq)
{
    struct step_frame *taken = find(link, seq);
    if (taken == NULL || taken->is_released || taken->is_held) {
        return -EINVAL;
    }
    struct sb_input *input = link->input;
    uint32_t holds = input->port->holds > 0 ? input->port->holds : 1;
    if (input->held_count >= holds) {
        return -EBUSY;
    }
    input->held_count++;
    taken->is_held = true;
    // Before the step is done: a death from then on takes what it had claimed for released.
    step_write_claim(input->node, (uint32_t)(taken - input->node->taken));
    return 0;
}

void step_set_format(struct sb_input *input, const struct sb_format *format,
                     uint64_t frame_bytes_max)
{
    struct sb_node *node = input->node;
    bool is_new = !input->has_format || !sb_format_is_equal(&input->format, format);
    bool is_larger = frame_bytes_max > input->frame_bytes_max;
    input->format = *format;
    input->has_format = true;
    input->frame_bytes_max = is_new || is_larger ? frame_bytes_max : input->frame_bytes_max;
    if (is_new || is_larger) {
        output_offer_follow(node, input);
    }
    if (is_new && node->processor->on_format != NULL) {
        bool was_in_call = node->is_in_call;
        node->is_in_call = true;
        node->error[0] = '\0';
        int failed = node->processor->on_format(node, input, &input->format);
        node->is_in_call = was_in_call;
        if (failed < 0) {
            node_log_call_error(node, "on_format", failed);
            node->is_format_refused = true;
            if (node->phase == WIRE_RUNNING) {
                cycle_fail(node, "on_format", failed);
            }
        }
    }
    output_offer_send(node);
}

int step_call(struct sb_node *node, int (*call)(struct sb_node *node))
{
    step_open(node);
    step_enter(node, node->step + 1);
    int result = call(node);
    step_leave(node, result);
    return result;
}
