// SPDX-License-Identifier: Apache-2.0
// Opens and closes the ends of transports, and passes payloads between them and the frames.
#include "worker/carrier.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "shm/futex.h"
#include "worker/carrier_load.h"
#include "worker/cycle.h"

// A payload is sent before the cell that names its ticket: what is later than this is gone.
#define LATE_NS CLOCK_NS_PER_S
#define LATE_LOOK_MS 1

// For the attachment to a writer that has written its last frame: one that lives keeps what was not
// read yet, and what one that died had kept is there for a short while.
#define ENDED_WRITER_NS (2 * CLOCK_NS_PER_S)
#define DEAD_WRITER_NS (300 * CLOCK_NS_PER_MS)

#define ADDRESS_BYTES 80

struct address {
    char text[ADDRESS_BYTES];
};

static struct address address_of(const char *base, uint32_t generation)
{
    struct address address;
    snprintf(address.text, sizeof address.text, "%s.%u", base, generation);
    return address;
}

static int check_limit(struct sb_node *node, const char *what, uint64_t wanted, uint64_t limit)
{
    return limit == 0 || wanted <= limit
               ? 0
               : sb_node_error(node, -ERANGE, "%s %" PRIu64 ", it can do %" PRIu64, what, wanted,
                               limit);
}

static int check_limits(struct sb_node *node, const struct sb_transport *transport,
                        const struct sb_transport_end *end)
{
    const struct sb_transport_limits *limits = &transport->limits;
    int failed =
        check_limit(node, "payloads of bytes:", end->payload_bytes_max, limits->payload_bytes_max);
    failed = failed != 0 ? failed
                         : check_limit(node, "buffers claimed at once:", end->loan_count,
                                       limits->loans_max);
    failed = failed != 0 ? failed
                         : check_limit(node, "frames queued and held:", end->queue_count,
                                       limits->queue_max);
    return failed != 0 ? failed
                       : check_limit(node, "readers:", end->reader_count, limits->readers_max);
}

// Puts the name of the link before the reason.
static int name_reason(struct sb_node *node, int code, const char *transport, const char *from,
                       const char *to)
{
    char reason[sizeof node->error];
    snprintf(reason, sizeof reason, "%.300s",
             node->error[0] != '\0' ? node->error : sb_error_text(code));
    return sb_node_error(node, code, "link %s -> %s: transport %s: %s", from, to, transport,
                         reason);
}

void carrier_fail(struct sb_node *node, int code)
{
    bool is_later = code == -EAGAIN && !node->is_exit_forced;
    cycle_fail(node, "transport", code);
    if (is_later) {
        node->exit_status = SB_EXIT_RESTART;
    }
}

// --- Writer -----------------------------------------------------------------------------------

static const struct output_link *carried_link(const struct sb_output *output)
{
    for (uint32_t i = 0; i < output->link_count; i++) {
        if (!output->links[i]->is_gone && output->links[i]->transport[0] != '\0') {
            return output->links[i];
        }
    }
    return NULL;
}

static bool is_lossless(enum sb_delivery delivery)
{
    return delivery == SB_DELIVERY_LOSSLESS || delivery == SB_DELIVERY_DEFAULT;
}

// Frames that were not released are among the newest of a lossless link, as many as it has cells.
static uint32_t kept_of(const struct sb_transport *transport, bool is_lossless, uint32_t slot_count)
{
    uint32_t most = transport->limits.kept_max;
    uint32_t wanted = is_lossless ? slot_count : 0;
    return wanted < most ? wanted : most;
}

static bool is_any_lossless(const struct sb_output *output)
{
    bool is_any = false;
    for (uint32_t i = 0; i < output->link_count; i++) {
        is_any = is_any || (!output->links[i]->is_gone && is_lossless(output->links[i]->delivery));
    }
    return is_any;
}

static int open_writer(struct sb_output *output, struct output_generation *generation,
                       const struct output_link *link, uint64_t payload_bytes)
{
    struct sb_node *node = output->node;
    struct carrier_writer *writer = &generation->carrier;
    const struct sb_transport *transport;
    int failed = carrier_load(node, link->transport, &transport);
    if (failed != 0) {
        return failed;
    }
    struct address address = address_of(link->address, generation->number);
    struct sb_transport_end end = {.struct_size = sizeof end,
                                   .address = address.text,
                                   .node = node->id,
                                   .port = output->name,
                                   .format = &generation->format,
                                   .payload_bytes_max = payload_bytes,
                                   .loan_count = output->claim_max,
                                   .queue_count = generation->pool.slot_count,
                                   .reader_count = output->live_count};
    end.kept_count = kept_of(transport, is_any_lossless(output), generation->pool.slot_count);
    failed = check_limits(node, transport, &end);
    if (failed != 0) {
        return failed;
    }
    writer->loans = calloc(generation->pool.slot_count, sizeof *writer->loans);
    if (writer->loans == NULL) {
        return -ENOMEM;
    }
    failed = transport->open_writer(&end, &writer->end);
    if (failed != 0) {
        free(writer->loans);
        writer->loans = NULL;
        return failed;
    }
    writer->transport = transport;
    writer->slot_count = generation->pool.slot_count;
    writer->is_keeping = end.kept_count > 0;
    return 0;
}

int carrier_open_writer(struct sb_output *output, struct output_generation *generation,
                        uint64_t payload_bytes)
{
    const struct output_link *link = carried_link(output);
    if (link == NULL) {
        return -EPROTO;
    }
    struct sb_node *node = output->node;
    node->error[0] = '\0';
    int failed = open_writer(output, generation, link, payload_bytes);
    if (failed != 0) {
        char from[LIMIT_ADDRESS_BYTES_MAX];
        snprintf(from, sizeof from, "%s.%s", node->id, output->name);
        return name_reason(node, failed, link->transport, from, link->peer);
    }
    return 0;
}

void carrier_close_writer(struct carrier_writer *writer)
{
    if (writer->transport != NULL) {
        for (uint32_t i = 0; i < writer->slot_count; i++) {
            carrier_abandon(writer, i);
        }
        writer->transport->close_writer(writer->end);
        free(writer->loans);
    }
    *writer = (struct carrier_writer){.transport = NULL};
}

bool carrier_is_heard(const struct sb_output *output)
{
    for (uint32_t i = 0; i < output->link_count; i++) {
        const struct ring_writer *writer = &output->now->writers[i];
        if (writer->page != NULL && !output->links[i]->is_leaving &&
            (writer->peer == NULL ||
             atomic_load_explicit(&writer->peer->attached, memory_order_acquire) == 0)) {
            return false;
        }
    }
    return true;
}

int carrier_loan(struct carrier_writer *writer, uint32_t slot, uint64_t size_bytes, void **out_data)
{
    struct sb_transport_frame frame = {.size_bytes = size_bytes};
    int failed = writer->transport->loan(writer->end, &frame);
    if (failed == 0) {
        SB_ASSERT(writer->loans[slot].data == NULL);
        writer->loans[slot] = frame;
        *out_data = frame.data;
    }
    return failed;
}

int carrier_publish(struct carrier_writer *writer, uint32_t slot, const struct sb_buffer *buffer,
                    const struct sb_format *format, uint64_t *out_ticket)
{
    struct sb_transport_frame *frame = &writer->loans[slot];
    frame->size_bytes = buffer->size_bytes;
    frame->ticket = writer->ticket + 1;
    frame->number = buffer->number;
    frame->pts_ns = buffer->pts_ns;
    frame->duration_ns = buffer->duration_ns;
    frame->flags = buffer->flags;
    frame->trace_id = buffer->trace_id;
    frame->job_id = buffer->job_id;
    frame->format = format;
    int failed = writer->transport->publish(writer->end, frame);
    if (failed == 0) {
        *frame = (struct sb_transport_frame){.data = NULL};
        *out_ticket = ++writer->ticket;
    }
    return failed;
}

void carrier_abandon(struct carrier_writer *writer, uint32_t slot)
{
    if (writer->loans[slot].data != NULL) {
        writer->transport->abandon(writer->end, &writer->loans[slot]);
        writer->loans[slot] = (struct sb_transport_frame){.data = NULL};
    }
}

// --- Reader -----------------------------------------------------------------------------------

static int open_reader(struct input_link *link, struct input_generation *generation)
{
    struct sb_node *node = link->input->node;
    struct carrier_reader *reader = &generation->carrier;
    const struct consume_page *page = generation->consume.bytes;
    const struct sb_transport *transport;
    int failed = carrier_load(node, link->transport, &transport);
    if (failed != 0) {
        return failed;
    }
    struct address address = address_of(link->address, generation->number);
    struct sb_transport_end end = {.struct_size = sizeof end,
                                   .address = address.text,
                                   .node = node->id,
                                   .port = link->input->name,
                                   .format = &generation->format,
                                   .payload_bytes_max = generation->link.carried_bytes,
                                   .queue_count = generation->link.slot_count};
    end.kept_count =
        kept_of(transport, is_lossless(generation->delivery), generation->link.slot_count);
    failed = check_limits(node, transport, &end);
    if (failed != 0) {
        return failed;
    }
    reader->held = calloc(page->claims_max, sizeof *reader->held);
    if (reader->held == NULL) {
        return -ENOMEM;
    }
    failed = transport->open_reader(&end, &reader->end);
    if (failed != 0) {
        free(reader->held);
        reader->held = NULL;
        return failed;
    }
    reader->transport = transport;
    reader->is_kept_for = end.kept_count > 0;
    reader->held_max = page->claims_max;
    return 0;
}

int carrier_open_reader(struct input_link *link, struct input_generation *generation)
{
    struct sb_node *node = link->input->node;
    node->error[0] = '\0';
    int failed = link->transport[0] == '\0' ? -EPROTO : open_reader(link, generation);
    if (failed != 0) {
        char to[LIMIT_ADDRESS_BYTES_MAX];
        snprintf(to, sizeof to, "%s.%s", node->id, link->input->name);
        return name_reason(node, failed, link->transport, link->peer, to);
    }
    node->attaching_count++;
    return 0;
}

void carrier_close_reader(struct carrier_reader *reader)
{
    if (reader->transport != NULL) {
        for (uint32_t i = 0; i < reader->held_max; i++) {
            if (reader->held[i].seq != 0) {
                reader->transport->release(reader->end, &reader->held[i].frame);
            }
        }
        reader->transport->close_reader(reader->end);
        free(reader->held);
    }
    *reader = (struct carrier_reader){.transport = NULL};
}

// False when its writer is over, and may never be there again.
static bool is_waited_for(struct input_generation *generation)
{
    struct carrier_reader *reader = &generation->carrier;
    bool is_gone = generation->link.is_producer_gone;
    if (!is_gone && generation->is_reader_ready) {
        (void)ring_reader_is_at_end(&generation->reader);  // reads the end
    }
    if (!is_gone && generation->reader.end == 0) {
        return true;
    }
    int64_t now_ns = clock_now_ns();
    if (reader->patience_ns == 0) {
        reader->patience_ns = now_ns + (is_gone ? DEAD_WRITER_NS : ENDED_WRITER_NS);
    }
    return reader->is_kept_for && now_ns < reader->patience_ns;
}

// Returns whether it still is not attached.
static bool attach(struct sb_node *node, struct input_link *link,
                   struct input_generation *generation)
{
    struct carrier_reader *reader = &generation->carrier;
    if (reader->transport == NULL || reader->is_attached) {
        return false;
    }
    int attached = reader->transport->is_attached(reader->end);
    bool is_waited = attached <= 0 && is_waited_for(generation);
    if (attached == 0 && is_waited) {
        return true;
    }
    if (attached < 0 && is_waited) {
        char to[LIMIT_ADDRESS_BYTES_MAX];
        snprintf(to, sizeof to, "%s.%s", node->id, link->input->name);
        node->error[0] = '\0';
        (void)name_reason(node, attached, link->transport, link->peer, to);
        carrier_fail(node, attached);
    }
    reader->is_attached = true;
    struct consume_page *page = (struct consume_page *)(uintptr_t)generation->consume.bytes;
    atomic_store_explicit(&page->attached, 1, memory_order_release);
    futex_bump_and_wake(&page->space_word);
    return false;
}

bool carrier_attach(struct sb_node *node)
{
    if (node->attaching_count == 0) {
        return false;
    }
    uint32_t left = 0;
    for (uint32_t i = 0; i < node->input_link_count; i++) {
        struct input_link *link = &node->input_links[i];
        for (struct input_generation *g = link->oldest; g != NULL; g = g->newer) {
            left += attach(node, link, g) ? 1 : 0;
        }
    }
    node->attaching_count = left;
    return left > 0;
}

static struct carrier_held *find_held(struct carrier_reader *reader, uint64_t seq)
{
    for (uint32_t i = 0; i < reader->held_max; i++) {
        if (reader->held[i].seq == seq) {
            return &reader->held[i];
        }
    }
    return NULL;
}

static void wait_a_little(struct carrier_reader *reader)
{
    struct pollfd coming = {.fd = -1, .events = POLLIN};
    if (reader->transport->wait_fd != NULL) {
        coming.fd = reader->transport->wait_fd(reader->end);
    }
    poll(&coming, 1, LATE_LOOK_MS);
}

int carrier_take(struct carrier_reader *reader, uint64_t seq, uint64_t ticket,
                 struct sb_frame *frame)
{
    struct carrier_held *held = find_held(reader, 0);
    SB_ASSERT(held != NULL);
    struct sb_transport_frame payload = {.ticket = ticket};
    int taken = reader->transport->take(reader->end, ticket, &payload);
    for (int64_t until_ns = 0; taken == -EAGAIN;) {
        int64_t now_ns = clock_now_ns();
        until_ns = until_ns == 0 ? now_ns + LATE_NS : until_ns;
        if (now_ns >= until_ns) {
            break;
        }
        wait_a_little(reader);
        taken = reader->transport->take(reader->end, ticket, &payload);
    }
    if (taken != 1) {
        return -ENODATA;
    }
    if (payload.size_bytes < frame->size_bytes) {
        // A cell that says more than was sent: not a byte beyond may be looked at.
        reader->transport->release(reader->end, &payload);
        return -ENODATA;
    }
    *held = (struct carrier_held){.seq = seq, .frame = payload};
    frame->data = payload.data;
    return 0;
}

void carrier_release(struct carrier_reader *reader, uint64_t seq)
{
    struct carrier_held *held = find_held(reader, seq);
    if (held != NULL) {
        reader->transport->release(reader->end, &held->frame);
        held->seq = 0;
    }
}
