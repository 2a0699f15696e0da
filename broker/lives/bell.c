// SPDX-License-Identifier: Apache-2.0
// Makes and rings bell pages.
#include "broker/lives/bell.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "shm/futex.h"
#include "shm/segment.h"

static void write_clock(struct bell_page *page, uint32_t index, const struct bell_clock *clock)
{
    struct clock_entry *entry = &page->clocks[index];
    atomic_store_explicit(&entry->from_ns, clock->from_ns, memory_order_relaxed);
    atomic_store_explicit(&entry->epoch_ns, clock->epoch_ns, memory_order_relaxed);
    atomic_store_explicit(&entry->base, clock->base, memory_order_relaxed);
    atomic_store_explicit(&entry->fps_numerator, clock->fps_numerator, memory_order_relaxed);
    atomic_store_explicit(&entry->fps_denominator, clock->fps_denominator, memory_order_relaxed);
    // Pairs with the acquire of the index in the worker: the entry is whole when it is named.
    atomic_store_explicit(&page->clock, index, memory_order_release);
}

int bell_open(struct bell *bell, const struct bell_clock *clock)
{
    uint64_t size_bytes;
    auto_fd int fd =
        segment_create("sb-bell", sizeof(struct bell_page), SEGMENT_NORMAL, &size_bytes);
    if (fd < 0) {
        return fd;
    }
    void *bytes;
    int failed = segment_map_initial(fd, size_bytes, &bytes);
    if (failed != 0) {
        return failed;
    }
    // Sealed at once: this mapping was made before, so it stays the only writable one.
    failed = segment_seal(fd, size_bytes);
    int reader = failed == 0 ? segment_open_reader(fd) : failed;
    if (reader < 0) {
        segment_unmap(bytes, size_bytes);
        return reader;
    }
    *bell = (struct bell){.page = bytes, .size_bytes = size_bytes, .reader_fd = reader};
    atomic_store_explicit(&bell->page->want, WANT_HOLD, memory_order_relaxed);
    write_clock(bell->page, 0, clock);
    return 0;
}

void bell_close(struct bell *bell)
{
    if (bell->page != NULL) {
        segment_unmap(bell->page, bell->size_bytes);
        cleanup_fd(&bell->reader_fd);
        *bell = (struct bell){.reader_fd = -1};
    }
}

void bell_ring(struct bell *bell)
{
    if (bell->page == NULL) {
        return;
    }
    futex_bump_and_wake(&bell->page->word);
}

void bell_want(struct bell *bell, enum worker_want want)
{
    if (bell->page == NULL ||
        atomic_load_explicit(&bell->page->want, memory_order_relaxed) == (uint32_t)want) {
        return;
    }
    atomic_store_explicit(&bell->page->want, want, memory_order_release);
    bell_ring(bell);
}

void bell_set_clock(struct bell *bell, const struct bell_clock *clock)
{
    SB_ASSERT(bell->page != NULL);
    uint32_t used = atomic_load_explicit(&bell->page->clock, memory_order_relaxed);
    write_clock(bell->page, used ^ 1U, clock);
    bell_ring(bell);
}
