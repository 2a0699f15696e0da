// SPDX-License-Identifier: Apache-2.0
// The memory of an output: generations of pool and pages, mapped, adopted and dropped.
#include "worker/output_memory.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "shm/segment.h"
#include "worker/carrier.h"
#include "worker/carrier_keep.h"
#include "worker/device_memory.h"
#include "worker/output.h"
#include "worker/output_offer.h"
#include "worker/region.h"

static void unmap(struct mapping *mapping)
{
    segment_unmap(mapping->bytes, mapping->size_bytes);
    *mapping = (struct mapping){0};
}

static void *writable(const struct mapping *mapping)
{
    return (void *)(uintptr_t)mapping->bytes;
}

static void drop_link(struct output_generation *generation, uint32_t position)
{
    ring_writer_fini(&generation->writers[position]);
    unmap(&generation->pages[position]);
    unmap(&generation->peers[position]);
}

void output_memory_drop(struct sb_output *output, struct output_generation *generation)
{
    for (uint32_t i = 0; generation->writers != NULL && i < output->link_count; i++) {
        drop_link(generation, i);
    }
    carrier_close_writer(&generation->carrier);
    pool_fini(&generation->pool);
    region_unmap(output->node, &generation->memory);
    region_unmap(output->node, &generation->device);
    free(generation->writers);
    free(generation->targets);
    free(generation->pages);
    free(generation->page_infos);
    free(generation->deliveries);
    free(generation->peers);
    free(generation->peer_infos);
    *generation = (struct output_generation){0};
}

static struct output_generation *find_generation(struct sb_output *output, uint32_t number)
{
    for (uint32_t i = 0; i < 2; i++) {
        struct output_generation *generation = &output->generations[i];
        if (generation->is_used && generation->number == number) {
            return generation;
        }
    }
    return NULL;
}

// The generation of that number: the one in use, the one that comes, or a fresh one.
static struct output_generation *get_generation(struct sb_output *output, uint32_t number)
{
    struct output_generation *found = find_generation(output, number);
    struct output_generation *fresh =
        !output->generations[0].is_used ? &output->generations[0] : &output->generations[1];
    if (found != NULL || fresh->is_used) {
        return found;
    }
    size_t count = LIMIT_LINKS_PER_SIDE_MAX;
    *fresh = (struct output_generation){.is_used = true,
                                        .number = number,
                                        .writers = calloc(count, sizeof *fresh->writers),
                                        .targets = calloc(count, sizeof *fresh->targets),
                                        .pages = calloc(count, sizeof *fresh->pages),
                                        .page_infos = calloc(count, sizeof *fresh->page_infos),
                                        .deliveries = calloc(count, sizeof *fresh->deliveries),
                                        .peers = calloc(count, sizeof *fresh->peers),
                                        .peer_infos = calloc(count, sizeof *fresh->peer_infos)};
    if (fresh->writers == NULL || fresh->targets == NULL || fresh->pages == NULL ||
        fresh->page_infos == NULL || fresh->deliveries == NULL || fresh->peers == NULL ||
        fresh->peer_infos == NULL) {
        output_memory_drop(output, fresh);
        return NULL;
    }
    if (output->now != NULL) {
        output->next = fresh;
    }
    return fresh;
}

int output_memory_add_pool(struct sb_output *output, const struct wire_memory *memory, int fd)
{
    auto_fd int pool_fd = fd;
    uint64_t needed = pool_bytes(memory->slot_count, memory->payload_bytes);
    struct output_generation *generation = get_generation(output, memory->generation);
    if (needed == 0 || needed > memory->size_bytes || generation == NULL ||
        generation->memory.bytes != NULL) {
        return -EPROTO;
    }
    void *bytes;
    int failed = segment_map_writer(pool_fd, memory->size_bytes, &bytes);
    if (failed != 0) {
        return failed;
    }
    generation->memory = (struct mapping){bytes, memory->size_bytes};
    generation->format = memory->format;
    generation->frame_bytes = sb_format_frame_bytes(&memory->format);
    generation->first_number = memory->first_number;
    failed = pool_init(&generation->pool, bytes, memory->slot_count, memory->payload_bytes);
    if (failed == 0 && memory->carried_bytes > 0) {
        // The slots are small; what a frame may have is what lies elsewhere.
        generation->pool.payload_bytes = memory->carried_bytes;
        if (memory->device_slot_bytes > 0) {
            return device_memory_make(output, generation, memory);
        }
        failed = carrier_open_writer(output, generation, memory->carried_bytes);
        if (failed != 0 && failed != -EPROTO) {
            carrier_fail(output->node, failed);
            failed = 0;
        }
    }
    return failed;
}

int output_memory_add_page(struct output_link *link, const struct wire_memory *memory, int fd)
{
    auto_fd int page_fd = fd;
    struct output_generation *generation = get_generation(link->output, memory->generation);
    if (generation == NULL || generation->pages[link->position].bytes != NULL ||
        layout_publish_page_bytes(memory->depth) > memory->size_bytes) {
        return -EPROTO;
    }
    void *bytes;
    int failed = segment_map_writer(page_fd, memory->size_bytes, &bytes);
    if (failed == 0) {
        generation->pages[link->position] = (struct mapping){bytes, memory->size_bytes};
        generation->page_infos[link->position] = *memory;
        generation->deliveries[link->position] = memory->delivery;
    }
    return failed;
}

static void set_peer(struct output_generation *generation, uint32_t position)
{
    const struct wire_write_link *info = &generation->peer_infos[position];
    ring_writer_set_peer(&generation->writers[position], generation->peers[position].bytes,
                         info->claims_max, info->page_number);
}

int output_memory_add_peer(struct output_link *link, const struct wire_write_link *message, int fd)
{
    auto_fd int page_fd = fd;
    struct output_generation *generation = find_generation(link->output, message->generation);
    if (generation == NULL) {
        // This output has moved on since: a reader that was replaced reads the rest by itself.
        return 0;
    }
    if (generation->pages[link->position].bytes == NULL) {
        return -EPROTO;
    }
    uint32_t depth = generation->page_infos[link->position].depth;
    if (layout_consume_page_bytes(depth, message->claims_max) > message->page_bytes) {
        return -EPROTO;
    }
    struct mapping page = {.size_bytes = message->page_bytes};
    int failed = segment_map_reader(page_fd, message->page_bytes, &page.bytes);
    if (failed != 0) {
        return failed;
    }
    struct mapping old = generation->peers[link->position];
    generation->peers[link->position] = page;
    generation->peer_infos[link->position] = *message;
    if (generation->writers[link->position].page != NULL) {
        set_peer(generation, link->position);
    }
    unmap(&old);
    return 0;
}

bool output_memory_is_complete(const struct sb_output *output,
                               const struct output_generation *generation)
{
    if (generation->memory.bytes == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < output->link_count; i++) {
        const struct output_link *link = output->links[i];
        bool is_part = !link->is_gone && !link->is_leaving && generation->number > link->since;
        if (is_part && generation->pages[i].bytes == NULL) {
            return false;
        }
    }
    return true;
}

static int start_writer(struct sb_output *output, struct output_generation *generation,
                        uint32_t position)
{
    const struct output_link *link = output->links[position];
    const struct wire_memory *info = &generation->page_infos[position];
    enum sb_delivery delivery = generation->deliveries[position];
    struct ring_writer *old = output->now != NULL ? &output->now->writers[position] : NULL;
    uint64_t first_seq = info->first_seq;
    if (first_seq == 0) {
        // Goes on where the generation before ends, which is decided right now.
        first_seq = old != NULL && old->page != NULL ? old->next_seq : 1;
    }
    struct ring_writer_config config = {
        .page = writable(&generation->pages[position]),
        .pool = &generation->pool,
        .is_lossless = delivery == SB_DELIVERY_LOSSLESS || delivery == SB_DELIVERY_DEFAULT,
        .depth = info->depth,
        .first_seq = first_seq,
        .last_step = link->last_step,
    };
    int failed = ring_writer_init(&generation->writers[position], &config);
    if (failed == 0 && generation->peers[position].bytes != NULL) {
        set_peer(generation, position);
    }
    return failed;
}

static struct output_generation *other_generation(struct sb_output *output,
                                                  const struct output_generation *generation)
{
    for (uint32_t i = 0; i < 2; i++) {
        if (output->generations[i].is_used && &output->generations[i] != generation) {
            return &output->generations[i];
        }
    }
    return NULL;
}

int output_memory_adopt(struct sb_output *output, struct output_generation *generation)
{
    SB_ASSERT(output->claimed == 0);
    for (uint32_t i = 0; i < output->link_count; i++) {
        if (generation->pages[i].bytes == NULL || output->links[i]->is_leaving) {
            continue;
        }
        int failed = start_writer(output, generation, i);
        if (failed != 0) {
            return failed;
        }
    }
    struct output_generation *old = output->now;
    for (uint32_t i = 0; old != NULL && i < output->link_count; i++) {
        if (old->writers[i].page != NULL && !output->links[i]->is_leaving) {
            ring_writer_end(&old->writers[i], LINK_END_GENERATION);
        }
    }
    if (old == NULL) {
        // It may have had links before, and numbers never go back.
        output->next_number = generation->first_number > output->next_number
                                  ? generation->first_number
                                  : output->next_number;
    } else {
        carrier_keep_writer(output, old);
        output_memory_drop(output, old);
    }
    output->now = generation;
    output->next = other_generation(output, generation);
    output->credit = 0;
    output->is_plain = false;
    // A generation that was made for an older wish, or for another depth, is not what was offered.
    output->is_format_wanted =
        output->is_format_wanted && !output_offer_has(output, &generation->format);
    return 0;
}

// The generation in which a link that leaves ends: the one that is written, else the next one.
static struct output_generation *ending_generation(const struct output_link *link)
{
    struct sb_output *output = link->output;
    if (output->now != NULL && output->now->writers[link->position].page != NULL) {
        return output->now;
    }
    for (uint32_t i = 0; i < 2; i++) {
        struct output_generation *generation = &output->generations[i];
        if (generation->is_used && generation->pages[link->position].bytes != NULL) {
            return generation;
        }
    }
    return NULL;
}

int output_memory_leave(struct output_link *link)
{
    struct sb_output *output = link->output;
    if (link->is_gone || link->is_leaving) {
        return 0;
    }
    struct output_generation *generation = ending_generation(link);
    int failed = 0;
    if (generation != NULL && generation->writers[link->position].page == NULL) {
        failed = start_writer(output, generation, link->position);
    }
    if (failed == 0 && generation != NULL && !output->is_ended) {
        ring_writer_end(&generation->writers[link->position], LINK_END_STREAM);
    }
    link->is_leaving = true;
    output->live_count--;
    return failed;
}

// Nobody reads what the output writes: its memory is given back, unless a buffer of it is claimed.
static void drop_unlinked(struct sb_output *output)
{
    bool is_any_left = output->claimed > 0;
    for (uint32_t i = 0; i < output->link_count; i++) {
        is_any_left = is_any_left || !output->links[i]->is_gone;
    }
    if (is_any_left) {
        return;
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (output->generations[i].is_used) {
            output_memory_drop(output, &output->generations[i]);
        }
    }
    carrier_close_writer(&output->before);
    output->now = NULL;
    output->next = NULL;
    output->credit = 0;
    output->is_plain = false;
    output->is_format_wanted = false;
}

void output_memory_unlink(struct output_link *link)
{
    struct sb_output *output = link->output;
    if (link->is_gone) {
        return;
    }
    link->is_gone = true;
    output->live_count -= link->is_leaving ? 0 : 1;
    for (uint32_t i = 0; i < 2; i++) {
        if (output->generations[i].is_used) {
            drop_link(&output->generations[i], link->position);
        }
    }
    drop_unlinked(output);
    // Perhaps nobody reads any more what is written now: then the broker does not wait for it.
    (void)output_adopt_next(output);
}
