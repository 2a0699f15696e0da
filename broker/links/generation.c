// SPDX-License-Identifier: Apache-2.0
// Makes, gives and drops the memory of outputs and links.
#include "broker/links/generation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/graph/descriptor.h"
#include "broker/graph/domain_plan.h"
#include "broker/links/pages.h"
#include "broker/lives/life.h"
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

static bool is_part(const struct actual_link *link)
{
    return !link->is_held && link->state != LINK_DISCONNECTED &&
           link->state != LINK_DISCONNECTING && link->state != LINK_ERROR;
}

int generation_payload(const struct actual_output *output, uint64_t *out_bytes)
{
    struct link_plan_payload sizes = {.said = output->frame_bytes_max,
                                      .port = output->port->max_payload,
                                      .links = bound_of_links(output)};
    return link_plan_payload(&sizes, &output->format, out_bytes);
}

uint64_t generation_frame_bytes(const struct generation *generation)
{
    return generation->carried_bytes != 0 ? generation->carried_bytes
                                          : generation->plan.payload_bytes;
}

static int plan_pool(const struct actual_output *output, struct generation *generation, char *text,
                     size_t text_bytes)
{
    struct text why = text_over(text, text_bytes);
    uint64_t payload_bytes;
    int failed = generation_payload(output, &payload_bytes);
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
    if (actual_transport(output) != NULL) {
        generation->carried_bytes = payload_bytes;
        payload_bytes = WIRE_CARRIED_SLOT_BYTES;
    }
    struct link_plan plans[LIMIT_LINKS_PER_SIDE_MAX];
    size_t count = 0;
    for (size_t i = 0; i < output->link_count; i++) {
        if (is_part(output->links[i])) {
            plans[count++] = (struct link_plan){.depth = actual_depth(output->links[i]),
                                                .claims = actual_claims(output->links[i])};
        }
    }
    failed = link_plan_pool(plans, count, output->port->claims, 0, payload_bytes,
                            wanted_pages(output), &generation->plan);
    if (failed != 0) {
        text_add_format(&why,
                        "%s: a pool for payloads of %llu bytes passes the limits; make "
                        "depth or max_payload smaller",
                        output->address, (unsigned long long)payload_bytes);
    }
    return failed;
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
    bool is_going_on = pages_of(link->output->now, link) != NULL;
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
    for (size_t i = 0; i < output->link_count; i++) {
        struct actual_link *link = output->links[i];
        if (is_part(link)) {
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
    if (output->old != NULL || (output->now != NULL && !generation_is_complete(output->now))) {
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
    if (job == NULL) {
        budget_release(&broker->budget, generation->reserved_bytes);
        broker->unmade_bytes -= generation->reserved_bytes;
        text_add(&why, "no memory");
        return -ENOMEM;
    }
    for (size_t i = 0; i < generation->link_count; i++) {
        struct actual_link *link = generation->links[i].link;
        link->page_number++;
        link->next_seq = 0;
        news_move_link(broker, link, LINK_ON_AGREED, NULL);
    }
    job->owner = generation;
    job->drop_owner = free;  // it has no memory of its own yet
    generation->is_being_made = true;
    output->generation = generation->number;
    output->old = output->now;
    output->now = steal_pointer(&generation);
    memory_thread_submit(broker->memory, job);
    return 0;
}

static void take_segment(struct generation_segment *segment, struct memory_item *item)
{
    segment->fd = steal_fd(&item->fd);
    segment->size_bytes = item->real_bytes;
}

static void give(struct broker *broker, struct actual_node *node,
                 struct generation_segment *segment)
{
    struct wire_message *message = broker->outgoing;
    message->type = WIRE_MEMORY;
    message->memory.serial = segment->serial = broker_next_serial(broker);
    message->memory.size_bytes = segment->size_bytes;
    node->unmapped++;
    life_send(broker, node, &segment->fd, 1);
}

// A worker that knows its node and its links.
static bool is_listening(const struct actual_node *node)
{
    return node_is_alive(node->life.state) && !node->is_killed &&
           worker_peer_is_open(&node->peer) && node->peer.phase != WIRE_CONNECTED;
}

static void send_what_can_be(struct broker *broker, struct generation *generation,
                             struct generation_link *pages);

void generation_give_reader(struct broker *broker, struct generation *generation,
                            struct generation_link *pages)
{
    if (pages->consume.fd < 0 || pages->consume.serial != 0 || pages->is_drained ||
        !link_is_up(pages->link->state) || !is_listening(pages->link->to)) {
        return;
    }
    broker->outgoing->memory = (struct wire_memory){.kind = WIRE_MEMORY_CONSUME,
                                                    .link_id = pages->link->id,
                                                    .generation = generation->number,
                                                    .depth = pages->depth,
                                                    .claims_max = pages->claims,
                                                    .page_number = pages->page_number};
    give(broker, pages->link->to, &pages->consume);
    send_what_can_be(broker, generation, pages);
}

static void give_link(struct broker *broker, struct generation *generation,
                      struct generation_link *pages)
{
    struct wire_memory memory = {
        .link_id = pages->link->id, .generation = generation->number, .depth = pages->depth};
    memory.kind = WIRE_MEMORY_PUBLISH;
    memory.first_seq = pages->first_seq;
    broker->outgoing->memory = memory;
    give(broker, generation->output->node, &pages->publish);
    generation_give_reader(broker, generation, pages);
}

static void give_all(struct broker *broker, struct generation *generation)
{
    struct actual_output *output = generation->output;
    broker->outgoing->memory = (struct wire_memory){
        .kind = WIRE_MEMORY_POOL,
        .generation = generation->number,
        .slot_count = generation->plan.slot_count,
        .payload_bytes = generation->plan.payload_bytes,
        .format = generation->format,
        .first_number = generation->first_number,
        .carried_bytes = generation->carried_bytes,
    };
    text_copy(broker->outgoing->memory.output, sizeof broker->outgoing->memory.output,
              output->name);
    give(broker, output->node, &generation->pool);
    for (size_t i = 0; i < generation->link_count; i++) {
        if (is_part(generation->links[i].link)) {
            give_link(broker, generation, &generation->links[i]);
        }
    }
}

void generation_on_made(struct broker *broker, struct memory_job *job)
{
    struct generation *generation = job->owner;
    broker->unmade_bytes -= generation->reserved_bytes;
    generation->is_being_made = false;
    struct actual_output *output = generation->output;
    if (output == NULL) {
        memory_thread_free_job(job);
        generation_drop(broker, generation);
        return;
    }
    int error = job->error;
    if (error == 0) {
        take_segment(&generation->pool, &job->orders[0]);
        for (size_t i = 0; i < generation->link_count; i++) {
            take_segment(&generation->links[i].publish, &job->orders[1 + 2 * i]);
            take_segment(&generation->links[i].consume, &job->orders[2 + 2 * i]);
        }
    }
    memory_thread_free_job(job);
    if (error != 0) {
        char size[32];
        units_format_size(generation->reserved_bytes, size, sizeof size);
        life_refuse(broker, output->node, "%s: cannot allocate %s for its frames: %s",
                    output->address, size, strerrordesc_np(-error));
        return;
    }
    give_all(broker, generation);
}

static int seal(struct generation_segment *segment)
{
    int failed = segment_seal(segment->fd, segment->size_bytes);
    if (failed != 0) {
        return failed;
    }
    int reader = segment_open_reader(segment->fd);
    if (reader < 0) {
        return reader;
    }
    // From here on nobody but the writer's own mapping can write it.
    cleanup_fd(&segment->fd);
    segment->fd = reader;
    segment->is_sealed = true;
    // A page that took over from a dead one was looked at before it had a writer.
    segment_unmap(segment->view, segment->size_bytes);
    segment->view = NULL;
    // The broker looks at pages for its counters, and never at a pool.
    return segment->is_page ? segment_map_reader(reader, segment->size_bytes, &segment->view) : 0;
}

static void send_read_link(struct broker *broker, struct generation *generation,
                           struct generation_link *pages)
{
    struct wire_message *message = broker->outgoing;
    message->type = WIRE_READ_LINK;
    message->read_link = (struct wire_read_link){.link_id = pages->link->id,
                                                 .generation = generation->number,
                                                 .pool_bytes = generation->pool.size_bytes,
                                                 .page_bytes = pages->publish.size_bytes,
                                                 .slot_count = generation->plan.slot_count,
                                                 .payload_bytes = generation->plan.payload_bytes,
                                                 .depth = pages->depth,
                                                 .first_seq = pages->first_seq,
                                                 .format = generation->format,
                                                 .is_producer_gone = generation->is_orphan,
                                                 .carried_bytes = generation->carried_bytes};
    struct actual_link *link = pages->link;
    message->read_link.skip_count =
        poison_skips(&link->poison, message->read_link.skips, WIRE_SKIPS_MAX);
    message->read_link.attempt = poison_attempt(&link->poison);
    message->read_link.is_single = !link->to->is_repeat;
    int fds[] = {generation->pool.fd, pages->publish.fd};
    pages->is_read_sent = true;
    life_send(broker, link->to, fds, 2);
    generation_tell_end(broker, generation, pages);
}

void generation_tell_end(struct broker *broker, const struct generation *generation,
                         const struct generation_link *pages)
{
    if (!pages->is_read_sent || pages->end_kind == LINK_END_OPEN ||
        !is_listening(pages->link->to)) {
        return;
    }
    broker->outgoing->type = WIRE_LINK_END;
    broker->outgoing->link_end = (struct wire_link_end){.link_id = pages->link->id,
                                                        .generation = generation->number,
                                                        .end_seq = pages->end_seq,
                                                        .kind = pages->end_kind};
    life_send(broker, pages->link->to, NULL, 0);
}

static void send_write_link(struct broker *broker, struct generation *generation,
                            struct generation_link *pages)
{
    struct wire_message *message = broker->outgoing;
    message->type = WIRE_WRITE_LINK;
    message->write_link = (struct wire_write_link){.link_id = pages->link->id,
                                                   .generation = generation->number,
                                                   .page_bytes = pages->consume.size_bytes,
                                                   .page_number = pages->page_number,
                                                   .claims_max = pages->claims};
    pages->is_write_sent = true;
    life_send(broker, generation->output->node, &pages->consume.fd, 1);
}

// A producer that is gone needs no consume page of its readers.
static bool is_writer_told(const struct generation *generation, const struct generation_link *pages)
{
    return pages->is_write_sent || generation->is_orphan;
}

static void send_what_can_be(struct broker *broker, struct generation *generation,
                             struct generation_link *pages)
{
    struct actual_link *link = pages->link;
    if (!link_is_up(link->state) || pages->is_drained) {
        return;
    }
    bool was_wired = pages->is_read_sent && is_writer_told(generation, pages);
    if (!pages->is_read_sent && pages->consume.serial != 0 && generation->pool.is_sealed &&
        pages->publish.is_sealed && is_listening(link->to)) {
        send_read_link(broker, generation, pages);
    }
    if (!is_writer_told(generation, pages) && pages->consume.is_sealed) {
        send_write_link(broker, generation, pages);
    }
    if (!was_wired && pages->is_read_sent && is_writer_told(generation, pages)) {
        news_move_link(broker, link, LINK_ON_WIRED, NULL);
    }
}

int generation_stand_in(struct broker *broker, struct generation *generation,
                        struct generation_link *pages)
{
    // The dead producer may have left its descriptor to somebody: it is not used any more.
    struct generation_segment fresh = {.fd = -1, .is_page = true};
    auto_fd int fd = segment_create("sb-publish", layout_publish_page_bytes(pages->depth),
                                    SEGMENT_NORMAL, &fresh.size_bytes);
    if (fd < 0) {
        return fd;
    }
    void *bytes;
    int failed = segment_map_initial(fd, fresh.size_bytes, &bytes);
    if (failed != 0) {
        return failed;
    }
    struct publish_page *page = bytes;
    page->link_id = pages->link->id;
    page->generation = generation->number;
    page->depth = pages->depth;
    page->first_seq = pages->first_seq;
    atomic_store_explicit(&page->low, pages->first_seq, memory_order_relaxed);
    atomic_store_explicit(&page->tail, pages->first_seq - 1, memory_order_relaxed);
    segment_unmap(bytes, fresh.size_bytes);
    generation_drop_segment(broker, &pages->publish);
    fresh.fd = steal_fd(&fd);
    pages->publish = fresh;
    failed = seal(&pages->publish);
    if (failed == 0) {
        send_what_can_be(broker, generation, pages);
    }
    return failed;
}

static void advance(struct broker *broker, struct generation *generation)
{
    for (size_t i = 0; i < generation->link_count; i++) {
        send_what_can_be(broker, generation, &generation->links[i]);
    }
}

// Finds the segment of a serial among those that the node writes.
static struct generation_segment *find_written(struct generation *generation,
                                               const struct actual_node *node, uint32_t serial)
{
    if (generation == NULL) {
        return NULL;
    }
    bool is_producer = generation->output->node == node;
    if (is_producer && generation->pool.serial == serial) {
        return &generation->pool;
    }
    for (size_t i = 0; i < generation->link_count; i++) {
        struct generation_link *pages = &generation->links[i];
        if (is_producer && pages->publish.serial == serial) {
            return &pages->publish;
        }
        if (pages->link->to == node && pages->consume.serial == serial) {
            return &pages->consume;
        }
    }
    return NULL;
}

static struct generation_segment *find_segment(struct actual_node *node, uint32_t serial,
                                               struct generation **out_generation)
{
    for (size_t i = 0; i < node->output_count + node->input_count; i++) {
        struct actual_output *output = i < node->output_count
                                           ? node->outputs[i]
                                           : node->inputs[i - node->output_count]->output;
        struct generation *both[] = {output->now, output->old};
        for (size_t j = 0; j < ARRAY_COUNT(both); j++) {
            struct generation_segment *segment = find_written(both[j], node, serial);
            if (segment != NULL) {
                *out_generation = both[j];
                return segment;
            }
        }
    }
    return NULL;
}

int generation_on_mapped(struct broker *broker, struct actual_node *node, uint32_t serial)
{
    struct generation *generation;
    struct generation_segment *segment =
        serial == 0 ? NULL : find_segment(node, serial, &generation);
    if (segment == NULL || segment->is_sealed) {
        return -ENOENT;
    }
    int failed = seal(segment);
    if (failed != 0) {
        return failed;
    }
    node->unmapped--;
    advance(broker, generation);
    return 0;
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
