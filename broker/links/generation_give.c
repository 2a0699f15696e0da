// SPDX-License-Identifier: Apache-2.0
// Gives the memory of a generation to its writers, seals it, and gives it to its readers.
#include "broker/links/generation_give.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "base/units.h"
#include "broker/links/pages.h"
#include "broker/lives/life.h"
#include "broker/supervision/news.h"

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
    memory.delivery = pages->delivery;
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
        .device_slot_bytes = generation->device.slot_bytes,
    };
    text_copy(broker->outgoing->memory.output, sizeof broker->outgoing->memory.output,
              output->name);
    give(broker, output->node, &generation->pool);
    for (size_t i = 0; i < generation->link_count; i++) {
        if (generation_is_part(generation->links[i].link)) {
            give_link(broker, generation, &generation->links[i]);
        }
    }
}

void generation_give_on_made(struct broker *broker, struct memory_job *job)
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
    device_pool_send(broker, generation, pages);
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
                                                 .carried_bytes = generation->carried_bytes,
                                                 .device_slot_bytes = generation->device.slot_bytes,
                                                 .delivery = pages->delivery};
    struct actual_link *link = pages->link;
    message->read_link.skip_count =
        poison_skips(&link->poison, message->read_link.skips, WIRE_SKIPS_MAX);
    message->read_link.attempt = poison_attempt(&link->poison);
    message->read_link.is_single = !link->to->is_repeat;
    int fds[] = {generation->pool.fd, pages->publish.fd};
    pages->is_read_sent = true;
    life_send(broker, link->to, fds, 2);
    generation_give_end(broker, generation, pages);
}

void generation_give_end(struct broker *broker, const struct generation *generation,
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

// A producer that is gone needs no consume page of its readers, and one that was given no page to
// publish in knows nothing of the link here: it left while the memory was made.
static bool is_writer_told(const struct generation *generation, const struct generation_link *pages)
{
    return pages->is_write_sent || generation->is_orphan || pages->publish.serial == 0;
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

int generation_give_stand_in(struct broker *broker, struct generation *generation,
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
        for (size_t j = output->generation_count; j > 0; j--) {
            struct generation *generation = output->generations[j - 1];
            struct generation_segment *segment = find_written(generation, node, serial);
            if (segment != NULL) {
                *out_generation = generation;
                return segment;
            }
        }
    }
    return NULL;
}

int generation_give_on_mapped(struct broker *broker, struct actual_node *node, uint32_t serial)
{
    struct generation *generation;
    struct generation_segment *segment =
        serial == 0 ? NULL : find_segment(node, serial, &generation);
    if (segment == NULL || segment->is_sealed) {
        return -ENOENT;
    }
    if (segment == &generation->pool && device_pool_is_owed(&generation->device)) {
        return -EBADMSG;
    }
    int failed = seal(segment);
    if (failed != 0) {
        return failed;
    }
    node->unmapped--;
    advance(broker, generation);
    return 0;
}

int generation_give_take_device(struct actual_node *node, const struct wire_device_pool *message,
                                int *fd, const char **out_fault)
{
    struct generation *generation;
    struct generation_segment *segment = find_segment(node, message->serial, &generation);
    if (segment == NULL || segment != &generation->pool || segment->is_sealed) {
        return -ENOENT;
    }
    return device_pool_take(generation, message->size_bytes, fd, out_fault);
}

// The output goes on with memory of the broker's, and stays there: a driver that refused once is
// not asked again.
static void go_down(struct actual_output *output, const struct actual_node *node, const char *text)
{
    char escaped_bytes[LIMIT_ERROR_TEXT_BYTES_MAX];
    struct text escaped = TEXT_OVER(escaped_bytes);
    text_add_escaped(&escaped, text, strlen(text));
    if (output->choice.refusal[0] == '\0') {
        struct text why = TEXT_OVER(output->choice.refusal);
        text_add_format(&why, "%s refused the memory: %s", node->life.id, escaped_bytes);
        log_line(LOG_WARNING, "%s goes on in memory of the broker's: %s", output->address,
                 output->choice.refusal);
    }
}

// Only what was shown to it can be refused by a reader.
static bool was_shown(const struct generation *generation, const struct actual_link *link)
{
    for (size_t i = 0; i < generation->link_count; i++) {
        if (generation->links[i].link == link) {
            return generation->device.fd >= 0 && generation->links[i].is_read_sent;
        }
    }
    return false;
}

static int refuse_to_read(struct actual_node *node, const struct wire_device_refused *refused,
                          struct actual_output **out_output)
{
    struct actual_link *link = actual_input_of(node, refused->link_id);
    if (link == NULL) {
        return -ENOENT;
    }
    const struct generation *newest = generation_newest(link->output);
    if (newest == NULL || newest->number != refused->generation) {
        return 0;
    }
    if (!was_shown(newest, link)) {
        return -ENOENT;
    }
    // Another reader may have been first: then the next generation is on its way.
    if (link->output->choice.refusal[0] == '\0') {
        go_down(link->output, node, refused->text);
        *out_output = link->output;
    }
    return 0;
}

int generation_give_refuse_device(struct actual_node *node,
                                  const struct wire_device_refused *refused,
                                  struct actual_output **out_output)
{
    if (!device_pool_may_send(node)) {
        return -ENOENT;
    }
    if (refused->link_id != 0) {
        return refuse_to_read(node, refused, out_output);
    }
    struct actual_output *output = actual_output_of(node, refused->output);
    if (output == NULL) {
        return -ENOENT;
    }
    struct generation *generation = generation_newest(output);
    if (generation == NULL || generation->number != refused->generation) {
        return 0;
    }
    if (!device_pool_is_owed(&generation->device)) {
        return -ENOENT;
    }
    generation->device.is_refused = true;
    go_down(output, node, refused->text);
    *out_output = output;
    return 0;
}
