// SPDX-License-Identifier: Apache-2.0
// Converters become nodes of the graph, and the graph as written stays what it was.
#include "unit/broker/graph_fixture.h"

#include "broker/graph/graph_save.h"
#include "broker/graph/insertion.h"

#define PIXELS(set)                                                                                \
    "\"formats\":{\"kinds\":[],\"pixels\":[" set                                                   \
    "],\"samples\":[],\"rate\":[0,0],\"channels\":[0,0],\"message\":null}"
#define NODE(name, inputs, outputs)                                                                \
    "{\"streambroker\":1,\"name\":\"" name "\",\"version\":\"1\",\"summary\":\"\","                \
    "\"mode\":\"reactive\",\"interval_ns\":0,\"activation\":{\"kind\":\"any\",\"count\":0,"        \
    "\"within_ns\":0},\"wants\":[],\"inputs\":[" inputs "],\"outputs\":[" outputs                  \
    "],\"params\":[]}"
#define OUTPUT(set)                                                                                \
    "{\"name\":\"video\",\"type\":\"video\",\"help\":\"\",\"count\":0,\"claims\":1,"               \
    "\"one_per_step\":true,\"max_payload\":0,\"follows\":null," PIXELS(set) "}"
#define INPUT(set)                                                                                 \
    "{\"name\":\"video\",\"type\":\"video\",\"help\":\"\",\"count\":0,\"optional\":false,"         \
    "\"delivery\":\"latest\",\"holds\":1,\"memory\":false," PIXELS(set) "}"

#define GRAPH                                                                                      \
    "version: 1\nnodes: {cam: {exec: [yuv]}, show: {exec: [rgb]}, other: {exec: [rgb]}}\n"         \
    "links: [{from: cam.video, to: show.video, depth: 9}, cam.video -> other.video]\n"

static void add_processors(struct fixture *fixture)
{
    fixture_add(fixture, "yuv", NODE("yuv", "", OUTPUT("\"yuy2\"")));
    fixture_add(fixture, "rgb", NODE("rgb", INPUT("\"rgb\",\"bgr\""), ""));
    fixture_add(fixture, "convert", NODE("convert", INPUT(""), OUTPUT("")));
}

static struct graph *check(struct fixture *fixture, const char *text)
{
    struct diags diags;
    struct graph *graph = fixture_check(fixture, text, &diags);
    if (diags.counts[DIAG_ERROR] != 0) {
        diags_print(&diags, stderr);
        fail_msg("the graph has errors");
    }
    return graph;
}

static const struct graph_node *node_of(const struct graph *graph, const char *id)
{
    int index = graph_find_node(graph, id);
    assert_true(index >= 0);
    return &graph->nodes[index];
}

static const struct graph_link *link_from(const struct graph *graph, const char *node)
{
    for (size_t i = 0; i < graph->link_count; i++) {
        if (strcmp(graph->links[i].from.node, node) == 0) {
            return &graph->links[i];
        }
    }
    fail_msg("no link from %s", node);
    return NULL;
}

// R-NEG-011
static void a_converter_is_a_node_with_an_id_and_links_of_its_own(void **state)
{
    add_processors(*state);
    struct graph *graph = check(*state, GRAPH);
    assert_int_equal(graph->node_count, 5);
    assert_int_equal(graph->link_count, 4);
    const struct graph_node *node = node_of(graph, "show-convert");
    assert_true(node->is_inserted);
    assert_non_null(node->found.descriptor);
    assert_string_equal(node->found.descriptor->name, "convert");
    assert_int_equal(node->found.mode, SB_MODE_REACTIVE);
    const struct graph_link *in = &graph->links[0];
    assert_string_equal(in->from.node, "cam");
    assert_string_equal(in->to.node, "show-convert");
    const struct graph_link *out = link_from(graph, "show-convert");
    assert_true(out->is_inserted);
    assert_string_equal(out->to.node, "show");
    assert_true(node_of(graph, "other-convert")->is_inserted);
    graph_destroy(graph);
}

// R-NEG-011
static void every_part_of_a_converted_link_has_its_depth_and_delivery(void **state)
{
    add_processors(*state);
    struct graph *graph = check(*state, GRAPH);
    const struct graph_link *parts[] = {&graph->links[0], link_from(graph, "show-convert")};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(parts[i]->found.depth, 9);
        // The reader's default, also in front of a converter that has another one.
        assert_int_equal(parts[i]->found.delivery, SB_DELIVERY_LATEST);
    }
    graph_destroy(graph);
}

// R-NEG-011 R-GRAPH-022
static void the_saved_graph_is_the_written_one(void **state)
{
    add_processors(*state);
    struct graph *graph = check(*state, GRAPH);
    char *text;
    size_t count;
    assert_int_equal(graph_save_yaml(graph, &text, &count), 0);
    assert_null(strstr(text, "convert"));
    assert_non_null(strstr(text, "  - cam.video -> other.video\n"
                                 "  - {from: cam.video, to: show.video, depth: 9}\n"));
    struct graph *again = check(*state, text);
    char *second;
    assert_int_equal(graph_save_yaml(again, &second, &count), 0);
    assert_string_equal(second, text);
    free(text);
    free(second);
    graph_destroy(again);
    graph_destroy(graph);
}

// R-NEG-011 R-NEG-013
static void an_id_of_the_user_is_never_taken(void **state)
{
    add_processors(*state);
    struct graph *graph = check(
        *state, "version: 1\n"
                "nodes: {cam: {exec: [yuv]}, show: {exec: [rgb]}, show-convert: {exec: [rgb]}}\n"
                "links: [cam.video -> show.video, cam.video -> show-convert.video]\n");
    assert_false(node_of(graph, "show-convert")->is_inserted);
    assert_true(node_of(graph, "show-convert-2")->is_inserted);
    assert_true(node_of(graph, "show-convert-convert")->is_inserted);
    graph_destroy(graph);
}

// R-NEG-013
static void ids_do_not_depend_on_the_order_of_the_file(void **state)
{
    add_processors(*state);
    static const char *const links[] = {"a.video -> show.video, b.video -> show.video",
                                        "b.video -> show.video, a.video -> show.video"};
    for (size_t i = 0; i < 2; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "version: 1\nnodes: {a: {exec: [yuv]}, b: {exec: [yuv]}, show: {exec: [rgb]}}\n"
                 "links: [%s]\n",
                 links[i]);
        struct graph *graph = check(*state, text);
        assert_string_equal(link_from(graph, "a")->to.node, "show-convert");
        assert_string_equal(link_from(graph, "b")->to.node, "show-convert-2");
        graph_destroy(graph);
    }
}

static void the_longest_id_still_has_room_for_its_converter(void **state)
{
    add_processors(*state);
    char id[64];
    memset(id, 'x', 63);
    id[63] = '\0';
    char text[512];
    snprintf(text, sizeof text,
             "version: 1\nnodes: {a: {exec: [yuv]}, %s: {exec: [rgb]}}\nlinks: [a.video -> "
             "%s.video]\n",
             id, id);
    struct graph *graph = check(*state, text);
    assert_true(strlen(graph->nodes[2].id) <= 63);
    assert_non_null(strstr(graph->nodes[2].id, "-convert"));
    graph_destroy(graph);
}

static void a_checked_graph_can_be_checked_again(void **state)
{
    add_processors(*state);
    struct diags diags = {.count = 0};
    struct graph *graph = check(*state, GRAPH);
    assert_int_equal(graph_check(graph, ((struct fixture *)*state)->catalog, &diags), 0);
    assert_int_equal(graph->node_count, 5);
    assert_int_equal(graph->link_count, 4);
    insertion_undo(graph);
    assert_int_equal(graph->node_count, 3);
    assert_int_equal(graph->link_count, 2);
    assert_string_equal(graph->links[0].to.node, "show");
    assert_int_equal(graph->links[0].delivery, SB_DELIVERY_DEFAULT);
    graph_destroy(graph);
}

static void a_converter_is_trusted_as_little_as_its_ends(void **state)
{
    add_processors(*state);
    struct graph *graph = check(
        *state, "version: 1\nnodes: {cam: {exec: [yuv], sandbox: trusted},"
                " show: {exec: [rgb], sandbox: trusted}, other: {exec: [rgb], optional: true}}\n"
                "links: [cam.video -> show.video, cam.video -> other.video]\n");
    assert_int_equal(node_of(graph, "show-convert")->sandbox.tier, GRAPH_TIER_TRUSTED);
    assert_int_equal(node_of(graph, "other-convert")->sandbox.tier, GRAPH_TIER_UNSET);
    assert_true(node_of(graph, "other-convert")->is_optional);
    graph_destroy(graph);
}

// R-GRAPH-017
static void converters_count_as_nodes(void **state)
{
    add_processors(*state);
    fixture_assert_message(*state,
                           "version: 1\nlimits: {nodes: 2}\n"
                           "nodes: {a: {exec: [yuv]}, b: {exec: [rgb]}}\n"
                           "links: [a.video -> b.video]\n",
                           "g.yaml: 3 nodes with inserted converters, at most 2 are allowed; "
                           "raise limits.nodes or split the graph");
}

// R-NEG-011
static void a_converter_that_is_not_installed_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    fixture_add(fixture, "yuv", NODE("yuv", "", OUTPUT("\"yuy2\"")));
    fixture_add(fixture, "rgb", NODE("rgb", INPUT("\"rgb\""), ""));
    char message[256];
    snprintf(message, sizeof message,
             "g.yaml:3:9: no processor 'convert' (looked in %s); streamctl processors lists what "
             "there is",
             fixture->folder);
    fixture_assert_message(fixture,
                           "version: 1\nnodes: {a: {exec: [yuv]}, b: {exec: [rgb]}}\n"
                           "links: [a.video -> b.video]\n",
                           message);
}

// R-NEG-011
static void what_negotiation_finds_is_put_in_and_stays_when_the_graph_is_checked_again(void **state)
{
    add_processors(*state);
    fixture_add(*state, "any", NODE("any", "", OUTPUT("")));
    struct graph *graph = check(*state, "version: 1\nnodes: {a: {exec: [any]}, b: {exec: [rgb]}}\n"
                                        "links: [a.video -> b.video]\n");
    assert_int_equal(graph->node_count, 2);
    struct conversion conversion = {.step_count = 1, .steps = {{.converter = CONVERTER_CONVERT}}};
    struct diags diags = {.count = 0};
    assert_int_equal(graph_check_insert(graph, 0, &conversion, &diags), 0);
    assert_int_equal(graph->node_count, 3);
    assert_string_equal(graph->links[0].to.node, "b-convert");
    assert_int_equal(graph->links[0].found.to_node, 2);
    assert_string_equal(graph->links[1].to.node, "b");
    assert_non_null(graph->nodes[2].found.descriptor);
    // It cannot hold for a link that was split already.
    assert_null(graph->links[0].decided);
    assert_int_equal(graph_check(graph, ((struct fixture *)*state)->catalog, &diags), 0);
    assert_int_equal(graph->node_count, 3);
    assert_string_equal(graph->links[0].to.node, "b-convert");
    graph_destroy(graph);
}

// R-NEG-011
static void what_negotiation_found_holds_for_a_graph_that_takes_the_place(void **state)
{
    struct fixture *fixture = *state;
    add_processors(fixture);
    fixture_add(fixture, "scale", NODE("scale", INPUT(""), OUTPUT("")));
    fixture_add(fixture, "any", NODE("any", "", OUTPUT("")));
    struct diags diags = {.count = 0};
    static const char text[] =
        "version: 1\nnodes: {a: {exec: [any]}, b: {exec: [rgb]}, "
        "c: {exec: [any]}}\nlinks: [a.video -> b.video, c.video -> b.video]\n";
    struct graph *graph = check(fixture, text);
    struct conversion one = {.step_count = 1, .steps = {{.converter = CONVERTER_CONVERT}}};
    struct conversion two = {.step_count = 1, .steps = {{.converter = CONVERTER_SCALE}}};
    assert_int_equal(graph_check_insert(graph, 0, &one, &diags), 0);
    // Into the part in front of the converter.
    assert_int_equal(graph_check_insert(graph, 0, &two, &diags), 0);
    assert_string_equal(graph->links[0].to.node, "b-scale");
    assert_string_equal(link_from(graph, "b-scale")->to.node, "b-convert");
    struct graph *other = NULL;
    assert_int_equal(graph_file_load("g.yaml", text, sizeof text - 1, &other, &diags), 0);
    assert_int_equal(insertion_carry(graph, other), 0);
    assert_int_equal(graph_check(other, fixture->catalog, &diags), 0);
    assert_int_equal(other->node_count, 5);
    assert_string_equal(other->links[0].to.node, "b-scale");
    assert_string_equal(link_from(other, "b-scale")->to.node, "b-convert");
    assert_string_equal(link_from(other, "b-convert")->to.node, "b");
    graph_destroy(other);
    graph_destroy(graph);
}

static void what_is_not_installed_is_not_put_in(void **state)
{
    add_processors(*state);
    struct graph *graph = check(*state, "version: 1\nnodes: {a: {exec: [yuv]}, b: {exec: [sink]}}\n"
                                        "links: [a.video -> b.in]\n");
    struct conversion conversion = {.step_count = 1, .steps = {{.converter = CONVERTER_SCALE}}};
    struct diags diags = {.count = 0};
    assert_int_equal(graph_check_insert(graph, 0, &conversion, &diags), -ENOENT);
    assert_int_equal(graph->node_count, 2);
    graph_destroy(graph);
}

// R-GRAPH-017
static void negotiation_keeps_to_the_limit_of_nodes(void **state)
{
    add_processors(*state);
    fixture_add(*state, "any", NODE("any", "", OUTPUT("")));
    struct graph *graph = check(*state, "version: 1\nlimits: {nodes: 2}\n"
                                        "nodes: {a: {exec: [any]}, b: {exec: [rgb]}}\n"
                                        "links: [a.video -> b.video]\n");
    struct conversion conversion = {.step_count = 1, .steps = {{.converter = CONVERTER_CONVERT}}};
    struct diags diags = {.count = 0};
    assert_int_equal(graph_check_insert(graph, 0, &conversion, &diags), -EINVAL);
    assert_int_equal(diags.counts[DIAG_ERROR], 1);
    assert_int_equal(graph->node_count, 2);
    graph_destroy(graph);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_converter_is_a_node_with_an_id_and_links_of_its_own),
        CASE(every_part_of_a_converted_link_has_its_depth_and_delivery),
        CASE(the_saved_graph_is_the_written_one),
        CASE(an_id_of_the_user_is_never_taken),
        CASE(ids_do_not_depend_on_the_order_of_the_file),
        CASE(the_longest_id_still_has_room_for_its_converter),
        CASE(a_checked_graph_can_be_checked_again),
        CASE(a_converter_is_trusted_as_little_as_its_ends),
        CASE(converters_count_as_nodes),
        CASE(what_negotiation_finds_is_put_in_and_stays_when_the_graph_is_checked_again),
        CASE(what_negotiation_found_holds_for_a_graph_that_takes_the_place),
        CASE(what_is_not_installed_is_not_put_in),
        CASE(negotiation_keeps_to_the_limit_of_nodes),
        CASE(a_converter_that_is_not_installed_is_an_error),
    };
    return cmocka_run_group_tests_name("insertion", tests, NULL, NULL);
}
