// SPDX-License-Identifier: Apache-2.0
// Times of calls are summed over lives, and their quantiles are bounds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "broker/lives/call_times.h"

static struct status_page *page_new(void)
{
    struct status_page *page = calloc(1, sizeof *page);
    assert_non_null(page);
    return page;
}

static void add_calls(struct status_page *page, int64_t ns, uint64_t count)
{
    atomic_fetch_add(&page->call_times[layout_call_time(ns)], count);
    atomic_fetch_add(&page->busy_ns, (uint64_t)ns * count);
    if (atomic_load(&page->longest_ns) < (uint64_t)ns) {
        atomic_store(&page->longest_ns, (uint64_t)ns);
    }
}

// R-CTL-021
static void quantiles_are_at_most_an_eighth_away_from_the_true_ones(void **state)
{
    (void)state;
    struct status_page *first = page_new();
    struct status_page *second = page_new();
    add_calls(first, 1000, 500);
    add_calls(first, 5000, 400);
    add_calls(second, 70000, 99);
    add_calls(second, 9000000, 1);
    struct call_times times = {0};
    assert_int_equal(call_times_quantile_ns(&times, 500), -1);
    call_times_add_page(&times, first);
    call_times_add_page(&times, NULL);
    call_times_add_page(&times, second);
    static const struct {
        uint32_t permille;
        int64_t true_ns;
    } wanted[] = {{500, 1000},  {501, 5000},  {900, 5000},
                  {990, 70000}, {999, 70000}, {1000, 9000000}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        int64_t ns = call_times_quantile_ns(&times, wanted[i].permille);
        assert_true(ns >= wanted[i].true_ns - wanted[i].true_ns / 8);
        assert_true(ns <= wanted[i].true_ns + wanted[i].true_ns / 8);
    }
    assert_int_equal(times.longest_ns, 9000000);
    assert_int_equal(times.busy_ns, 500 * 1000 + 400 * 5000 + 99 * 70000 + 9000000);
    free(first);
    free(second);
}

static void a_worker_that_lies_cannot_make_a_sum_go_round(void **state)
{
    (void)state;
    struct status_page *page = page_new();
    atomic_store(&page->busy_ns, UINT64_MAX);
    atomic_store(&page->longest_ns, UINT64_MAX);
    for (uint32_t i = 0; i < LAYOUT_CALL_TIMES; i++) {
        atomic_store(&page->call_times[i], UINT64_MAX);
    }
    struct call_times times = {0};
    uint64_t before = 0;
    for (int i = 0; i < 1000; i++) {
        call_times_add_page(&times, page);
        assert_true(times.busy_ns >= before);
        before = times.busy_ns;
        assert_true(call_times_quantile_ns(&times, 990) >= 0);
    }
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_are_at_most_an_eighth_away_from_the_true_ones),
        cmocka_unit_test(a_worker_that_lies_cannot_make_a_sum_go_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
