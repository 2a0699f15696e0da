// SPDX-License-Identifier: Apache-2.0
// Adds, finds and forgets the links of a node.
#include "worker/link_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "worker/input_link.h"
#include "worker/output_offer.h"

int link_table_init(struct sb_node *node)
{
    // Zeroed pages that nobody touches cost nothing.
    node->input_links = calloc(LIMIT_LINKS_PER_SIDE_MAX, sizeof *node->input_links);
    node->output_links = calloc(LIMIT_LINKS_PER_SIDE_MAX, sizeof *node->output_links);
    return node->input_links != NULL && node->output_links != NULL ? 0 : -ENOMEM;
}

struct input_link *link_table_input(struct sb_node *node, uint32_t link_id)
{
    for (uint32_t i = 0; i < node->input_link_count; i++) {
        if (node->input_links[i].link_id == link_id) {
            return &node->input_links[i];
        }
    }
    return NULL;
}

struct output_link *link_table_output(struct sb_node *node, uint32_t link_id)
{
    for (uint32_t i = 0; i < node->output_link_count; i++) {
        if (node->output_links[i].link_id == link_id) {
            return &node->output_links[i];
        }
    }
    return NULL;
}

// A place that was never used, or whose link was forgotten: those have the number 0.
static struct input_link *free_input_link(struct sb_node *node)
{
    struct input_link *link = link_table_input(node, 0);
    if (link == NULL && node->input_link_count < LIMIT_LINKS_PER_SIDE_MAX) {
        link = &node->input_links[node->input_link_count++];
    }
    return link;
}

static int add_input_link(struct sb_node *node, const struct wire_link *wire)
{
    struct sb_input *input = sb_node_input(node, wire->port);
    struct input_link *link = input == NULL ? NULL : free_input_link(node);
    if (link == NULL) {
        return -EPROTO;
    }
    struct input_link **links =
        realloc(input->links, (input->link_count + 1) * sizeof(struct input_link *));
    char *peer = strdup(wire->peer);
    input->links = links != NULL ? links : input->links;
    if (links == NULL || peer == NULL) {
        free(peer);
        return -ENOMEM;
    }
    *link = (struct input_link){.link_id = wire->link_id, .input = input, .peer = peer};
    text_copy(link->transport, sizeof link->transport, wire->transport);
    text_copy(link->address, sizeof link->address, wire->address);
    input->links[input->link_count++] = link;
    input->is_end_told = false;
    node->live_input_count++;
    return 0;
}

// The place of a link that is gone for good: no message can name it any more.
static struct output_link *gone_link_of(const struct sb_output *output)
{
    for (uint32_t i = 0; i < output->link_count; i++) {
        if (output->links[i]->is_gone) {
            return output->links[i];
        }
    }
    return NULL;
}

static struct output_link *new_output_link(struct sb_node *node, struct sb_output *output)
{
    struct output_link *link = gone_link_of(output);
    if (link != NULL) {
        return link;
    }
    struct output_link **links =
        realloc(output->links, (output->link_count + 1) * sizeof(struct output_link *));
    if (links == NULL || node->output_link_count == LIMIT_LINKS_PER_SIDE_MAX) {
        output->links = links != NULL ? links : output->links;
        return NULL;
    }
    output->links = links;
    link = &node->output_links[node->output_link_count++];
    link->position = output->link_count;
    output->links[output->link_count++] = link;
    return link;
}

static int add_output_link(struct sb_node *node, const struct wire_link *wire)
{
    struct sb_output *output = sb_node_output(node, wire->port);
    if (output == NULL) {
        return -EPROTO;
    }
    char *peer = strdup(wire->peer);
    struct output_link *link = peer == NULL ? NULL : new_output_link(node, output);
    if (link == NULL) {
        free(peer);
        return -ENOMEM;
    }
    free((void *)(uintptr_t)link->peer);
    *link = (struct output_link){.link_id = wire->link_id,
                                 .output = output,
                                 .position = link->position,
                                 .delivery = wire->delivery,
                                 .last_step = wire->last_step,
                                 .since = wire->generation,
                                 .peer = peer};
    text_copy(link->transport, sizeof link->transport, wire->transport);
    text_copy(link->address, sizeof link->address, wire->address);
    output->live_count++;
    if (output->live_count == 1) {
        output_offer_again(output);
    }
    return 0;
}

int link_table_add(struct sb_node *node, const struct wire_link *link)
{
    struct input_link *input = link_table_input(node, link->link_id);
    struct output_link *output = link_table_output(node, link->link_id);
    if (input != NULL) {
        text_copy(input->transport, sizeof input->transport, link->transport);
        text_copy(input->address, sizeof input->address, link->address);
    }
    if (output != NULL) {
        output->delivery = link->delivery;
        text_copy(output->transport, sizeof output->transport, link->transport);
        text_copy(output->address, sizeof output->address, link->address);
        output->since = link->generation > output->since ? link->generation : output->since;
    }
    if (input != NULL || output != NULL) {
        return 0;
    }
    return link->is_output ? add_output_link(node, link) : add_input_link(node, link);
}

void link_table_forget_input(struct input_link *link)
{
    struct sb_input *input = link->input;
    if (!link->is_gone || input_link_next_held(link, 0) != 0) {
        return;
    }
    uint32_t place = 0;
    while (input->links[place] != link) {
        place++;
    }
    memmove(&input->links[place], &input->links[place + 1],
            (input->link_count - place - 1) * sizeof(struct input_link *));
    input->link_count--;
    input->turn = 0;
    input->burst = 0;
    input_link_fini(link);
    free((void *)(uintptr_t)link->peer);
    *link = (struct input_link){.link_id = 0};
}

void link_table_fini(struct sb_node *node)
{
    for (uint32_t i = 0; i < node->input_link_count; i++) {
        struct input_link *link = &node->input_links[i];
        if (link->input != NULL) {  // the place of a link that was forgotten is empty
            input_link_fini(link);
            free((void *)(uintptr_t)link->peer);
        }
    }
    for (uint32_t i = 0; i < node->output_link_count; i++) {
        free((void *)(uintptr_t)node->output_links[i].peer);
    }
    free(node->input_links);
    free(node->output_links);
    node->input_link_count = 0;
    node->output_link_count = 0;
}
