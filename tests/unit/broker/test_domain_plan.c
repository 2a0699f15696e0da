// SPDX-License-Identifier: Apache-2.0
// R-IOX-015: the memory of a domain, as the links of a graph need it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "broker/graph/descriptor.h"
#include "broker/graph/domain_plan.h"

static const struct descriptor_port port = {.claims = 2};
static const struct descriptor_port greedy = {.claims = 9};
static struct graph_link links[64];
static struct graph_node nodes[] = {{.id = "b"}};
static struct graph graph = {.file = "g.yaml", .node_count = 1, .nodes = nodes, .links = links};

// Link i from output "o" of node i to some input.
static struct graph_link *add_link(size_t from, uint64_t payload, uint32_t depth)
{
    struct graph_link *link = &links[graph.link_count++];
    *link = (struct graph_link){.from = {.node = "a", .port = "o"},
                                .to = {.node = "b", .port = "i"},
                                .transport = "iceoryx",
                                .found = {.from_node = from,
                                          .from_port = &port,
                                          .to_port = &port,
                                          .depth = depth,
                                          .claims = 2,
                                          .max_payload = payload}};
    return link;
}

static int set_up(void **state)
{
    (void)state;
    graph.link_count = 0;
    return 0;
}

static void links_of_one_output_share_its_chunks(void **state)
{
    (void)state;
    add_link(0, 1000, 16);
    add_link(0, 1000, 8);
    struct domain_plan plan = domain_plan_make(&graph);
    assert_int_equal(plan.pool_count, 1);
    assert_true(plan.pools[0].size_bytes >= 1000 + 200 + 64);
    assert_int_equal(plan.pools[0].size_bytes % 8, 0);
    // The largest depth once, what each reader holds, and what the producer does.
    assert_true(plan.pools[0].count >= 16 + 2 * 2 + 2);
    assert_true(plan.pools[0].count < 2 * (16 + 2 * 2 + 2));
}

static void pools_are_sorted_and_those_of_one_size_are_one(void **state)
{
    (void)state;
    add_link(0, 100000, 4);
    add_link(1, 100, 4);
    add_link(2, 100000, 4);
    struct domain_plan plan = domain_plan_make(&graph);
    assert_int_equal(plan.pool_count, 2);
    assert_true(plan.pools[0].size_bytes < plan.pools[1].size_bytes);
    assert_int_equal(plan.pools[1].count, 2 * plan.pools[0].count);
}

static void more_sizes_than_iceoryx_has_become_fewer_and_hold_all_chunks(void **state)
{
    (void)state;
    uint32_t count = 0;
    for (size_t i = 0; i < 40; i++) {
        add_link(i, 1000 + 1024 * ((i * 7) % 40), 4);
    }
    struct domain_plan plan = domain_plan_make(&graph);
    assert_int_equal(plan.pool_count, DOMAIN_PLAN_POOLS_MAX);
    for (size_t i = 0; i < plan.pool_count; i++) {
        count += plan.pools[i].count;
        assert_true(i == 0 || plan.pools[i].size_bytes > plan.pools[i - 1].size_bytes);
    }
    graph.link_count = 1;
    assert_int_equal(count, 40 * domain_plan_make(&graph).pools[0].count);
}

static void rings_need_no_chunks(void **state)
{
    (void)state;
    add_link(0, 1000, 16)->transport = "ring";
    assert_int_equal(domain_plan_make(&graph).pool_count, 0);
}

static void a_plan_covers_what_it_was_made_for_and_less(void **state)
{
    (void)state;
    add_link(0, 1000, 16);
    add_link(1, 5000, 16);
    struct domain_plan made = domain_plan_make(&graph);
    assert_true(domain_plan_covers(&made, &made));
    graph.link_count = 1;
    struct domain_plan less = domain_plan_make(&graph);
    assert_true(domain_plan_covers(&made, &less));
    assert_false(domain_plan_covers(&less, &made));
}

static void a_wider_plan_has_room_for_small_links_and_for_few_large_ones(void **state)
{
    (void)state;
    add_link(0, 60000, 16);
    add_link(1, 8 << 20, 16);
    struct domain_plan exact = domain_plan_make(&graph);
    struct domain_plan wide = exact;
    domain_plan_widen(&wide);
    assert_int_equal(wide.pools[0].count, 2 * exact.pools[0].count);
    assert_int_equal(wide.pools[1].count, exact.pools[1].count);
    assert_int_equal(wide.size_bytes - exact.size_bytes,
                     exact.pools[0].count * (exact.pools[0].size_bytes + 40));
    // iceoryx takes chunks from the smallest pool that they fit into, and from no other.
    add_link(2, 5000, 16);
    struct domain_plan needed = domain_plan_make(&graph);
    assert_true(domain_plan_covers(&wide, &needed));
    assert_false(domain_plan_covers(&exact, &needed));
    add_link(3, 5000, 16);
    needed = domain_plan_make(&graph);
    assert_false(domain_plan_covers(&wide, &needed));
}

static void the_configuration_has_every_pool(void **state)
{
    (void)state;
    const struct domain_plan plan = {.pool_count = 2, .pools = {{1024, 3}, {8192, 5}}};
    char bytes[512];
    struct text text = TEXT_OVER(bytes);
    domain_plan_write(&plan, &text);
    assert_string_equal(bytes, "[general]\nversion = 1\n\n[[segment]]\n"
                               "\n[[segment.mempool]]\nsize = 8\ncount = 256\n"
                               "\n[[segment.mempool]]\nsize = 1024\ncount = 3\n"
                               "\n[[segment.mempool]]\nsize = 8192\ncount = 5\n");
}

static void a_lossless_link_has_chunks_for_what_a_dead_writer_keeps(void **state)
{
    (void)state;
    struct graph_link *link = add_link(0, 1000, 12);
    uint32_t count = domain_plan_make(&graph).pools[0].count;
    link->found.delivery = SB_DELIVERY_LOSSLESS;
    assert_int_equal(domain_plan_make(&graph).pools[0].count, count + 12);
}

static void assert_refused(uint64_t available_bytes, const char *words)
{
    struct diags diags = {.count = 0};
    domain_plan_check(&graph, available_bytes, &diags);
    assert_int_equal(diags.count, words == NULL ? 0 : 1);
    if (words != NULL) {
        assert_non_null(strstr(diags.items[0].diag.text, "link a.o -> b.i: transport iceoryx"));
        assert_non_null(strstr(diags.items[0].diag.text, words));
    }
}

static void what_iceoryx_is_compiled_with_is_the_limit(void **state)
{
    (void)state;
    struct graph_link *link = add_link(0, 1000, 248);
    assert_refused(0, NULL);
    link->found.depth = 249;
    assert_refused(0, "queues 250 frames, the depth 249 and 2 held ones are more");
    link->found.depth = 17;
    assert_refused(0, NULL);
    link->found.delivery = SB_DELIVERY_LOSSLESS;
    assert_refused(0, "keeps 16 frames for a reader that dies, and a lossless link of depth 17");
    nodes[0].on_crash.frame = GRAPH_CRASH_FRAME_SKIP;
    assert_refused(0, NULL);
    nodes[0].on_crash.frame = GRAPH_CRASH_FRAME_REDELIVER;
    link->found.depth = 16;
    link->found.from_port = &greedy;
    assert_refused(0, "loans 8 buffers at once, output 'o' claims up to 9");
    link->found.from_port = &port;
    link->found.max_payload = (UINT64_C(1) << 31) + 1;
    assert_refused(0, "carries up to 2GiB per frame");
    link->found.max_payload = UINT64_C(1) << 26;
    assert_refused(UINT64_C(1) << 40, NULL);
    assert_refused(UINT64_C(1) << 30, "are free; make depth or max_payload smaller");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(links_of_one_output_share_its_chunks, set_up),
        cmocka_unit_test_setup(pools_are_sorted_and_those_of_one_size_are_one, set_up),
        cmocka_unit_test_setup(more_sizes_than_iceoryx_has_become_fewer_and_hold_all_chunks,
                               set_up),
        cmocka_unit_test_setup(rings_need_no_chunks, set_up),
        cmocka_unit_test_setup(a_plan_covers_what_it_was_made_for_and_less, set_up),
        cmocka_unit_test_setup(a_wider_plan_has_room_for_small_links_and_for_few_large_ones,
                               set_up),
        cmocka_unit_test_setup(the_configuration_has_every_pool, set_up),
        cmocka_unit_test_setup(a_lossless_link_has_chunks_for_what_a_dead_writer_keeps, set_up),
        cmocka_unit_test_setup(what_iceoryx_is_compiled_with_is_the_limit, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
