// SPDX-License-Identifier: Apache-2.0
// Looks at the cursors of a link.
#include "broker/links/queue_look.h"

#include "broker/links/pages.h"

#define ACQUIRE memory_order_acquire

struct cursors {
    uint64_t tail;
    uint64_t next;
    uint64_t retired;
    uint64_t low;  // oldest that is still there
    bool is_ended;
};

static struct cursors read_cursors(const struct generation_link *pages)
{
    const struct publish_page *publish = pages->publish.view;
    const struct consume_page *consume = pages->consume.view;
    uint64_t first = pages->first_seq == 0 ? publish->first_seq : pages->first_seq;
    struct cursors cursors = {.tail = first == 0 ? 0 : first - 1};
    uint64_t tail = atomic_load_explicit(&publish->tail, ACQUIRE);
    cursors.tail = tail > cursors.tail && tail < LIMIT_SEQ_MAX ? tail : cursors.tail;
    cursors.next = first;
    cursors.low = first;
    uint64_t low = atomic_load_explicit(&publish->low, ACQUIRE);
    cursors.low = low > first && low <= cursors.tail + 1 ? low : cursors.low;
    cursors.retired = first == 0 ? 0 : first - 1;
    if (consume != NULL) {
        uint64_t next = atomic_load_explicit(&consume->next, ACQUIRE);
        uint64_t retired = atomic_load_explicit(&consume->retired, ACQUIRE);
        cursors.next = next > first && next <= cursors.tail + 1 ? next : cursors.next;
        cursors.retired =
            retired > cursors.retired && retired <= cursors.tail ? retired : cursors.retired;
    }
    cursors.is_ended =
        pages->end_kind != LINK_END_OPEN || atomic_load_explicit(&publish->end, ACQUIRE) != 0;
    return cursors;
}

void queue_look_at(const struct actual_link *link, struct queue_look *out_look)
{
    const struct actual_output *output = link->output;
    const struct generation *newest = generation_newest(output);
    struct queue_look look = {
        .is_memory_awaited = newest == NULL || newest->is_orphan || !generation_is_complete(newest),
        .is_memory_unmade = newest == NULL || newest->is_orphan || newest->is_being_made};
    bool is_newest_ended = false;
    for (size_t i = 0; i < output->generation_count; i++) {
        const struct generation_link *pages = pages_of(output->generations[i], link);
        if (pages == NULL || pages->publish.view == NULL || pages->is_drained) {
            continue;
        }
        struct cursors cursors = read_cursors(pages);
        look.queued += cursors.tail + 1 - cursors.next;
        if (look.head > look.tail || look.tail == 0) {
            look.head = cursors.next > cursors.low ? cursors.next : cursors.low;
        }
        look.tail = cursors.tail;
        look.taken += cursors.next + cursors.retired;
        look.cursors += cursors.tail + cursors.next + cursors.retired;
        uint64_t used = cursors.tail - cursors.retired;
        // A producer sleeps until a quarter of the ring is free, so that much may be free.
        uint64_t quarter = pages->depth >= 4 ? pages->depth / 4 : 1;
        look.is_full = !cursors.is_ended && used + quarter > pages->depth;
        is_newest_ended = cursors.is_ended;
    }
    look.is_full = look.is_full && actual_delivery(link) == SB_DELIVERY_LOSSLESS;
    look.is_over = !link_is_up(link->state) ||
                   (look.queued == 0 && is_newest_ended && pages_is_stream_ended(link));
    *out_look = look;
}
