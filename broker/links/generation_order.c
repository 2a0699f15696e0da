// SPDX-License-Identifier: Apache-2.0
// Plans and orders the memory of a new generation.
#include "broker/links/generation_order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/graph/descriptor.h"
#include "broker/graph/domain_plan.h"
#include "broker/links/pages.h"
#include "broker/links/room.h"
#include "broker/supervision/news.h"

#define PAGE_BYTES UINT64_C(4096)

static struct generation_segment no_segment(bool is_page)
{
    return (struct generation_segment){.fd = -1, .is_page = is_page};
}

static enum link_plan_pages wanted_pages(const struct actual_output *output)
{
    enum link_plan_pages pages = LINK_PLAN_AUTO;
    for (size_t i = 0; i < output->link_count; i++) {
        switch (output->links[i]->wanted->memory) {
        case GRAPH_MEMORY_NORMAL:
            return LINK_PLAN_NORMAL;
        case GRAPH_MEMORY_HUGE:
            pages = LINK_PLAN_HUGE;
            break;
        case GRAPH_MEMORY_AUTO:
            break;
        }
    }
    return pages;
}

// The bound that the graph itself gives, 0 = none.
static uint64_t bound_of_links(const struct actual_output *output)
{
    uint64_t bound = 0;
    for (size_t i = 0; i < output->link_count; i++) {
        uint64_t said = output->links[i]->wanted->max_payload;
        bound = said > bound ? said : bound;
    }
    return bound;
}

// The pools of a domain were made for these, before a format was known. 0 = no such pools.
static uint64_t bound_of_domain(const struct actual_output *output)
{
    uint64_t bound = 0;
    for (size_t i = 0; i < output->link_count; i++) {
        const struct graph_link *wanted = output->links[i]->wanted;
        uint64_t said = domain_plan_has(wanted) ? wanted->found.max_payload : 0;
        bound = said > bound ? said : bound;
    }
    return bound;
}

int generation_order_payload(const struct actual_output *output, uint64_t *out_bytes)
{
    struct link_plan_payload sizes = {.said = output->frame_bytes_max,
                                      .port = output->port->max_payload,
                                      .links = bound_of_links(output)};
    return link_plan_payload(&sizes, &output->format, out_bytes);
}

// Slots for payloads of that size.
static int plan_slots(const struct generation *generation, uint64_t payload_bytes,
                      struct pool_plan *out_plan)
{
    struct link_plan plans[LIMIT_LINKS_PER_SIDE_MAX];
    for (size_t i = 0; i < generation->link_count; i++) {
        const struct actual_link *link = generation->links[i].link;
        plans[i] = (struct link_plan){.depth = actual_depth(link), .claims = actual_claims(link)};
    }
    const struct actual_output *output = generation->output;
    return link_plan_pool(plans, generation->link_count, output->port->claims, 0, payload_bytes,
                          wanted_pages(output), out_plan);
}

// Where the payloads lie, and the slots.
static int place_payloads(struct generation *generation, uint64_t payload_bytes, struct text *why)
{
    const struct actual_output *output = generation->output;
    bool is_carried = actual_transport(output) != NULL;
    generation->carried_bytes = is_carried ? payload_bytes : 0;
    int failed = plan_slots(generation, is_carried ? WIRE_CARRIED_SLOT_BYTES : payload_bytes,
                            &generation->plan);
    if (failed != 0) {
        text_add_format(why,
                        "%s: a pool for payloads of %llu bytes passes the limits; make "
                        "depth or max_payload smaller",
                        output->address, (unsigned long long)payload_bytes);
        return failed;
    }
    failed = device_pool_plan(generation, payload_bytes);
    if (failed != 0) {
        text_add_format(why, "%s: %s", output->address, output->choice.why);
    } else if (generation->device.slot_bytes != 0) {
        generation->carried_bytes = payload_bytes;
        failed = plan_slots(generation, WIRE_CARRIED_SLOT_BYTES, &generation->plan);
    }
    return failed;
}

static int plan_pool(const struct actual_output *output, struct generation *generation, char *text,
                     size_t text_bytes)
{
    struct text why = text_over(text, text_bytes);
    uint64_t payload_bytes;
    int failed = generation_order_payload(output, &payload_bytes);
    if (failed != 0) {
        char format[160];
        sb_format_text(&output->format, format, sizeof format);
        text_add_format(&why, "%s: max_payload is %llu bytes, a frame of %s has %llu",
                        output->address, (unsigned long long)bound_of_links(output), format,
                        (unsigned long long)sb_format_frame_bytes(&output->format));
        return failed;
    }
    uint64_t domain_bytes = bound_of_domain(output);
    if (domain_bytes != 0 && payload_bytes > domain_bytes) {
        text_add_format(&why,
                        "%s: a frame has up to %llu bytes, and iceoryx has chunks for %llu; write "
                        "max_payload at its links",
                        output->address, (unsigned long long)payload_bytes,
                        (unsigned long long)domain_bytes);
        return -EMSGSIZE;
    }
    return place_payloads(generation, payload_bytes, &why);
}

static uint64_t rounded(uint64_t bytes, bool is_huge)
{
    uint64_t unit = is_huge ? SEGMENT_HUGE_BYTES : PAGE_BYTES;
    return (bytes + unit - 1) / unit * unit;
}

static uint64_t needed_bytes(const struct generation *generation)
{
    uint64_t bytes = rounded(generation->plan.size_bytes, link_plan_is_huge(&generation->plan));
    for (size_t i = 0; i < generation->link_count; i++) {
        const struct generation_link *pages = &generation->links[i];
        bytes += rounded(layout_publish_page_bytes(pages->depth), false);
        bytes += rounded(layout_consume_page_bytes(pages->depth, pages->claims), false);
    }
    return bytes;
}

static int reserve(struct broker *broker, struct generation *generation, struct text *why)
{
    struct budget_machine machine;
    int failed = budget_read_machine(&machine);
    if (failed != 0) {
        text_add_format(why, "cannot read how much memory there is: %s", strerrordesc_np(-failed));
        return failed;
    }
    struct budget_refusal refusal;
    uint64_t bytes = needed_bytes(generation);
    failed = budget_reserve(&broker->budget, &machine, bytes, broker->unmade_bytes, &refusal);
    if (failed != 0) {
        char needed[32];
        char available[32];
        units_format_size(refusal.needed_bytes, needed, sizeof needed);
        units_format_size(refusal.available_bytes, available, sizeof available);
        text_add_format(why, "%s: not enough memory for its frames: %s needed, %s available (%s)",
                        generation->output->address, needed, available, refusal.bound);
        return failed;
    }
    generation->reserved_bytes = bytes;
    broker->unmade_bytes += bytes;
    return 0;
}

static struct memory_job *make_job(const struct generation *generation)
{
    struct memory_job *job = memory_thread_new_job(1 + 2 * generation->link_count);
    if (job == NULL) {
        return NULL;
    }
    job->orders[0] = (struct memory_item){
        .kind = WIRE_MEMORY_POOL,
        .size_bytes = generation->plan.size_bytes,
        .pages = link_plan_is_huge(&generation->plan) ? SEGMENT_HUGE : SEGMENT_NORMAL,
        .fd = -1};
    for (size_t i = 0; i < generation->link_count; i++) {
        const struct generation_link *pages = &generation->links[i];
        uint32_t depth = pages->depth;
        uint32_t claims = pages->claims;
        struct memory_item page = {.link_id = pages->link->id,
                                   .generation = generation->number,
                                   .depth = depth,
                                   .first_seq = pages->first_seq,
                                   .fd = -1};
        page.kind = WIRE_MEMORY_PUBLISH;
        page.size_bytes = layout_publish_page_bytes(depth);
        job->orders[1 + 2 * i] = page;
        page.kind = WIRE_MEMORY_CONSUME;
        page.size_bytes = layout_consume_page_bytes(depth, claims);
        page.claims_max = claims;
        page.page_number = pages->page_number;
        job->orders[2 + 2 * i] = page;
    }
    return job;
}

// Frames of a link are counted across generations. After a producer's death the broker has found
// where the one before ends; while the producer lives, only its own last store tells.
static uint64_t first_seq_of(const struct actual_link *link)
{
    bool is_going_on = pages_of(generation_newest(link->output), link) != NULL;
    return link->next_seq != 0 || is_going_on ? link->next_seq : 1;
}

static struct generation *new_generation(struct actual_output *output)
{
    struct generation *generation =
        calloc(1, sizeof *generation + output->link_count * sizeof generation->links[0]);
    if (generation == NULL) {
        return NULL;
    }
    generation->output = output;
    generation->number = output->generation + 1;
    generation->format = output->format;
    generation->first_number = output->first_number;
    generation->pool = no_segment(false);
    generation->device.fd = -1;
    for (size_t i = 0; i < output->link_count; i++) {
        struct actual_link *link = output->links[i];
        if (generation_is_part(link)) {
            generation->links[generation->link_count++] =
                (struct generation_link){.link = link,
                                         .publish = no_segment(true),
                                         .consume = no_segment(true),
                                         .depth = link->depth,
                                         .claims = actual_claims(link),
                                         .delivery = actual_delivery(link),
                                         .page_number = link->page_number + 1,
                                         .first_seq = first_seq_of(link)};
        }
    }
    return generation;
}

int generation_order(struct broker *broker, struct actual_output *output, char *text,
                     size_t text_bytes)
{
    if (room_look(output) != ROOM_FREE) {
        return -EBUSY;
    }
    struct text why = text_over(text, text_bytes);
    auto_free struct generation *generation = new_generation(output);
    if (generation == NULL) {
        text_add(&why, "no memory");
        return -ENOMEM;
    }
    int failed = plan_pool(output, generation, text, text_bytes);
    if (failed != 0) {
        return failed;
    }
    failed = reserve(broker, generation, &why);
    if (failed != 0) {
        return failed;
    }
    struct memory_job *job = make_job(generation);
    if (job == NULL || generation_append(output, generation) != 0) {
        memory_thread_free_job(job);
        budget_release(&broker->budget, generation->reserved_bytes);
        broker->unmade_bytes -= generation->reserved_bytes;
        text_add(&why, "no memory");
        return -ENOMEM;
    }
    generation->is_being_made = true;
    for (size_t i = 0; i < generation->link_count; i++) {
        struct actual_link *link = generation->links[i].link;
        link->page_number++;
        link->next_seq = 0;
        news_move_link(broker, link, LINK_ON_AGREED, NULL);
    }
    job->owner = generation;
    job->drop_owner = free;  // it has no memory of its own yet
    output->generation = generation->number;
    output->is_room_forced = false;
    (void)steal_pointer(&generation);
    memory_thread_submit(broker->memory, job);
    return 0;
}
