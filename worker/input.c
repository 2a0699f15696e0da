// SPDX-License-Identifier: Apache-2.0
// Merges the links of an input, fairly, and gives frames to the processor.
#include "worker/input.h"

#include <errno.h>
#include <string.h>

#include "worker/control.h"
#include "worker/input_link.h"
#include "worker/redeliver.h"
#include "worker/rest.h"
#include "worker/step.h"

#define BURST_MAX 8

bool input_has_frame(struct sb_input *input)
{
    for (uint32_t i = 0; i < input->link_count; i++) {
        if (input_link_check(input->links[i]) == INPUT_LINK_READY) {
            return true;
        }
    }
    return false;
}

bool sb_input_is_linked(const struct sb_input *input)
{
    for (uint32_t i = 0; i < input->link_count; i++) {
        if (!input->links[i]->is_gone) {
            return true;
        }
    }
    return false;
}

bool input_is_over(struct sb_input *input)
{
    for (uint32_t i = 0; i < input->link_count; i++) {
        if (input_link_check(input->links[i]) != INPUT_LINK_ENDED) {
            return false;
        }
    }
    return sb_input_is_linked(input);
}

bool input_is_open(struct sb_input *input)
{
    return sb_input_is_linked(input) && !input_is_over(input);
}

bool sb_input_is_ended(const struct sb_input *input)
{
    for (uint32_t i = 0; i < input->link_count; i++) {
        if (!input->links[i]->is_ended) {
            return false;
        }
    }
    return sb_input_is_linked(input);
}

uint32_t input_queued(const struct sb_input *input)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < input->link_count; i++) {
        count += input_link_queued(input->links[i]);
    }
    return count;
}

bool input_is_steady(struct sb_input *input)
{
    for (uint32_t i = 0; i < input->link_count; i++) {
        struct input_link *link = input->links[(input->turn + i) % input->link_count];
        if (input_link_check(link) == INPUT_LINK_READY) {
            return sb_format_is_equal(&link->now->format, &input->format) != 0;
        }
    }
    return true;
}

static void next_turn(struct sb_input *input)
{
    input->turn = input->turn + 1 == input->link_count ? 0 : input->turn + 1;
    input->burst = 0;
}

// Of several links in turn, at most BURST_MAX frames in a row from one.
static int take_in_turn(struct sb_input *input, struct sb_frame *out_frame)
{
    bool is_open = false;
    if (input->node->is_redelivering) {
        redeliver_prefer(input);
    }
    for (uint32_t tried = 0; tried < input->link_count; tried++) {
        int taken = step_take(input->links[input->turn], out_frame);
        if (taken == 1) {
            input->burst++;
            if (input->burst >= BURST_MAX) {
                next_turn(input);
            }
            return 1;
        }
        if (taken == -EBUSY) {
            return taken;
        }
        is_open = is_open || taken == 0;
        next_turn(input);
    }
    return is_open || !sb_input_is_linked(input) ? 0 : -EPIPE;
}

int input_take(struct sb_input *input, struct sb_frame *out_frame)
{
    if (input->link_count != 1) {
        return take_in_turn(input, out_frame);
    }
    int taken = step_take(input->links[0], out_frame);
    if (taken == 0 || taken == 1 || taken == -EBUSY) {
        return taken;
    }
    return sb_input_is_linked(input) ? -EPIPE : 0;
}

// A processor that runs in one long call begins a step with the first frame that it takes.
int sb_input_take(struct sb_input *input, struct sb_frame *out_frame)
{
    return input_take(input, out_frame);
}

int sb_input_take_latest(struct sb_input *input, struct sb_frame *out_frame)
{
    struct sb_frame newest;
    int taken = input_take(input, &newest);
    if (taken != 1) {
        return taken;
    }
    // At most what was there at the start, so that a fast producer cannot keep us here.
    for (uint32_t left = input_queued(input); left > 0 && input_has_frame(input); left--) {
        // Nobody saw it: it goes back at once, so that it uses up no claim of the one behind it.
        step_drop_last(input->node);
        taken = input_take(input, &newest);
        if (taken != 1) {
            return taken;
        }
    }
    *out_frame = newest;
    return 1;
}

int sb_frame_release(const struct sb_frame *frame)
{
    struct input_link *link = frame->source;
    int result = -EINVAL;
    if (link == NULL || step_release(link, frame->lease, &result)) {
        return result;
    }
    result = input_link_release(link, frame->lease);
    if (result == 0 && link->input->held_count > 0) {
        link->input->held_count--;
    }
    return result;
}

int sb_frame_hold(const struct sb_frame *frame, struct sb_frame *out_copy)
{
    if (frame->source == NULL) {
        return -EINVAL;
    }
    int failed = step_hold(frame->source, frame->lease);
    if (failed == 0) {
        *out_copy = *frame;
    }
    return failed;
}

static bool is_input_ready(struct sb_node *node, void *context)
{
    (void)node;
    struct sb_input *input = context;
    return input_has_frame(input) || input_is_over(input);
}

int sb_input_wait(struct sb_input *input, int64_t deadline_ns)
{
    control_apply_in_wait(input->node);
    (void)step_settle(input->node);
    return rest_inside_call(input->node, input, is_input_ready, input, deadline_ns);
}

struct sb_input *sb_node_input(struct sb_node *node, const char *name)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (strcmp(node->inputs[i].name, name) == 0) {
            return &node->inputs[i];
        }
    }
    return NULL;
}

const char *sb_input_name(const struct sb_input *input)
{
    return input->name;
}

uint32_t sb_input_index(const struct sb_input *input)
{
    return input->index;
}

const struct sb_format *sb_input_format(const struct sb_input *input)
{
    return input->has_format ? &input->format : NULL;
}

uint64_t sb_input_frame_bytes_max(const struct sb_input *input)
{
    return input->frame_bytes_max;
}

void sb_input_set_data(struct sb_input *input, void *data)
{
    input->data = data;
}

void *sb_input_data(const struct sb_input *input)
{
    return input->data;
}
