// SPDX-License-Identifier: Apache-2.0
// Adds up kinds of calls and finds quantiles among them.
#include "broker/lives/call_times.h"

#include "base/check.h"

// More cannot be true: a hostile page must not overflow a sum, nor a thousandth of all calls.
#define TIME_MAX (UINT64_C(1) << 62)
#define CALLS_MAX (UINT64_C(1) << 44)

static uint64_t sum_of(uint64_t sum, const _Atomic uint64_t *word, uint64_t most)
{
    uint64_t value = atomic_load_explicit(word, memory_order_relaxed);
    return most - sum < value ? most : sum + value;
}

void call_times_add_page(struct call_times *times, const struct status_page *page)
{
    if (page == NULL) {
        return;
    }
    times->busy_ns = sum_of(times->busy_ns, &page->busy_ns, TIME_MAX);
    uint64_t longest_ns = sum_of(0, &page->longest_ns, TIME_MAX);
    times->longest_ns = longest_ns > times->longest_ns ? longest_ns : times->longest_ns;
    for (uint32_t i = 0; i < LAYOUT_CALL_TIMES; i++) {
        times->counts[i] = sum_of(times->counts[i], &page->call_times[i], CALLS_MAX);
    }
}

int64_t call_times_quantile_ns(const struct call_times *times, uint32_t permille)
{
    SB_ASSERT(permille <= 1000);
    uint64_t all = 0;
    for (uint32_t i = 0; i < LAYOUT_CALL_TIMES; i++) {
        all += times->counts[i];
    }
    if (all == 0) {
        return -1;
    }
    uint64_t wanted = (all * permille + 999) / 1000;
    uint64_t seen = 0;
    uint32_t index = 0;
    while (index + 1 < LAYOUT_CALL_TIMES && seen + times->counts[index] < wanted) {
        seen += times->counts[index++];
    }
    int64_t longest_ns = (int64_t)times->longest_ns;
    int64_t middle_ns = layout_call_time_middle_ns(index);
    return middle_ns < longest_ns ? middle_ns : longest_ns;
}
