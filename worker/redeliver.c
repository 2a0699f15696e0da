// SPDX-License-Identifier: Apache-2.0
// Collects the frames that a dead life left behind.
#include "worker/redeliver.h"

#include "worker/input.h"
#include "worker/input_link.h"

void redeliver_begin(struct sb_node *node)
{
    node->is_redelivering = true;
}

static bool is_due(struct input_link *link)
{
    if (input_link_check(link) != INPUT_LINK_READY) {
        return false;
    }
    const struct ring_reader *reader = &link->now->reader;
    return reader->next < reader->taken_before;
}

static struct input_link *due_link(struct sb_input *input)
{
    for (uint32_t i = 0; i < input->link_count; i++) {
        if (is_due(input->links[i])) {
            return input->links[i];
        }
    }
    return NULL;
}

void redeliver_prefer(struct sb_input *input)
{
    for (uint32_t i = 0; i < input->link_count; i++) {
        if (is_due(input->links[i])) {
            input->turn = i;
            input->burst = 0;
            return;
        }
    }
}

// At most one due frame of this input. Returns how many.
static size_t take_one(struct sb_node *node, struct sb_input *input, size_t collected)
{
    bool is_room = collected < node->taken_max;
    return is_room && due_link(input) != NULL && input_take(input, &node->frames[collected]) == 1;
}

static size_t take_all(struct sb_node *node)
{
    size_t collected = 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        size_t before;
        do {
            before = collected;
            collected += take_one(node, &node->inputs[i], collected);
        } while (collected > before);
    }
    return collected;
}

static size_t take_first_of_each(struct sb_node *node, size_t max)
{
    size_t collected = 0;
    for (uint32_t i = 0; i < node->input_count && collected < max; i++) {
        collected += take_one(node, &node->inputs[i], collected);
    }
    return collected;
}

// The frames of the step that some outputs have.
static bool is_whole(struct sb_node *node)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        const struct input_link *link = due_link(&node->inputs[i]);
        if (link != NULL && !link->now->is_single) {
            return true;
        }
    }
    return false;
}

static bool is_any_due(struct sb_node *node)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (due_link(&node->inputs[i]) != NULL) {
            return true;
        }
    }
    return false;
}

size_t redeliver_collect(struct sb_node *node)
{
    if (!is_any_due(node)) {
        node->is_redelivering = false;
        return 0;
    }
    switch (node->activation) {
    case SB_ACTIVATE_ALL:
        // One of each input as always: what was taken of some inputs meets the next of the others.
        return 0;
    case SB_ACTIVATE_BATCH:
        return is_whole(node) ? take_all(node) : take_first_of_each(node, node->taken_max);
    case SB_ACTIVATE_EVERY:
        return is_whole(node) ? take_all(node) : take_first_of_each(node, 1);
    case SB_ACTIVATE_ANY:
    case SB_ACTIVATE_DEFAULT:
    default:
        return take_first_of_each(node, 1);
    }
}
