// SPDX-License-Identifier: Apache-2.0
// Reads the generations of a link in order: drains one to its end, then moves on to the next.
#include "worker/input_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "shm/segment.h"
#include "worker/carrier.h"
#include "worker/device_memory.h"
#include "worker/redeliver.h"
#include "worker/region.h"
#include "worker/rest.h"
#include "worker/step.h"
#include "worker/uplink.h"

static void unmap(struct mapping *mapping)
{
    segment_unmap(mapping->bytes, mapping->size_bytes);
    *mapping = (struct mapping){0};
}

static void drop_generation(struct input_link *link, struct input_generation *generation)
{
    carrier_close_reader(&generation->carrier);
    if (generation->is_reader_ready) {
        ring_reader_fini(&generation->reader);
    }
    region_unmap(link->input->node, &generation->pool);
    region_unmap(link->input->node, &generation->device);
    unmap(&generation->publish);
    unmap(&generation->consume);
    free(generation);
}

// Where the pointer to this generation is, or to the one that would come behind all of them.
static struct input_generation **place_of(struct input_link *link,
                                          const struct input_generation *generation)
{
    struct input_generation **place = &link->oldest;
    while (*place != generation) {
        place = &(*place)->newer;
    }
    return place;
}

static void remove_generation(struct input_link *link, struct input_generation *generation)
{
    *place_of(link, generation) = generation->newer;
    link->plain = link->plain == generation ? NULL : link->plain;
    drop_generation(link, generation);
}

static uint32_t count_generations(const struct input_link *link)
{
    uint32_t count = 0;
    for (const struct input_generation *g = link->oldest; g != NULL; g = g->newer) {
        count++;
    }
    return count;
}

int input_link_add_page(struct input_link *link, const struct wire_memory *memory, int fd)
{
    auto_fd int page_fd = fd;
    uint64_t needed = layout_consume_page_bytes(memory->depth, memory->claims_max);
    if (memory->size_bytes < needed) {
        return -EPROTO;
    }
    // A page whose generation never came to be read: its producer died before it was complete.
    unmap(&link->pending_page);
    void *bytes;
    int failed = segment_map_writer(page_fd, memory->size_bytes, &bytes);
    if (failed != 0) {
        return failed;
    }
    link->pending = *memory;
    link->pending_page = (struct mapping){bytes, memory->size_bytes};
    return 0;
}

static uint64_t payload_bytes_of(const struct wire_read_link *link)
{
    return link->carried_bytes > 0 ? link->carried_bytes : link->payload_bytes;
}

static bool is_readable(const struct input_generation *generation)
{
    return generation->is_reader_ready && carrier_is_open(&generation->carrier);
}

static int init_reader(struct input_link *to, struct input_generation *generation,
                       uint64_t first_seq)
{
    const struct wire_read_link *link = &generation->link;
    struct consume_page *page = (struct consume_page *)(uintptr_t)generation->consume.bytes;
    struct ring_reader_config config = {
        .peer = generation->publish.bytes,
        .pool = generation->pool.bytes,
        .page = page,
        .is_lossless = generation->delivery == SB_DELIVERY_LOSSLESS ||
                       generation->delivery == SB_DELIVERY_DEFAULT,
        .is_latest = generation->delivery == SB_DELIVERY_LATEST,
        .is_producer_gone = link->is_producer_gone,
        .depth = link->depth,
        .claims_max = page->claims_max,
        .slot_count = link->slot_count,
        .payload_bytes = payload_bytes_of(link),
        .slot_payload_bytes = link->payload_bytes,
        .first_seq = first_seq,
        .page_number = page->page_number,
    };
    int failed = ring_reader_init(&generation->reader, &config);
    generation->is_reader_ready = failed == 0;
    if (failed == 0 && generation->reader.next < generation->reader.taken_before) {
        redeliver_begin(to->input->node);
    }
    if (failed == 0 && generation->told_end != 0) {
        ring_reader_set_end(&generation->reader, generation->told_end, generation->told_end_kind);
    }
    return failed;
}

// A generation without a first seq goes on where the one before ends: as soon as that is known, so
// that what is queued there can be counted and waited for.
static int prepare_newer(struct input_link *link)
{
    struct input_generation *before = link->now;
    int failed = 0;
    while (failed == 0 && before != NULL && before->newer != NULL && before->is_reader_ready) {
        struct input_generation *newer = before->newer;
        if (!newer->is_reader_ready) {
            (void)ring_reader_is_at_end(&before->reader);  // reads the end
            if (before->reader.end == 0 || before->reader.end_kind != LINK_END_GENERATION) {
                return 0;
            }
            failed = init_reader(link, newer, before->reader.end);
        }
        before = newer;
    }
    return failed;
}

// The numbers of the message must describe the memory that came with it.
static bool is_consistent(const struct input_link *link, const struct wire_read_link *message)
{
    uint64_t pool = pool_bytes(message->slot_count, message->payload_bytes);
    return pool != 0 && pool <= message->pool_bytes &&
           layout_publish_page_bytes(message->depth) <= message->page_bytes &&
           link->pending_page.bytes != NULL && link->pending.depth == message->depth &&
           link->pending.generation == message->generation;
}

static int map_generation(struct input_generation *generation, const struct wire_read_link *message,
                          int pool_fd, int publish_fd)
{
    int failed = segment_map_reader(pool_fd, message->pool_bytes, &generation->pool.bytes);
    if (failed != 0) {
        return failed;
    }
    generation->pool.size_bytes = message->pool_bytes;
    failed = segment_map_reader(publish_fd, message->page_bytes, &generation->publish.bytes);
    if (failed == 0) {
        generation->publish.size_bytes = message->page_bytes;
    }
    return failed;
}

static struct input_generation *new_generation(const struct wire_read_link *message)
{
    struct input_generation *generation = calloc(1, sizeof *generation);
    if (generation != NULL) {
        generation->number = message->generation;
        generation->format = message->format;
        generation->attempt = message->attempt;
        generation->is_single = message->is_single;
        generation->delivery = message->delivery;
        generation->link = *message;
    }
    return generation;
}

static void append(struct input_link *link, struct input_generation *generation)
{
    *place_of(link, NULL) = generation;
    generation->consume = link->pending_page;
    link->pending_page = (struct mapping){0};
    link->is_ended = false;
    if (link->now == NULL) {
        link->now = generation;
        link->is_format_told = false;
    }
}

int input_link_add_generation(struct input_link *link, const struct wire_read_link *message,
                              int pool_fd, int publish_fd)
{
    auto_fd int pool = pool_fd;
    auto_fd int publish = publish_fd;
    if (count_generations(link) == LIMIT_GENERATIONS_MAX || !is_consistent(link, message)) {
        return -EPROTO;
    }
    struct input_generation *generation = new_generation(message);
    int failed = generation == NULL ? -ENOMEM : map_generation(generation, message, pool, publish);
    if (failed != 0) {
        if (generation != NULL) {
            drop_generation(link, generation);
        }
        return failed;
    }
    append(link, generation);
    // Without a first seq it goes on where the one before ends, which only its page can tell.
    if (message->first_seq != 0) {
        failed = init_reader(link, generation, message->first_seq);
    }
    if (message->device_slot_bytes > 0) {
        device_memory_adopt(link, generation);
    } else if (failed == 0 && message->carried_bytes > 0) {
        failed = carrier_open_reader(link, generation);
        if (failed != 0 && failed != -EPROTO) {
            carrier_fail(link->input->node, failed);
            failed = 0;
        }
    }
    return failed;
}

static void tell_drained(struct input_link *link, uint32_t number)
{
    struct wire_message *message = uplink_begin(link->input->node, WIRE_DRAINED);
    message->drained.link_id = link->link_id;
    message->drained.generation = number;
    uplink_send(link->input->node);
}

static void retire(struct input_link *link, struct input_generation *generation)
{
    tell_drained(link, generation->number);
    remove_generation(link, generation);
}

// Moves from the generation that was read to its end to the one behind it, when it is here. Frames
// of the old one may still be held: it stays until the last of them is given back.
static bool move_on(struct input_link *link)
{
    struct input_generation *old = link->now;
    struct input_generation *newer = old->newer;
    if (newer == NULL || prepare_newer(link) != 0 || !newer->is_reader_ready) {
        return false;
    }
    link->is_format_told = sb_format_is_equal(&old->format, &newer->format) != 0 &&
                           payload_bytes_of(&old->link) >= payload_bytes_of(&newer->link);
    link->now = newer;
    link->plain = NULL;
    link->input->node->switches++;
    if (old->reader.held_count == 0) {
        retire(link, old);
    }
    return true;
}

static bool is_stream_end(const struct input_generation *generation)
{
    return generation->reader.end_kind != LINK_END_GENERATION;
}

// The broker waits for the last frame to be given back before it takes the link apart.
static void tell_left(struct input_link *link)
{
    if (link->is_left || input_link_next_held(link, 0) != 0) {
        return;
    }
    link->is_left = true;
    uplink_begin(link->input->node, WIRE_LEFT)->left.link_id = link->link_id;
    uplink_send(link->input->node);
}

static void become_gone(struct input_link *link)
{
    if (!link->is_gone) {
        link->is_gone = true;
        link->input->node->live_input_count--;
    }
}

// Its producer writes nothing more. A link that leaves was never there then.
static void become_ended(struct input_link *link)
{
    link->is_ended = true;
    if (link->is_leaving) {
        become_gone(link);
        tell_left(link);
    }
}

void input_link_leave(struct input_link *link)
{
    link->is_leaving = true;
    if (link->is_ended) {
        become_ended(link);
    }
}

// Everything of now was taken. True when there is another generation to look at.
static bool pass_end(struct input_link *link)
{
    if (!is_stream_end(link->now)) {
        return move_on(link);
    }
    become_ended(link);
    return false;
}

void input_link_set_end(struct input_link *link, const struct wire_link_end *message)
{
    for (struct input_generation *generation = link->oldest; generation != NULL;
         generation = generation->newer) {
        if (generation->number != message->generation) {
            continue;
        }
        generation->told_end = message->end_seq;
        generation->told_end_kind = (enum link_end)message->kind;
        if (generation->is_reader_ready) {
            ring_reader_set_end(&generation->reader, message->end_seq,
                                (enum link_end)message->kind);
        }
    }
    if (link->now == NULL && message->kind != LINK_END_GENERATION) {
        become_ended(link);
    }
}

// Nothing more is read: what stays are generations of which frames are held.
static void stop_reading(struct input_link *link)
{
    struct input_generation *next = link->now;
    link->now = NULL;
    link->plain = NULL;
    while (next != NULL) {
        struct input_generation *generation = next;
        next = generation->newer;
        if (!generation->is_reader_ready || generation->reader.held_count == 0) {
            remove_generation(link, generation);
        }
    }
}

void input_link_unlink(struct input_link *link, bool is_ended)
{
    unmap(&link->pending_page);
    region_unmap(link->input->node, &link->pending_device);
    stop_reading(link);
    link->is_ended = true;
    if (!is_ended || link->is_leaving) {
        become_gone(link);
    }
}

static bool is_skipped(const struct input_generation *generation)
{
    for (size_t i = 0; i < generation->link.skip_count; i++) {
        if (generation->link.skips[i] == generation->reader.next) {
            return true;
        }
    }
    return false;
}

// Passes over the poisoned frames at the front. False when one is to come that is not there yet.
static bool pass_skipped(struct input_generation *generation)
{
    while (generation->link.skip_count > 0 && is_skipped(generation) &&
           !ring_reader_is_at_end(&generation->reader)) {
        if (ring_reader_skip(&generation->reader) != RING_TAKEN) {
            return false;
        }
    }
    return true;
}

enum input_link_state input_link_check(struct input_link *link)
{
    while (!link->is_ended) {
        struct input_generation *now = link->now;
        if (prepare_newer(link) != 0 || now == NULL || !is_readable(now) || !pass_skipped(now) ||
            !ring_reader_is_ready(&now->reader)) {
            return INPUT_LINK_EMPTY;
        }
        if (!ring_reader_is_at_end(&now->reader)) {
            return INPUT_LINK_READY;
        }
        if (!pass_end(link) && !link->is_ended) {
            return INPUT_LINK_EMPTY;
        }
    }
    return INPUT_LINK_ENDED;
}

static bool has_format_of(const struct input_link *link)
{
    const struct sb_input *input = link->input;
    return input->has_format && sb_format_is_equal(&input->format, &link->now->format) != 0;
}

static void tell_format(struct input_link *link)
{
    link->is_format_told = true;
    step_set_format(link->input, &link->now->format, payload_bytes_of(&link->now->link));
}

// Names the payload in memory of a device. Slot and length were checked against the generation.
static int find_on_device(const struct input_generation *now, const struct ring_lease *lease,
                          struct sb_frame *frame)
{
    if (now->device.bytes == NULL || lease->carried != NULL) {
        return -ENODATA;
    }
    frame->data = device_memory_payload(&now->device, now->link.device_slot_bytes, lease->slot);
    frame->flags |= SB_FRAME_ON_DEVICE;
    return 0;
}

// The payload that does not lie in its slot. False when it is gone: then the frame is passed over.
__attribute__((noinline)) static bool fetch(struct input_link *link, const struct ring_lease *lease,
                                            struct sb_frame *frame)
{
    struct input_generation *now = link->now;
    int failed = now->link.device_slot_bytes > 0
                     ? find_on_device(now, lease, frame)
                     : carrier_take(&now->carrier, frame->seq,
                                    ring_reader_header(&now->reader, lease).ticket, frame);
    if (failed == 0) {
        return true;
    }
    struct consume_page *page = now->reader.config.page;
    uint64_t missing = atomic_load_explicit(&page->missing, memory_order_relaxed);
    atomic_store_explicit(&page->missing, missing + 1, memory_order_relaxed);
    input_link_release(link, frame->seq);
    return false;
}

// Nothing but its ring decides about the next frame, until the broker says something.
static bool is_plain(const struct input_link *link)
{
    const struct input_generation *now = link->now;
    return now->link.skip_count == 0 && now->link.carried_bytes == 0 && link->is_format_told &&
           link->input->link_count == 1;
}

int input_link_take_slowly(struct input_link *link, struct sb_frame *out_frame)
{
    while (!link->is_ended) {
        struct input_generation *now = link->now;
        if (now == NULL || !is_readable(now)) {
            return 0;
        }
        if (now->link.skip_count > 0 && !pass_skipped(now)) {
            return 0;
        }
        if (now->reader.next >= now->reader.pace_seq) {
            rest_keep_distance(&now->reader);
        }
        struct ring_lease lease;
        int taken = ring_reader_take(&now->reader, &lease);
        if (taken == RING_TAKEN) {
            input_link_fill(link, now, &lease, out_frame);
            if (now->link.carried_bytes > 0 && !fetch(link, &lease, out_frame)) {
                continue;
            }
            // Links of one input may carry different formats: the input has that of the last frame.
            if (!link->is_format_told || (link->input->link_count > 1 && !has_format_of(link))) {
                tell_format(link);
            }
            link->plain = is_plain(link) ? now : NULL;
            return 1;
        }
        if (taken != -EPIPE) {
            return taken;
        }
        if (!pass_end(link) && !link->is_ended) {
            return 0;
        }
    }
    return -EPIPE;
}

static uint32_t queued_of(const struct input_generation *generation)
{
    return is_readable(generation) ? ring_reader_queued(&generation->reader) : 0;
}

// The generation behind this one, when its frames can join those in one step.
static struct input_generation *joinable(const struct input_generation *generation)
{
    struct input_generation *newer = generation->newer;
    bool is_joinable = newer != NULL && newer->is_reader_ready &&
                       sb_format_is_equal(&generation->format, &newer->format);
    return is_joinable ? newer : NULL;
}

// The last of those behind the one that is read now whose frames can join each other.
static struct input_generation *last_joinable(const struct input_link *link)
{
    struct input_generation *last = link->now;
    struct input_generation *newer = joinable(last);
    while (newer != NULL && ring_reader_is_ending(&last->reader)) {
        last = newer;
        newer = joinable(last);
    }
    return last;
}

struct ring_reader *input_link_waited(struct input_link *link)
{
    struct input_generation *now = link->now;
    if (link->is_ended || now == NULL || !now->is_reader_ready) {
        return NULL;
    }
    return &last_joinable(link)->reader;
}

uint32_t input_link_queued(const struct input_link *link)
{
    uint32_t count = 0;
    for (const struct input_generation *g = link->now; g != NULL; g = joinable(g)) {
        count += queued_of(g);
    }
    return count;
}

// Its producer said that it goes on in another generation.
static bool is_going_on(const struct ring_reader *reader)
{
    uint32_t kind = reader->end != 0 ? (uint32_t)reader->end_kind
                                     : atomic_load_explicit(&reader->config.peer->end_kind,
                                                            memory_order_relaxed);
    return kind == LINK_END_GENERATION;
}

bool input_link_is_rest(const struct input_link *link)
{
    if (link->is_ended) {
        return true;
    }
    if (link->now == NULL || !link->now->is_reader_ready) {
        return false;
    }
    const struct input_generation *last = last_joinable(link);
    if (!ring_reader_is_ending(&last->reader)) {
        return false;
    }
    if (last->newer == NULL) {
        return !is_going_on(&last->reader);
    }
    return !sb_format_is_equal(&last->format, &last->newer->format);
}

static uint64_t next_held(const struct ring_reader *reader, uint64_t above)
{
    if (reader->config.is_lossless) {
        uint64_t seq = above > reader->retired ? above + 1 : reader->retired + 1;
        while (seq < reader->next && !ring_reader_is_held(reader, seq)) {
            seq++;
        }
        return seq < reader->next ? seq : 0;
    }
    uint64_t lowest = 0;
    for (uint32_t i = 0; i < reader->config.claims_max; i++) {
        uint64_t seq = reader->held[i];
        lowest = seq > above && (lowest == 0 || seq < lowest) ? seq : lowest;
    }
    return lowest;
}

uint64_t input_link_next_held(const struct input_link *link, uint64_t above)
{
    uint64_t lowest = 0;
    for (const struct input_generation *generation = link->oldest; generation != NULL;
         generation = generation->newer) {
        if (generation->is_reader_ready) {
            uint64_t seq = next_held(&generation->reader, above);
            lowest = seq != 0 && (lowest == 0 || seq < lowest) ? seq : lowest;
        }
    }
    return lowest;
}

// Seqs of a link never repeat, so the generation that holds this one is the right one.
static int release_old(struct input_link *link, uint64_t seq)
{
    for (struct input_generation *old = link->oldest; old != NULL; old = old->newer) {
        if (!old->is_reader_ready || ring_reader_release(&old->reader, seq) != 0) {
            continue;
        }
        if (old->carrier.transport != NULL) {
            carrier_release(&old->carrier, seq);
        }
        if (old != link->now && old->reader.held_count == 0) {
            retire(link, old);
        }
        if (link->is_leaving && link->is_ended) {
            tell_left(link);
        }
        return 0;
    }
    return -EINVAL;
}

int input_link_release_slowly(struct input_link *link, uint64_t seq)
{
    struct input_generation *now = link->now;
    if (now != NULL && now->is_reader_ready && ring_reader_release(&now->reader, seq) == 0) {
        if (now->carrier.transport != NULL) {
            carrier_release(&now->carrier, seq);
        }
        return 0;
    }
    return release_old(link, seq);
}

bool input_link_is_held(const struct input_link *link, uint64_t seq)
{
    for (const struct input_generation *generation = link->oldest; generation != NULL;
         generation = generation->newer) {
        if (generation->is_reader_ready && ring_reader_is_held(&generation->reader, seq)) {
            return true;
        }
    }
    return false;
}

void input_link_fini(struct input_link *link)
{
    while (link->oldest != NULL) {
        remove_generation(link, link->oldest);
    }
    unmap(&link->pending_page);
    region_unmap(link->input->node, &link->pending_device);
    link->now = NULL;
}
