// SPDX-License-Identifier: Apache-2.0
// What a generation is part of and complete with, and how it is dropped.
#include "broker/links/generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "broker/links/pages.h"
#include "broker/lives/worker_peer.h"

bool generation_is_part(const struct actual_link *link)
{
    return !link->is_held && link->state != LINK_DISCONNECTED &&
           link->state != LINK_DISCONNECTING && link->state != LINK_ERROR;
}

uint64_t generation_frame_bytes(const struct generation *generation)
{
    return generation->carried_bytes != 0 ? generation->carried_bytes
                                          : generation->plan.payload_bytes;
}

static bool is_owed(const struct actual_node *writer, const struct generation_segment *segment)
{
    return !segment->is_sealed && node_is_alive(writer->life.state);
}

bool generation_is_complete(const struct generation *generation)
{
    if (generation->is_being_made || generation->is_orphan) {
        return !generation->is_being_made;
    }
    const struct actual_node *producer = generation->output->node;
    if (is_owed(producer, &generation->pool)) {
        return false;
    }
    for (size_t i = 0; i < generation->link_count; i++) {
        const struct generation_link *pages = &generation->links[i];
        // Without one it left while the memory was made, and has no part in it.
        bool is_given = pages->publish.serial != 0;
        if (is_given && link_is_up(pages->link->state) &&
            (is_owed(producer, &pages->publish) || is_owed(pages->link->to, &pages->consume))) {
            return false;
        }
    }
    return true;
}

void generation_drop_segment(struct broker *broker, struct generation_segment *segment)
{
    segment_unmap(segment->view, segment->size_bytes);
    segment->view = NULL;
    if (segment->fd >= 0) {
        memory_thread_close_fd(broker->memory, segment->fd);
        segment->fd = -1;
    }
}

// Memory that a worker was given and has not answered for yet: its answer will find nothing.
static void expect_stale(struct actual_node *writer, const struct generation_segment *segment)
{
    bool is_owing = segment->serial != 0 && !segment->is_sealed && writer->peer.socket >= 0;
    writer->stale_maps += is_owing ? 1 : 0;
}

static void expect_stale_all(const struct generation *generation)
{
    struct actual_node *producer = generation->output->node;
    if (!generation->is_orphan) {
        expect_stale(producer, &generation->pool);
    }
    for (size_t i = 0; i < generation->link_count; i++) {
        const struct generation_link *pages = &generation->links[i];
        if (!generation->is_orphan) {
            expect_stale(producer, &pages->publish);
        }
        expect_stale(pages->link->to, &pages->consume);
    }
}

struct generation *generation_newest(const struct actual_output *output)
{
    return output->generation_count == 0 ? NULL : output->generations[output->generation_count - 1];
}

int generation_append(struct actual_output *output, struct generation *generation)
{
    size_t count = output->generation_count + 1;
    struct generation **grown = realloc(output->generations, count * sizeof(struct generation *));
    if (grown == NULL) {
        return -ENOMEM;
    }
    grown[count - 1] = generation;
    output->generations = grown;
    output->generation_count = count;
    return 0;
}

static void take_out(struct actual_output *output, const struct generation *generation)
{
    size_t place = 0;
    while (output->generations[place] != generation) {
        place++;
        SB_ASSERT(place < output->generation_count);
    }
    output->generation_count--;
    memmove(&output->generations[place], &output->generations[place + 1],
            (output->generation_count - place) * sizeof(struct generation *));
}

void generation_drop(struct broker *broker, struct generation *generation)
{
    if (generation->output != NULL) {
        pages_keep(generation);
        expect_stale_all(generation);
        take_out(generation->output, generation);
    }
    generation->output = NULL;
    device_pool_drop(broker, &generation->device);
    if (generation->is_being_made) {
        return;
    }
    generation_drop_segment(broker, &generation->pool);
    for (size_t i = 0; i < generation->link_count; i++) {
        generation_drop_segment(broker, &generation->links[i].publish);
        generation_drop_segment(broker, &generation->links[i].consume);
    }
    budget_release(&broker->budget, generation->reserved_bytes);
    free(generation);
}

void generation_drop_all(struct broker *broker, struct actual_output *output)
{
    while (output->generation_count > 0) {
        generation_drop(broker, output->generations[0]);
    }
}

static void forget_in(struct broker *broker, struct generation *generation,
                      const struct actual_link *link)
{
    struct generation_link *pages = pages_of(generation, link);
    if (pages == NULL) {
        return;
    }
    pages_keep_link(generation, pages);
    if (!generation->is_orphan) {
        expect_stale(generation->output->node, &pages->publish);
    }
    expect_stale(link->to, &pages->consume);
    generation_drop_segment(broker, &pages->publish);
    generation_drop_segment(broker, &pages->consume);
    size_t place = (size_t)(pages - generation->links);
    generation->link_count--;
    memmove(pages, pages + 1, (generation->link_count - place) * sizeof *pages);
}

bool generation_forget(struct broker *broker, struct actual_link *link)
{
    struct actual_output *output = link->output;
    for (size_t i = 0; i < output->generation_count; i++) {
        const struct generation *generation = output->generations[i];
        if (generation->is_being_made && pages_of(output->generations[i], link) != NULL) {
            return false;
        }
    }
    for (size_t i = 0; i < output->generation_count; i++) {
        forget_in(broker, output->generations[i], link);
    }
    generation_settle(broker, output);
    return true;
}

static bool is_all_drained(const struct generation *generation)
{
    for (size_t i = 0; i < generation->link_count; i++) {
        const struct generation_link *pages = &generation->links[i];
        if (!pages->is_drained && link_is_up(pages->link->state)) {
            return false;
        }
    }
    return true;
}

void generation_settle(struct broker *broker, struct actual_output *output)
{
    for (size_t i = 0; i + 1 < output->generation_count;) {
        if (is_all_drained(output->generations[i])) {
            generation_drop(broker, output->generations[i]);
        } else {
            i++;
        }
    }
}

int generation_on_drained(struct broker *broker, struct actual_link *link, uint32_t number)
{
    struct actual_output *output = link->output;
    // Its reader has moved on, so there is a newer one.
    for (size_t i = 0; i + 1 < output->generation_count; i++) {
        struct generation *generation = output->generations[i];
        struct generation_link *pages = pages_of(generation, link);
        if (generation->number == number && pages != NULL && !pages->is_drained) {
            pages->is_drained = true;
            generation_settle(broker, output);
            return 0;
        }
    }
    return -ENOENT;
}
