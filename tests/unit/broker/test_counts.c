// SPDX-License-Identifier: Apache-2.0
// What workers count themselves is summed over their lives.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "broker/links/counts.h"

static struct status_page *page_new(uint64_t taken, uint64_t published)
{
    struct status_page *page = calloc(1, sizeof *page);
    assert_non_null(page);
    atomic_store(&page->frames_in, taken);
    atomic_store(&page->frames_out, published);
    return page;
}

// R-SUP-060
static void the_counts_of_all_lives_add_up(void **state)
{
    (void)state;
    struct status_page *first = page_new(10, 9);
    struct status_page *second = page_new(5, 0);
    struct counts counts = {0};
    counts_add_page(&counts, first);
    counts_add_page(&counts, NULL);
    counts_add_page(&counts, second);
    assert_int_equal(counts.frames_in, 15);
    assert_int_equal(counts.frames_out, 9);
    char text[128];
    counts_text(&counts, text, sizeof text);
    assert_string_equal(text, " in=15 out=9");
    free(first);
    free(second);
}

static void a_worker_that_lies_cannot_make_a_sum_go_round(void **state)
{
    (void)state;
    struct status_page *page = page_new(UINT64_MAX, UINT64_MAX);
    struct counts counts = {0};
    uint64_t before = 0;
    for (int i = 0; i < 100000; i++) {
        counts_add_page(&counts, page);
        assert_true(counts.frames_in >= before);
        before = counts.frames_in;
    }
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_counts_of_all_lives_add_up),
        cmocka_unit_test(a_worker_that_lies_cannot_make_a_sum_go_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
