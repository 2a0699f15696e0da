// SPDX-License-Identifier: Apache-2.0
// Keeps writers of transports for as long as their readers may die and others take their place.
#include "worker/carrier_keep.h"

#include "base/clock.h"
#include "worker/carrier.h"
#include "worker/rest.h"

// A daemon of a transport connects its ends in a tenth of a second. One that takes longer hangs,
// which is not for us to find out.
#define AWAIT_NS (2 * CLOCK_NS_PER_S)

// A wish for the last frames may be lost when their reader dies.
#define LINGER_LOOK_NS (50 * CLOCK_NS_PER_MS)

void carrier_keep_writer(struct sb_output *output, struct output_generation *old)
{
    carrier_close_writer(&output->before);
    if (old->carrier.is_keeping) {
        output->before = old->carrier;
        old->carrier = (struct carrier_writer){.transport = NULL};
    }
}

static bool is_lossless_link(const struct sb_output *output, uint32_t position)
{
    const struct ring_writer *writer = &output->now->writers[position];
    return writer->page != NULL && writer->is_lossless && !output->links[position]->is_leaving;
}

// Who has released a frame of this generation is done with those of the one before.
static bool has_moved_on(struct sb_output *output)
{
    for (uint32_t i = 0; i < output->link_count; i++) {
        struct ring_writer *writer = &output->now->writers[i];
        if (is_lossless_link(output, i)) {
            ring_writer_reclaim(writer);
            if (writer->seen_retired < writer->first_seq) {
                return false;
            }
        }
    }
    return true;
}

void carrier_keep_less(struct sb_output *output)
{
    if (output->before.transport != NULL && has_moved_on(output)) {
        carrier_close_writer(&output->before);
    }
}

static bool is_any_closed(struct sb_node *node)
{
    for (uint32_t i = 0; i < node->input_link_count; i++) {
        const struct input_generation *generation = node->input_links[i].oldest;
        for (; generation != NULL; generation = generation->newer) {
            if (!carrier_is_open(&generation->carrier)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_told_to_go(const struct sb_node *node)
{
    return node->is_broker_gone || node->want == WANT_STOP || node->want == WANT_LEAVE;
}

void carrier_keep_await(struct sb_node *node)
{
    struct futex_set set;
    int64_t until_ns = clock_now_ns() + AWAIT_NS;
    while (carrier_attach(node) && is_any_closed(node) && !is_told_to_go(node) &&
           clock_now_ns() < until_ns) {
        rest_begin(node, &set);
        rest_wait(node, &set, until_ns);
    }
}

// Adds the words of what is not released yet.
static bool add_unreleased(struct sb_output *output, struct futex_set *set)
{
    bool is_any = false;
    if (output->now == NULL || !output->now->carrier.is_keeping) {
        return false;
    }
    for (uint32_t i = 0; i < output->link_count; i++) {
        struct ring_writer *writer = &output->now->writers[i];
        if (!is_lossless_link(output, i)) {
            continue;
        }
        ring_writer_reclaim(writer);
        if (writer->seen_retired + 1 < writer->next_seq) {
            is_any = true;
            if (writer->peer != NULL) {
                futex_set_add(set, ring_writer_space_word(writer));
                ring_writer_wish_space(writer, writer->depth);
            }
        }
    }
    return is_any;
}

void carrier_keep_linger(struct sb_node *node)
{
    for (;;) {
        struct futex_set set;
        rest_begin(node, &set);
        bool is_any = false;
        for (uint32_t i = 0; i < node->output_count; i++) {
            is_any = add_unreleased(&node->outputs[i], &set) || is_any;
        }
        if (!is_any || is_told_to_go(node)) {
            return;
        }
        rest_wait(node, &set, clock_now_ns() + LINGER_LOOK_NS);
    }
}
