// SPDX-License-Identifier: Apache-2.0
// The four activations: any, all, batch and every.
#include "worker/activation.h"

#include <errno.h>

#include "base/clock.h"
#include "worker/input.h"
#include "worker/input_link.h"
#include "worker/redeliver.h"
#include "worker/rest.h"

#define BURST_MAX 8

// One frame of any input, in turn, at most eight in a row from one.
static size_t collect_any(struct sb_node *node, struct sb_frame *out_frame)
{
    for (uint32_t tried = 0; tried < node->input_count; tried++) {
        int taken = input_take(&node->inputs[node->turn], out_frame);
        if (taken == 1) {
            node->burst++;
        }
        if (taken != 1 || node->burst >= BURST_MAX) {
            node->turn = node->turn + 1 == node->input_count ? 0 : node->turn + 1;
            node->burst = 0;
        }
        if (taken == 1) {
            return 1;
        }
    }
    return 0;
}

static bool is_all_ready(struct sb_node *node)
{
    bool is_any_open = false;
    for (uint32_t i = 0; i < node->input_count; i++) {
        struct sb_input *input = &node->inputs[i];
        if (input_is_open(input)) {
            is_any_open = true;
            if (!input_has_frame(input)) {
                return false;
            }
        }
    }
    return is_any_open;
}

// Exactly count frames of each open input, or as many as there are.
static size_t collect_each(struct sb_node *node, uint32_t count)
{
    size_t collected = 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        for (uint32_t n = 0; n < count && collected < node->taken_max; n++) {
            // on_format() must not come before the frames of the old format were handed over.
            if (n > 0 && !input_is_steady(&node->inputs[i])) {
                break;
            }
            if (input_take(&node->inputs[i], &node->frames[collected]) != 1) {
                break;
            }
            collected++;
        }
    }
    return collected;
}

// The producers said where they end, or go on in another format: the rest of a batch will never
// come.
static bool is_rest(const struct sb_input *input)
{
    for (uint32_t i = 0; i < input->link_count; i++) {
        if (!input_link_is_rest(input->links[i])) {
            return false;
        }
    }
    return true;
}

// A batch is full when every open input has count frames, or its last ones.
static bool is_batch_full(struct sb_node *node, bool *out_has_any)
{
    bool is_full = true;
    *out_has_any = false;
    for (uint32_t i = 0; i < node->input_count; i++) {
        struct sb_input *input = &node->inputs[i];
        bool has_frame = input_has_frame(input);
        *out_has_any = *out_has_any || has_frame;
        if (input_is_open(input)) {
            is_full = is_full && has_frame &&
                      (input_queued(input) >= node->batch_count || is_rest(input));
        }
    }
    return is_full && *out_has_any;
}

static bool is_batch_ready(struct sb_node *node)
{
    bool has_any;
    if (is_batch_full(node, &has_any)) {
        return true;
    }
    if (!has_any) {
        node->batch_since_ns = 0;
        return false;
    }
    if (node->batch_within_ns == 0) {
        return false;
    }
    int64_t now_ns = clock_now_ns();
    if (node->batch_since_ns == 0) {
        node->batch_since_ns = now_ns;
    }
    return now_ns - node->batch_since_ns >= node->batch_within_ns;
}

static bool has_any_frame(struct sb_node *node)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (input_has_frame(&node->inputs[i])) {
            return true;
        }
    }
    return false;
}

static bool is_any_steady(struct sb_node *node)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (!input_is_steady(&node->inputs[i])) {
            return false;
        }
    }
    return true;
}

static size_t collect_every(struct sb_node *node)
{
    int64_t now_ns = clock_now_ns();
    if (node->every_left == 0) {
        if (now_ns < node->next_every_ns || !has_any_frame(node)) {
            return 0;
        }
        node->next_every_ns = now_ns + node->every_ns;
        // What is there now belongs to this run, however many steps it takes to hand it over.
        for (uint32_t i = 0; i < node->input_count; i++) {
            node->every_left += input_queued(&node->inputs[i]);
        }
    }
    uint32_t wanted = node->processor->on_frames != NULL ? node->taken_max : 1;
    size_t collected = 0;
    while (collected < wanted && collected < node->every_left) {
        if (collected > 0 && !is_any_steady(node)) {
            break;
        }
        if (collect_any(node, &node->frames[collected]) != 1) {
            break;
        }
        collected++;
    }
    node->every_left = collected > 0 ? node->every_left - (uint32_t)collected : 0;
    return collected;
}

size_t activation_collect_any_way(struct sb_node *node)
{
    if (node->is_redelivering) {
        size_t collected = redeliver_collect(node);
        if (collected > 0) {
            return collected;
        }
    }
    switch (node->activation) {
    case SB_ACTIVATE_ALL:
        return is_all_ready(node) ? collect_each(node, 1) : 0;
    case SB_ACTIVATE_BATCH:
        if (!is_batch_ready(node)) {
            return 0;
        }
        node->batch_since_ns = 0;
        return collect_each(node, node->batch_count);
    case SB_ACTIVATE_EVERY:
        return collect_every(node);
    case SB_ACTIVATE_ANY:
    case SB_ACTIVATE_DEFAULT:
    default:
        return collect_any(node, &node->frames[0]);
    }
}

static bool has_news_of_end(struct sb_node *node)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (!node->inputs[i].is_end_told && input_is_over(&node->inputs[i])) {
            return true;
        }
    }
    return false;
}

bool activation_is_ready(struct sb_node *node, void *context)
{
    const int64_t *deadline_ns = context;
    bool is_ready;
    switch (node->activation) {
    case SB_ACTIVATE_ALL:
        is_ready = is_all_ready(node);
        break;
    case SB_ACTIVATE_BATCH:
        is_ready = is_batch_ready(node);
        break;
    case SB_ACTIVATE_EVERY:
        is_ready =
            node->every_left > 0 || (has_any_frame(node) && clock_now_ns() >= node->next_every_ns);
        break;
    case SB_ACTIVATE_ANY:
    case SB_ACTIVATE_DEFAULT:
    default:
        is_ready = has_any_frame(node);
        break;
    }
    // The first frame may have started a time limit that the sleep does not know of.
    return is_ready || has_news_of_end(node) || activation_deadline_ns(node) != *deadline_ns;
}

uint32_t activation_wish(const struct sb_node *node)
{
    if (node->activation != SB_ACTIVATE_BATCH) {
        return 1;
    }
    // With several links into one input nobody knows which of them will complete the batch, and
    // with a time limit the first frame starts the clock.
    bool is_single = node->batch_within_ns == 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        is_single = is_single && node->inputs[i].link_count <= 1;
    }
    return is_single ? node->batch_count : REST_ONE_MORE;
}

int64_t activation_deadline_ns(struct sb_node *node)
{
    if (node->activation == SB_ACTIVATE_EVERY && has_any_frame(node)) {
        return node->next_every_ns;
    }
    if (node->activation == SB_ACTIVATE_BATCH && node->batch_since_ns != 0) {
        return node->batch_since_ns + node->batch_within_ns;
    }
    return INT64_MAX;
}
