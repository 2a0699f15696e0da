// SPDX-License-Identifier: Apache-2.0
// The other side of a worker's links: memory as the broker hands it over, rings as a peer uses it.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "shm/futex.h"
#include "shm/segment.h"
#include "worker_rig.h"

static void make(struct rig_segment *segment, uint64_t size_bytes)
{
    segment->fd = segment_create("rig", size_bytes, SEGMENT_NORMAL, &segment->size_bytes);
    assert_true(segment->fd >= 0);
}

static void *map_own(struct rig_segment *segment)
{
    void *bytes;
    assert_int_equal(segment_map_initial(segment->fd, segment->size_bytes, &bytes), 0);
    segment->bytes = bytes;
    return bytes;
}

static void seal(struct rig_segment *segment)
{
    assert_int_equal(segment_seal(segment->fd, segment->size_bytes), 0);
}

static void write_publish(struct rig_link *link, struct publish_page *page, uint64_t first_seq)
{
    page->link_id = link->id;
    page->generation = link->generation;
    page->depth = link->depth;
    page->first_seq = first_seq;
    atomic_store(&page->low, first_seq);
    atomic_store(&page->tail, first_seq == 0 ? 0 : first_seq - 1);
}

static void write_consume(struct rig_link *link, struct consume_page *page, uint64_t first_seq)
{
    page->page_number = 1;
    page->link_id = link->id;
    page->generation = link->generation;
    page->depth = link->depth;
    page->claims_max = link->claims;
    atomic_store(&page->next, first_seq + link->taken);
    atomic_store(&page->retired, first_seq == 0 ? 0 : first_seq - 1);
}

// The worker maps what it writes; only then it is sealed and read here.
static void give(struct rig_link *link, struct rig_segment *segment, enum wire_memory_kind kind,
                 uint64_t first_seq)
{
    struct rig *rig = link->rig;
    struct wire_message *message = rig_begin(rig, WIRE_MEMORY);
    struct wire_memory *memory = &message->memory;
    memory->serial = ++rig->serial;
    memory->kind = kind;
    memory->size_bytes = segment->size_bytes;
    memory->generation = link->generation;
    if (kind == WIRE_MEMORY_POOL) {
        text_copy(memory->output, sizeof memory->output, link->port);
        memory->slot_count = link->slots;
        memory->payload_bytes = link->payload_bytes;
        memory->format = link->format;
    } else {
        memory->link_id = link->id;
        memory->depth = link->depth;
    }
    if (kind == WIRE_MEMORY_PUBLISH) {
        memory->first_seq = first_seq;
        memory->delivery = link->delivery;
    }
    if (kind == WIRE_MEMORY_CONSUME) {
        memory->claims_max = link->claims;
        memory->page_number = 1;
    }
    rig_send(rig, &segment->fd, 1);
    assert_int_equal(rig_await(rig, WIRE_MAPPED)->mapped.serial, rig->serial);
    seal(segment);
    assert_int_equal(segment_map_reader(segment->fd, segment->size_bytes, &segment->bytes), 0);
}

// The generation of another link that has the same pool: an output has one, however many links.
static struct rig_generation *sharing(const struct rig_link *link)
{
    struct rig *rig = link->rig;
    for (struct rig_link *other = rig->links; link->is_output && other < link; other++) {
        if (other->is_output && strcmp(other->port, link->port) == 0 &&
            other->generation >= link->generation) {
            return &other->generations[link->generation - 1];
        }
    }
    return NULL;
}

static void make_pages(struct rig_link *link, struct rig_generation *now, uint64_t first_seq)
{
    if (sharing(link) == NULL) {
        make(&now->pool_segment, pool_bytes(link->slots, link->payload_bytes));
    }
    make(&now->publish, layout_publish_page_bytes(link->depth));
    make(&now->consume, layout_consume_page_bytes(link->depth, link->claims));
    struct rig_segment *start = link->is_output ? &now->publish : &now->consume;
    void *bytes;
    assert_int_equal(segment_map_initial(start->fd, start->size_bytes, &bytes), 0);
    if (link->is_output) {
        write_publish(link, bytes, first_seq);
    } else {
        write_consume(link, bytes, first_seq);
    }
    segment_unmap(bytes, start->size_bytes);
}

static void begin_writer(struct rig_link *link, struct rig_generation *now, uint64_t first_seq)
{
    assert_int_equal(
        pool_init(&now->pool, map_own(&now->pool_segment), link->slots, link->payload_bytes), 0);
    seal(&now->pool_segment);
    struct publish_page *page = map_own(&now->publish);
    write_publish(link, page, first_seq);
    seal(&now->publish);
    const struct rig_generation *old =
        link->generation > 1 ? &link->generations[link->generation - 2] : NULL;
    struct ring_writer_config config = {
        .page = page,
        .pool = &now->pool,
        .is_lossless = link->delivery == SB_DELIVERY_LOSSLESS,
        .depth = link->depth,
        .first_seq = first_seq != 0 ? first_seq : old->writer.next_seq,
    };
    assert_int_equal(ring_writer_init(&now->writer, &config), 0);
    ring_writer_set_peer(&now->writer, now->consume.bytes, link->claims, 1);
}

static void wire_input(struct rig_link *link, struct rig_generation *now, uint64_t first_seq)
{
    give(link, &now->consume, WIRE_MEMORY_CONSUME, first_seq);
    begin_writer(link, now, first_seq);
    struct rig *rig = link->rig;
    struct wire_read_link *read = &rig_begin(rig, WIRE_READ_LINK)->read_link;
    read->link_id = link->id;
    read->generation = link->generation;
    read->pool_bytes = now->pool_segment.size_bytes;
    read->page_bytes = now->publish.size_bytes;
    read->slot_count = link->slots;
    read->payload_bytes = link->payload_bytes;
    read->depth = link->depth;
    read->first_seq = first_seq;
    read->format = link->format;
    read->attempt = link->attempt;
    read->is_single = link->is_single;
    read->delivery = link->delivery;
    int fds[2] = {segment_open_reader(now->pool_segment.fd), segment_open_reader(now->publish.fd)};
    rig_send(rig, fds, 2);
    close(fds[0]);
    close(fds[1]);
}

static void wire_output(struct rig_link *link, struct rig_generation *now, uint64_t first_seq)
{
    struct rig *rig = link->rig;
    struct consume_page *page = map_own(&now->consume);
    write_consume(link, page, first_seq);
    seal(&now->consume);
    struct rig_generation *shared = sharing(link);
    if (shared == NULL) {
        give(link, &now->pool_segment, WIRE_MEMORY_POOL, 0);
        shared = now;
    }
    give(link, &now->publish, WIRE_MEMORY_PUBLISH, first_seq);
    const struct rig_generation *old =
        link->generation > 1 ? &link->generations[link->generation - 2] : NULL;
    struct ring_reader_config config = {
        .peer = now->publish.bytes,
        .pool = shared->pool_segment.bytes,
        .page = page,
        .is_lossless = link->delivery == SB_DELIVERY_LOSSLESS,
        .is_latest = link->delivery == SB_DELIVERY_LATEST,
        .depth = link->depth,
        .claims_max = link->claims,
        .slot_count = link->slots,
        .payload_bytes = link->payload_bytes,
        .first_seq = first_seq,
        .page_number = 1,
    };
    if (old == NULL) {
        assert_int_equal(ring_reader_init(&now->reader, &config), 0);
    } else {
        // Begins where the one before ends, which only its page will tell: see rig_take().
        now->reader.config = config;
    }
    struct wire_write_link *write = &rig_begin(rig, WIRE_WRITE_LINK)->write_link;
    write->link_id = link->id;
    write->generation = link->generation;
    write->page_bytes = now->consume.size_bytes;
    write->page_number = 1;
    write->claims_max = link->claims;
    int reader = segment_open_reader(now->consume.fd);
    rig_send(rig, &reader, 1);
    close(reader);
}

struct rig_generation *rig_now(struct rig_link *link)
{
    return &link->generations[link->generation - 1];
}

void rig_wire(struct rig_link *link, uint64_t first_seq)
{
    assert_true(link->generation < RIG_GENERATIONS_MAX);
    link->generation++;
    struct rig_generation *now = rig_now(link);
    make_pages(link, now, first_seq);
    if (link->is_output) {
        wire_output(link, now, first_seq);
    } else {
        wire_input(link, now, first_seq);
    }
}

static void free_segment(struct rig_segment *segment)
{
    if (segment->bytes != NULL) {
        segment_unmap(segment->bytes, segment->size_bytes);
        close(segment->fd);
    }
    *segment = (struct rig_segment){.fd = -1};
}

void rig_free_link(struct rig_link *link)
{
    for (uint32_t i = 0; i < link->generation; i++) {
        struct rig_generation *generation = &link->generations[i];
        if (link->is_output) {
            ring_reader_fini(&generation->reader);
        } else if (generation->writer.page != NULL) {
            ring_writer_fini(&generation->writer);
            pool_fini(&generation->pool);
        }
        free_segment(&generation->pool_segment);
        free_segment(&generation->publish);
        free_segment(&generation->consume);
    }
}

bool rig_put(struct rig_link *link, uint64_t number)
{
    struct rig_generation *now = rig_now(link);
    if (ring_writer_space(&now->writer) == 0) {
        return false;
    }
    ring_writer_reclaim(&now->writer);
    uint32_t slot = pool_claim(&now->pool);
    assert_true(slot != POOL_SLOT_NONE);
    *pool_header(&now->pool, slot) = (struct frame_header){
        .number = number,
        .pts_ns = (int64_t)number * CLOCK_NS_PER_MS,
        .payload_bytes = link->payload_bytes,
        .flags = SB_FRAME_KEYFRAME,
    };
    memcpy(pool_payload(&now->pool, slot), &number, sizeof number);
    ring_writer_publish(&now->writer, slot, link->payload_bytes, number + 1, SB_FRAME_KEYFRAME);
    pool_drop(&now->pool, slot);
    return true;
}

void rig_end_link(struct rig_link *link, enum link_end kind)
{
    ring_writer_end(&rig_now(link)->writer, kind);
}

static void await_ready(struct ring_reader *reader)
{
    int64_t deadline_ns = clock_now_ns() + RIG_DEADLINE_NS;
    struct futex_set set;
    while (!ring_reader_is_ready(reader)) {
        futex_set_clear(&set);
        futex_set_add(&set, ring_reader_data_word(reader));
        ring_reader_wish(reader, 1);
        if (ring_reader_is_ready(reader)) {
            break;
        }
        if (futex_set_wait(&set, deadline_ns) != 0) {
            fail_msg("no frame came");
        }
    }
    ring_reader_awake(reader);
}

bool rig_take(struct rig_link *link, struct ring_lease *out_lease, uint64_t *out_number)
{
    struct ring_reader *reader = &rig_now(link)->reader;
    if (reader->held == NULL) {
        const struct ring_reader *old = &link->generations[link->generation - 2].reader;
        struct ring_reader_config config = reader->config;
        config.first_seq = old->end;
        assert_int_equal(ring_reader_init(reader, &config), 0);
    }
    await_ready(reader);
    int taken = ring_reader_take(reader, out_lease);
    if (taken == -EPIPE) {
        return false;
    }
    assert_int_equal(taken, RING_TAKEN);
    *out_number = ring_reader_header(reader, out_lease).number;
    return true;
}

void rig_release(struct rig_link *link, const struct ring_lease *lease)
{
    assert_int_equal(ring_reader_release(&rig_now(link)->reader, lease->seq), 0);
}

void rig_expect_frame(struct rig_link *link, uint64_t number)
{
    struct ring_lease lease;
    uint64_t got = 0;
    assert_true(rig_take(link, &lease, &got));
    assert_int_equal(got, number);
    rig_release(link, &lease);
}

void rig_expect_end(struct rig_link *link)
{
    struct ring_lease lease;
    uint64_t got = 0;
    assert_false(rig_take(link, &lease, &got));
}
