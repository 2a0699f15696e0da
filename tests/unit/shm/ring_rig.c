// SPDX-License-Identifier: Apache-2.0
// Builds links in process memory and fills frames with values that can be checked.
#include "unit/shm/ring_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FLAGS_OF(seq) ((uint32_t)((seq)*7))

#define PAGE_BYTES 4096UL

static uint64_t whole_pages(uint64_t size_bytes)
{
    return (size_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

// Memory that ends where a page begins which nobody may touch: a look beyond is a crash.
static void *map_shared(uint64_t size_bytes)
{
    uint64_t whole = whole_pages(size_bytes);
    uint8_t *bytes =
        mmap(NULL, whole + PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED || mprotect(bytes + whole, PAGE_BYTES, PROT_NONE) != 0) {
        perror("ring_rig: memory");
        exit(1);
    }
    return bytes + whole - size_bytes;
}

static void unmap_shared(void *bytes, uint64_t size_bytes)
{
    uint64_t whole = whole_pages(size_bytes);
    munmap((uint8_t *)bytes - (whole - size_bytes), whole + PAGE_BYTES);
}

static void check(int result, const char *what)
{
    if (result != 0) {
        fprintf(stderr, "ring_rig: %s: %s\n", what, strerror(-result));
        exit(1);
    }
}

bool ring_rig_is_lossless(const struct ring_rig *rig)
{
    return rig->config.delivery == RIG_LOSSLESS;
}

struct consume_page *ring_rig_add_page(struct ring_rig *rig)
{
    if (rig->page_number == RING_RIG_PAGES_MAX) {
        check(-1, "pages");
    }
    struct consume_page *page = map_shared(rig->consume_bytes);
    rig->pages[rig->page_number++] = page;
    page->page_number = rig->page_number;
    page->link_id = 1;
    page->generation = 1;
    page->depth = rig->config.depth;
    page->claims_max = rig->config.claims_max;
    atomic_store(&page->next, rig->config.first_seq);
    atomic_store(&page->retired, rig->config.first_seq - 1);
    rig->consume = page;
    return page;
}

static void begin_reader(struct ring_rig *rig)
{
    struct ring_reader_config config = {.peer = rig->publish,
                                        .pool = rig->slots,
                                        .page = rig->consume,
                                        .is_lossless = ring_rig_is_lossless(rig),
                                        .is_latest = rig->config.delivery == RIG_LATEST,
                                        .depth = rig->config.depth,
                                        .claims_max = rig->config.claims_max,
                                        .slot_count = rig->slot_count,
                                        .payload_bytes = rig->config.payload_bytes,
                                        .first_seq = rig->config.first_seq,
                                        .page_number = rig->page_number};
    check(ring_reader_init(&rig->reader, &config), "reader");
}

static void begin_writer(struct ring_rig *rig)
{
    check(pool_init(&rig->pool, rig->slots, rig->slot_count, rig->config.payload_bytes), "pool");
    struct ring_writer_config config = {.page = rig->publish,
                                        .pool = &rig->pool,
                                        .is_lossless = ring_rig_is_lossless(rig),
                                        .depth = rig->config.depth,
                                        .first_seq = rig->config.first_seq};
    check(ring_writer_init(&rig->writer, &config), "writer");
}

void ring_rig_init(struct ring_rig *rig, const struct ring_rig_config *config)
{
    memset(rig, 0, sizeof *rig);
    rig->config = *config;
    rig->config.payload_bytes = config->payload_bytes != 0 ? config->payload_bytes : 128;
    rig->config.first_seq = config->first_seq != 0 ? config->first_seq : 1;
    rig->slot_count = config->depth + config->claims_max + 1 + config->spare_slots;
    rig->publish_bytes = layout_publish_page_bytes(config->depth);
    rig->consume_bytes = layout_consume_page_bytes(config->depth, config->claims_max);
    rig->slots_bytes = pool_bytes(rig->slot_count, rig->config.payload_bytes);
    rig->publish = map_shared(rig->publish_bytes);
    rig->slots = map_shared(rig->slots_bytes);
    rig->publish->link_id = 1;
    rig->publish->generation = 1;
    rig->publish->depth = config->depth;
    rig->publish->first_seq = rig->config.first_seq;
    ring_rig_add_page(rig);
    begin_reader(rig);
    begin_writer(rig);
    ring_rig_tell_writer(rig);
}

void ring_rig_fini(struct ring_rig *rig)
{
    ring_reader_fini(&rig->reader);
    ring_writer_fini(&rig->writer);
    pool_fini(&rig->pool);
    for (uint64_t i = 0; i < rig->page_number; i++) {
        unmap_shared(rig->pages[i], rig->consume_bytes);
    }
    unmap_shared(rig->publish, rig->publish_bytes);
    unmap_shared(rig->slots, rig->slots_bytes);
}

void ring_rig_replace_reader(struct ring_rig *rig, uint64_t end, const uint64_t *done_seqs,
                             uint32_t done_count, struct recovered_reader *out_reader)
{
    struct consume_page *dead = rig->consume;
    struct consume_page *fresh = ring_rig_add_page(rig);
    const struct recover_request request = {.is_lossless = ring_rig_is_lossless(rig),
                                            .claims_max = rig->config.claims_max,
                                            .first_seq = rig->config.first_seq,
                                            .published_end = end,
                                            .done_seqs = done_seqs,
                                            .done_count = done_count};
    recover_consume_page(dead, &request, fresh, out_reader);
    ring_reader_fini(&rig->reader);
    begin_reader(rig);
}

void ring_rig_tell_writer(struct ring_rig *rig)
{
    ring_writer_set_peer(&rig->writer, rig->consume, rig->config.claims_max, rig->page_number);
}

uint32_t ring_rig_claim(struct ring_rig *rig)
{
    if (rig->pool.free_count == 0) {
        ring_writer_reclaim(&rig->writer);
    }
    return pool_claim(&rig->pool);
}

uint64_t ring_rig_length(const struct ring_rig *rig, uint64_t seq)
{
    uint64_t least = rig->config.payload_bytes >= RIG_SLOT_BYTES ? CARRY_PAYLOAD_BYTES + 1 : 8;
    return least + seq * 13 % (rig->config.payload_bytes - least + 1);
}

uint64_t ring_rig_step(uint64_t seq)
{
    return seq * 3 + 1;
}

void ring_rig_fill(struct ring_rig *rig, uint32_t slot, uint64_t seq, uint64_t length_bytes)
{
    struct frame_header *header = pool_header(&rig->pool, slot);
    *header = (struct frame_header){.number = seq,
                                    .pts_ns = (int64_t)seq * 1000,
                                    .payload_bytes = length_bytes,
                                    .trace_id = ~seq};
    uint8_t *payload = pool_payload(&rig->pool, slot);
    memset(payload, (int)(seq * 31 % 251), length_bytes);
    memcpy(payload, &seq, sizeof seq);
}

bool ring_rig_publish(struct ring_rig *rig)
{
    uint64_t seq = rig->writer.next_seq;
    if (ring_writer_space(&rig->writer) == 0) {
        return false;
    }
    uint32_t slot = ring_rig_claim(rig);
    if (slot == POOL_SLOT_NONE) {
        return false;
    }
    uint64_t length_bytes = ring_rig_length(rig, seq);
    ring_rig_fill(rig, slot, seq, length_bytes);
    ring_writer_publish(&rig->writer, slot, length_bytes, ring_rig_step(seq), FLAGS_OF(seq));
    pool_drop(&rig->pool, slot);
    return true;
}

bool ring_rig_is_intact(const struct ring_rig *rig, const struct ring_lease *lease)
{
    uint64_t seq = lease->seq;
    const struct frame_header header = ring_reader_header(&rig->reader, lease);
    const uint8_t *payload = ring_reader_payload(&rig->reader, lease);
    uint64_t word;
    memcpy(&word, payload, sizeof word);
    bool is_right = lease->length_bytes == ring_rig_length(rig, seq) &&
                    lease->flags == FLAGS_OF(seq) && header.number == seq &&
                    header.payload_bytes == lease->length_bytes && header.trace_id == ~seq &&
                    header.pts_ns == (int64_t)seq * 1000 && word == seq;
    for (uint64_t i = sizeof word; is_right && i < lease->length_bytes; i++) {
        is_right = payload[i] == (uint8_t)(seq * 31 % 251);
    }
    return is_right;
}
