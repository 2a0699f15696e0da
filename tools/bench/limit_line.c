// SPDX-License-Identifier: Apache-2.0
// Physical limits: a cache line between two CPUs, and a futex between two processes.
#include "tools/bench/peers.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

// One line per way: written by one process, read by the other.
struct line {
    alignas(128) _Atomic uint64_t value;
    alignas(128) _Atomic uint32_t word;
};

struct line_end {
    struct line *line;
    uint64_t last;
};

static int line_prepare(struct pair_room *room)
{
    void *lines = mmap(NULL, 2 * sizeof(struct line), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    room->state = lines;
    return lines == MAP_FAILED ? -errno : 0;
}

static void line_finish(struct pair_room *room)
{
    munmap(room->state, 2 * sizeof(struct line));
}

static void *line_open(struct pair_room *room, unsigned way, int reader)
{
    (void)reader;
    struct line_end *end = calloc(1, sizeof *end);
    if (end != NULL) {
        end->line = (struct line *)room->state + way;
    }
    return end;
}

static int line_send(void *context, uint64_t tag)
{
    struct line_end *end = context;
    atomic_store_explicit(&end->line->value, tag, memory_order_release);
    return 0;
}

static int line_receive(void *context, uint64_t *out_tag)
{
    struct line_end *end = context;
    uint64_t value;
    while ((value = atomic_load_explicit(&end->line->value, memory_order_acquire)) == end->last) {
        clock_pause();
    }
    end->last = value;
    *out_tag = value;
    return 0;
}

static int futex_send(void *context, uint64_t tag)
{
    struct line_end *end = context;
    atomic_store_explicit(&end->line->value, tag, memory_order_relaxed);
    atomic_fetch_add_explicit(&end->line->word, 1, memory_order_seq_cst);
    syscall(SYS_futex, &end->line->word, FUTEX_WAKE, 1, NULL, NULL, 0);
    return 0;
}

static int futex_receive(void *context, uint64_t *out_tag)
{
    struct line_end *end = context;
    while (atomic_load_explicit(&end->line->word, memory_order_acquire) == (uint32_t)end->last) {
        syscall(SYS_futex, &end->line->word, FUTEX_WAIT, (uint32_t)end->last, NULL, NULL, 0);
    }
    end->last++;
    *out_tag = atomic_load_explicit(&end->line->value, memory_order_relaxed);
    return 0;
}

static const char *line_missing(const struct pair_shape *shape)
{
    return shape->is_sleeping || shape->readers > 1 ? "a line is polled by one reader" : NULL;
}

static const char *futex_missing(const struct pair_shape *shape)
{
    return shape->is_sleeping && shape->readers == 1 ? NULL : "a futex is slept on by one reader";
}

const struct pair_peer limit_line = {
    .name = "line",
    .package = "",
    .missing = line_missing,
    .prepare = line_prepare,
    .open = line_open,
    .send = line_send,
    .receive = line_receive,
    .close = free,
    .finish = line_finish,
};

const struct pair_peer limit_line_futex = {
    .name = "futex",
    .package = "",
    .missing = futex_missing,
    .prepare = line_prepare,
    .open = line_open,
    .send = futex_send,
    .receive = futex_receive,
    .close = free,
    .finish = line_finish,
};
