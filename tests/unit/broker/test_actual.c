// SPDX-License-Identifier: Apache-2.0
// The actual graph is built from the wanted one: outputs once, links to both ends.
#include "unit/broker/graph_fixture.h"

#include "broker/actual.h"

#define GRAPH                                                                                      \
    "version: 1\nnodes:\n  sink: {exec: [sink], sandbox: trusted}\n"                               \
    "  src: {exec: [source], config: {path: x}, sandbox: trusted}\n"                               \
    "  blur: {exec: [blur], sandbox: trusted}\nlinks:\n  - blur.video -> sink.in\n"                \
    "  - src.video -> blur.video\n  - {from: src.video, to: sink.in, depth: 8,"                    \
    " delivery: latest}\n"

static struct actual *build(struct fixture *fixture, struct graph **out_graph)
{
    struct diags diags;
    *out_graph = fixture_check(fixture, GRAPH, &diags);
    assert_int_equal(diags.count, 0);
    struct actual *actual;
    assert_int_equal(actual_create(*out_graph, &actual), 0);
    return actual;
}

static void links_of_one_port_share_one_output(void **state)
{
    struct graph *graph;
    struct actual *actual = build(*state, &graph);
    assert_int_equal(actual->node_count, 3);
    assert_int_equal(actual->link_count, 3);
    struct actual_node *source = actual->nodes[1];
    assert_int_equal(source->output_count, 1);
    assert_int_equal(source->outputs[0]->link_count, 2);
    assert_string_equal(source->outputs[0]->address, "src.video");
    assert_ptr_equal(actual_output_of(source, "video"), source->outputs[0]);
    assert_null(actual_output_of(source, "text"));
    struct actual_node *sink = actual->nodes[0];
    assert_int_equal(sink->input_count, 2);
    assert_int_equal(sink->output_count, 0);
    actual_destroy(actual);
    graph_destroy(graph);
}

static void a_link_knows_both_ends_and_what_the_check_found(void **state)
{
    struct graph *graph;
    struct actual *actual = build(*state, &graph);
    struct actual_link *link = actual->links[2];
    assert_string_equal(link->name, "src.video -> sink.in");
    assert_ptr_equal(link->to, actual->nodes[0]);
    assert_ptr_equal(link->output, actual->nodes[1]->outputs[0]);
    assert_int_equal(actual_depth(link), 8);
    assert_int_equal(actual_delivery(link), SB_DELIVERY_LATEST);
    assert_true(actual_claims(link) >= 2);
    assert_int_equal(link->state, LINK_PENDING);
    assert_ptr_equal(actual_input_of(actual->nodes[0], link->id), link);
    assert_null(actual_input_of(actual->nodes[2], link->id));
    assert_null(actual_input_of(actual->nodes[0], 0));
    actual_destroy(actual);
    graph_destroy(graph);
}

// R-GRAPH-020
static void the_order_is_sources_first(void **state)
{
    struct graph *graph;
    struct actual *actual = build(*state, &graph);
    assert_int_equal(actual->order[0], 1);
    assert_int_equal(actual->order[1], 2);
    assert_int_equal(actual->order[2], 0);
    for (size_t i = 0; i < actual->node_count; i++) {
        assert_int_equal(actual->nodes[i]->life.state, NODE_CREATED);
        assert_int_equal(actual->nodes[i]->life.generation, 0);
    }
    actual_destroy(actual);
    graph_destroy(graph);
}

// R-GRAPH-027
static void a_link_and_a_node_can_be_added_and_taken_out(void **state)
{
    struct graph *graph;
    struct actual *actual = build(*state, &graph);
    struct actual_node *blur = actual_find_node(actual, "blur");
    struct actual_link *removed =
        actual_find_link(actual, &graph->links[0].from, &graph->links[0].to);
    assert_string_equal(removed->name, "blur.video -> sink.in");
    uint32_t id = removed->id;
    actual_remove_link(actual, removed);
    assert_null(actual_find_link(actual, &graph->links[0].from, &graph->links[0].to));
    assert_int_equal(actual->link_count, 2);
    assert_int_equal(blur->outputs[0]->link_count, 0);
    assert_int_equal(actual_sort(actual), 0);
    assert_int_equal(actual->order[0], actual_find_node(actual, "src")->index);
    struct actual_link *added;
    assert_int_equal(actual_add_link(actual, graph, &graph->links[0], blur,
                                     actual_find_node(actual, "sink"), &added),
                     0);
    assert_true(added->id > 3 && added->id != id);
    assert_ptr_equal(added->output, blur->outputs[0]);
    assert_int_equal(blur->output_count, 1);
    while (actual->link_count > 0) {
        actual_remove_link(actual, actual->links[0]);
    }
    actual_remove_node(actual, actual_find_node(actual, "sink"));
    assert_int_equal(actual->node_count, 2);
    assert_int_equal(actual->nodes[0]->index, 0);
    assert_null(actual_find_node(actual, "sink"));
    assert_int_equal(actual_sort(actual), 0);
    actual_destroy(actual);
    graph_destroy(graph);
}

// R-NEG-011
static void a_link_can_lead_to_another_node_for_its_writer_unseen(void **state)
{
    struct graph *graph;
    struct actual *actual = build(*state, &graph);
    struct actual_link *link = actual->links[1];
    struct actual_node *blur = actual_find_node(actual, "blur");
    struct actual_node *sink = actual_find_node(actual, "sink");
    uint32_t id = link->id;
    // As link 2 of the graph has it.
    assert_int_equal(actual_redirect_link(link, graph, &graph->links[2], sink), 0);
    assert_int_equal(link->id, id);
    assert_string_equal(link->name, "src.video -> sink.in");
    assert_string_equal(link->to_address, "sink.in");
    assert_int_equal(link->depth, 8);
    assert_int_equal(blur->input_count, 0);
    assert_int_equal(sink->input_count, 3);
    assert_ptr_equal(actual_input_of(sink, id), link);
    assert_int_equal(actual_find_node(actual, "src")->outputs[0]->link_count, 2);
    actual_destroy(actual);
    graph_destroy(graph);
}

static void nodes_keep_the_graph_alive_that_they_follow(void **state)
{
    struct graph *graph;
    struct actual *actual = build(*state, &graph);
    struct graph *other;
    struct actual *unused = build(*state, &other);
    for (size_t i = 0; i < actual->node_count; i++) {
        actual_follow_node(actual->nodes[i], other, &other->nodes[i]);
        actual_follow_link(actual->links[i], other, &other->links[i]);
    }
    // Its last owner goes: what follows is read from the other one.
    graph_destroy(graph);
    actual_destroy(unused);
    graph_destroy(other);
    assert_string_equal(actual->nodes[1]->wanted->id, "src");
    assert_int_equal(actual->links[2]->wanted->depth, 8);
    actual_destroy(actual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_of_one_port_share_one_output),
        cmocka_unit_test(a_link_knows_both_ends_and_what_the_check_found),
        cmocka_unit_test(the_order_is_sources_first),
        cmocka_unit_test(a_link_and_a_node_can_be_added_and_taken_out),
        cmocka_unit_test(a_link_can_lead_to_another_node_for_its_writer_unseen),
        cmocka_unit_test(nodes_keep_the_graph_alive_that_they_follow),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
