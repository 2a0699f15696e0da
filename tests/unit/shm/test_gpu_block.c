// SPDX-License-Identifier: Apache-2.0
// Mappings of frames shown to a device: the same bytes, read-only where the kernel says so.
// test: needs=gpu_objects uses=gpu_objects,streambroker_lib packages=vulkan
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "gpu_rig.h"
#include "shm/gpu/gpu_state.h"
#include "shm/segment.h"

#define BYTES 65536

static struct sb_gpu_span span_of(struct sb_gpu_block *block)
{
    return (struct sb_gpu_span){.block = block, .size_bytes = BYTES, .host = block->host};
}

static int show(struct sb_gpu *gpu, const void *base, uint64_t size_bytes,
                struct sb_gpu_block **out_block)
{
    struct sb_region region = {.base = base, .size_bytes = size_bytes};
    return gpu_block_show(gpu, &region, out_block);
}

static void copy(struct sb_gpu *gpu, struct sb_gpu_block *from, struct sb_gpu_block *to)
{
    struct sb_gpu_span source = span_of(from);
    struct sb_gpu_span target = span_of(to);
    assert_int_equal(sb_gpu_begin(gpu), 0);
    assert_int_equal(sb_gpu_copy(gpu, &source, &target), 0);
    assert_int_equal(sb_gpu_finish(gpu), 0);
}

// R-GPU-005: what the device writes is in the producer's mapping and in the reader's at once.
static void a_device_writes_a_sealed_segment_and_reads_it_through_a_read_only_mapping(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    uint64_t size;
    int fd = segment_create("unit", BYTES, SEGMENT_NORMAL, &size);
    assert_true(fd >= 0);
    void *written;
    const void *seen;
    assert_int_equal(segment_map_writer(fd, size, &written), 0);
    assert_int_equal(segment_seal(fd, size), 0);
    int reader = segment_open_reader(fd);
    assert_int_equal(segment_map_reader(reader, size, &seen), 0);
    struct sb_gpu_block *own;
    struct sb_gpu_block *back;
    struct sb_gpu_block *pool;
    struct sb_gpu_block *view;
    assert_int_equal(gpu_block_make(gpu, BYTES, &own), 0);
    assert_int_equal(gpu_block_make(gpu, BYTES, &back), 0);
    assert_int_equal(show(gpu, written, size, &pool), 0);
    assert_int_equal(show(gpu, seen, size, &view), 0);
    for (uint32_t i = 0; i < BYTES; i++) {
        ((uint8_t *)own->host)[i] = (uint8_t)(i * 7);
    }
    copy(gpu, own, pool);
    assert_memory_equal(seen, own->host, BYTES);
    copy(gpu, view, back);
    assert_memory_equal(back->host, own->host, BYTES);
    assert_int_equal(sb_gpu_counts_of(gpu).imports, 2);
    // The reader's mapping cannot be made writable, so neither can the device write through it.
    assert_int_equal(mprotect((void *)(uintptr_t)seen, size, PROT_READ | PROT_WRITE), -1);
    rig_close(gpu);
    segment_unmap(written, size);
    segment_unmap(seen, size);
    close(reader);
    close(fd);
}

static void a_mapping_is_shown_once_until_it_is_forgotten(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    void *bytes = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(bytes != MAP_FAILED);
    struct sb_gpu_block *first;
    struct sb_gpu_block *again;
    assert_int_equal(show(gpu, bytes, BYTES, &first), 0);
    assert_int_equal(show(gpu, bytes, BYTES, &again), 0);
    assert_ptr_equal(first, again);
    assert_int_equal(sb_gpu_counts_of(gpu).imports, 1);
    gpu_block_forget(gpu, bytes);
    gpu_block_forget(gpu, bytes);
    assert_int_equal(show(gpu, bytes, BYTES, &again), 0);
    assert_int_equal(sb_gpu_counts_of(gpu).imports, 2);
    rig_close(gpu);
    munmap(bytes, BYTES);
}

// The driver would take such a pointer and work beside it.
static void a_mapping_that_does_not_begin_at_a_page_is_not_shown(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    uint8_t *bytes = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(bytes != MAP_FAILED);
    struct sb_gpu_block *block = NULL;
    assert_int_equal(show(gpu, bytes + 64, BYTES - 4096, &block), -ENOTSUP);
    assert_int_equal(show(gpu, bytes, BYTES - 64, &block), -ENOTSUP);
    // What was refused is not asked for again.
    assert_int_equal(show(gpu, bytes, BYTES - 64, &block), -ENOTSUP);
    assert_null(block);
    assert_int_equal(sb_gpu_counts_of(gpu).imports, 0);
    rig_close(gpu);
    munmap(bytes, BYTES);
}

// R-GPU-006
static void staging_memory_is_used_again_in_the_next_batch_and_copied_back_when_done(void **state)
{
    (void)state;
    struct sb_gpu *gpu = rig_open();
    uint8_t target[BYTES] = {0};
    struct sb_gpu_block *one;
    struct sb_gpu_block *two;
    struct sb_gpu_block *again;
    assert_int_equal(gpu_block_stage(gpu, BYTES, &one), 0);
    assert_int_equal(gpu_block_stage(gpu, BYTES, &two), 0);
    assert_ptr_not_equal(one, two);
    memset(one->host, 5, BYTES);
    one->copy_back = target;
    one->copy_bytes = BYTES;
    gpu_block_end_batch(gpu, true);
    assert_int_equal(target[0], 5);
    assert_int_equal(target[BYTES - 1], 5);
    assert_int_equal(gpu_block_stage(gpu, BYTES / 2, &again), 0);
    assert_true(again == one || again == two);
    // A batch that was not done leaves the frame as it was.
    memset(again->host, 6, BYTES);
    again->copy_back = target;
    again->copy_bytes = BYTES / 2;
    gpu_block_end_batch(gpu, false);
    assert_int_equal(target[0], 5);
    rig_close(gpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_writes_a_sealed_segment_and_reads_it_through_a_read_only_mapping),
        cmocka_unit_test(a_mapping_is_shown_once_until_it_is_forgotten),
        cmocka_unit_test(a_mapping_that_does_not_begin_at_a_page_is_not_shown),
        cmocka_unit_test(staging_memory_is_used_again_in_the_next_batch_and_copied_back_when_done),
    };
    return rig_run(tests, sizeof tests / sizeof tests[0]);
}
