// SPDX-License-Identifier: Apache-2.0
// Pools have exactly the slots that can be in use at once.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/links/link_plan.h"
#include "schemas/limits.h"

// R-MEM-006 R-DATA-002
static void slots_are_largest_depth_and_claims_of_each_link_and_the_producers(void **state)
{
    (void)state;
    struct link_plan links[] = {{.depth = 8, .claims = 2}, {.depth = 16, .claims = 3}};
    struct pool_plan plan;
    assert_int_equal(link_plan_pool(links, 2, 1, 0, 64, LINK_PLAN_AUTO, &plan), 0);
    assert_int_equal(plan.slot_count, 16 + 2 + 3 + 1);
    assert_int_equal(plan.payload_bytes, 64);
    assert_int_equal(plan.size_bytes, 22 * 128);
}

static void a_consumer_more_costs_its_claims_only(void **state)
{
    (void)state;
    struct link_plan links[4];
    for (size_t i = 0; i < 4; i++) {
        links[i] = (struct link_plan){.depth = 16, .claims = 2};
    }
    struct pool_plan one;
    struct pool_plan four;
    assert_int_equal(link_plan_pool(links, 1, 1, 0, 1000, LINK_PLAN_AUTO, &one), 0);
    assert_int_equal(link_plan_pool(links, 4, 1, 0, 1000, LINK_PLAN_AUTO, &four), 0);
    assert_int_equal(four.slot_count - one.slot_count, 3 * 2);
}

static void taps_and_producer_claims_count(void **state)
{
    (void)state;
    struct link_plan link = {.depth = 4, .claims = 2};
    struct pool_plan plan;
    assert_int_equal(link_plan_pool(&link, 1, 3, 2, 64, LINK_PLAN_AUTO, &plan), 0);
    assert_int_equal(plan.slot_count, 4 + 2 + 3 + 2);
    assert_int_equal(link_plan_pool(&link, 1, 0, 0, 64, LINK_PLAN_AUTO, &plan), 0);
    assert_int_equal(plan.slot_count, 4 + 2 + 1);
}

static void a_pool_beyond_the_limits_is_refused_and_nothing_is_written(void **state)
{
    (void)state;
    struct link_plan link = {.depth = LIMIT_DEPTH_MAX, .claims = 2};
    struct pool_plan plan = {.slot_count = 7};
    assert_int_equal(link_plan_pool(&link, 1, 1, 0, LIMIT_PAYLOAD_BYTES_MAX, 0, &plan), -ERANGE);
    assert_int_equal(link_plan_pool(&link, 1, 1, 0, LIMIT_PAYLOAD_BYTES_MAX + 1, 0, &plan),
                     -ERANGE);
    assert_int_equal(plan.slot_count, 7);
}

static void huge_pages_are_for_pools_of_two_mib_and_more(void **state)
{
    (void)state;
    struct pool_plan plan = {.size_bytes = (2 << 20) - 1, .pages = LINK_PLAN_AUTO};
    assert_false(link_plan_is_huge(&plan));
    plan.size_bytes = 2 << 20;
    assert_true(link_plan_is_huge(&plan));
    plan.pages = LINK_PLAN_NORMAL;
    assert_false(link_plan_is_huge(&plan));
}

static void the_size_of_a_payload_is_what_is_known_best(void **state)
{
    (void)state;
    struct sb_format video = {.kind = SB_FORMAT_VIDEO,
                              .video = {.pixel = SB_PIXEL_RGBA, .width = 10, .height = 10}};
    struct sb_format text = {.kind = SB_FORMAT_TEXT};
    uint64_t bytes = 0;
    assert_int_equal(link_plan_payload(&(struct link_plan_payload){0}, &text, &bytes), 0);
    assert_int_equal(bytes, 1 << 20);
    assert_int_equal(link_plan_payload(&(struct link_plan_payload){.port = 100}, &text, &bytes), 0);
    assert_int_equal(bytes, 100);
    struct link_plan_payload both = {.port = 100, .links = 70};
    assert_int_equal(link_plan_payload(&both, &text, &bytes), 0);
    assert_int_equal(bytes, 70);
    struct link_plan_payload said = {.said = 90, .port = 100, .links = 70};
    assert_int_equal(link_plan_payload(&said, &text, &bytes), 0);
    assert_int_equal(bytes, 70);
    assert_int_equal(link_plan_payload(&(struct link_plan_payload){.port = 999}, &video, &bytes),
                     0);
    assert_int_equal(bytes, 400);
}

static void a_bound_below_a_fixed_frame_is_an_error(void **state)
{
    (void)state;
    struct sb_format video = {.kind = SB_FORMAT_VIDEO,
                              .video = {.pixel = SB_PIXEL_RGBA, .width = 10, .height = 10}};
    uint64_t bytes = 7;
    struct link_plan_payload sizes = {.links = 399};
    assert_int_equal(link_plan_payload(&sizes, &video, &bytes), -EMSGSIZE);
    assert_int_equal(bytes, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_largest_depth_and_claims_of_each_link_and_the_producers),
        cmocka_unit_test(a_consumer_more_costs_its_claims_only),
        cmocka_unit_test(taps_and_producer_claims_count),
        cmocka_unit_test(a_pool_beyond_the_limits_is_refused_and_nothing_is_written),
        cmocka_unit_test(huge_pages_are_for_pools_of_two_mib_and_more),
        cmocka_unit_test(the_size_of_a_payload_is_what_is_known_best),
        cmocka_unit_test(a_bound_below_a_fixed_frame_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
