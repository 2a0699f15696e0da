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
        if (link_is_up(pages->link->state) &&
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

void generation_drop(struct broker *broker, struct generation *generation)
{
    if (generation == NULL) {
        return;
    }
    if (generation->output != NULL) {
        pages_keep(generation);
        expect_stale_all(generation);
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
    struct generation *both[] = {output->old, output->now};
    for (size_t i = 0; i < ARRAY_COUNT(both); i++) {
        if (pages_of(both[i], link) != NULL && both[i]->is_being_made) {
            return false;
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(both); i++) {
        forget_in(broker, both[i], link);
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
    if (output->old != NULL && is_all_drained(output->old)) {
        generation_drop(broker, output->old);
        output->old = NULL;
    }
}

int generation_on_drained(struct broker *broker, struct actual_link *link, uint32_t number)
{
    struct actual_output *output = link->output;
    struct generation_link *pages = pages_of(output->old, link);
    if (pages == NULL || output->old->number != number || pages->is_drained) {
        return -ENOENT;
    }
    pages->is_drained = true;
    generation_settle(broker, output);
    return 0;
}
