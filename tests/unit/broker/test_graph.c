// SPDX-License-Identifier: Apache-2.0
// Questions about a graph: places, ids, order.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/graph/graph.h"

// A graph of nodes a, b, c, ... with links between their indices.
static struct graph make(struct graph_node *nodes, size_t node_count, struct graph_link *links,
                         size_t link_count, const size_t (*ends)[2])
{
    static const char *const ids[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < node_count; i++) {
        nodes[i] = (struct graph_node){.id = ids[i], .place = {(uint32_t)i + 1, 3}};
    }
    for (size_t i = 0; i < link_count; i++) {
        links[i] = (struct graph_link){.place = {99, 1}};
        links[i].found.from_node = ends[i][0];
        links[i].found.to_node = ends[i][1];
    }
    return (struct graph){
        .node_count = node_count, .nodes = nodes, .link_count = link_count, .links = links};
}

// R-GRAPH-020
static void a_diamond_goes_from_its_source_to_its_sink(void **state)
{
    (void)state;
    struct graph_node nodes[5];
    struct graph_link links[4];
    // d -> b, d -> c, b -> a, c -> a; e alone is source and sink, and comes with the sinks.
    const size_t ends[][2] = {{3, 1}, {3, 2}, {1, 0}, {2, 0}};
    struct graph graph = make(nodes, 5, links, 4, ends);
    size_t order[5];
    assert_int_equal(graph_order(&graph, order), 0);
    const size_t wanted[] = {3, 1, 2, 0, 4};
    assert_memory_equal(order, wanted, sizeof(wanted));
}

static void an_order_does_not_exist_in_a_circle(void **state)
{
    (void)state;
    struct graph_node nodes[2];
    struct graph_link links[2];
    const size_t ends[][2] = {{0, 1}, {1, 0}};
    struct graph graph = make(nodes, 2, links, 2, ends);
    size_t order[2];
    assert_int_equal(graph_order(&graph, order), -ELOOP);
}

// R-GRAPH-023
static void a_graph_without_nodes_has_an_order(void **state)
{
    (void)state;
    struct graph graph = {.node_count = 0};
    assert_int_equal(graph_order(&graph, NULL), 0);
}

static void nodes_are_found_by_id(void **state)
{
    (void)state;
    struct graph_node nodes[3];
    struct graph graph = make(nodes, 3, NULL, 0, NULL);
    assert_int_equal(graph_find_node(&graph, "c"), 2);
    assert_int_equal(graph_find_node(&graph, "z"), -ENOENT);
}

static void a_field_that_was_not_given_has_the_place_of_the_whole(void **state)
{
    (void)state;
    struct graph_node nodes[1];
    struct graph_link links[1];
    const size_t ends[][2] = {{0, 0}};
    make(nodes, 1, links, 1, ends);
    nodes[0].places[GRAPH_FIELD_NODE_GPU] = (struct graph_place){7, 8};
    assert_int_equal(graph_node_place(&nodes[0], GRAPH_FIELD_NODE_GPU).line, 7);
    assert_int_equal(graph_node_place(&nodes[0], GRAPH_FIELD_NODE_EXEC).line, 1);
    assert_int_equal(graph_link_place(&links[0], GRAPH_FIELD_LINK_DEPTH).line, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_diamond_goes_from_its_source_to_its_sink),
        cmocka_unit_test(an_order_does_not_exist_in_a_circle),
        cmocka_unit_test(a_graph_without_nodes_has_an_order),
        cmocka_unit_test(nodes_are_found_by_id),
        cmocka_unit_test(a_field_that_was_not_given_has_the_place_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
