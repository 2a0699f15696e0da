// SPDX-License-Identifier: Apache-2.0
// The graph as text, JSON and for Graphviz, with and without a snapshot.
#include "unit/broker/graph_fixture.h"

#include <jansson.h>

#include "broker/graph/graph_print.h"

typedef int (*print_fn)(const struct graph *graph, const struct snapshot *snapshot, char **out_text,
                        size_t *out_count);

#define GRAPH                                                                                      \
    "version: 1\nname: demo\nnodes:\n  src: {exec: [source], config: {path: x}}\n"                 \
    "  blur: {exec: [blur], sandbox: trusted}\n  sink: {exec: [sink], optional: true}\n"           \
    "links:\n  - {from: src.video, to: blur.video, depth: 3, delivery: latest}\n"                  \
    "  - blur.video -> sink.in\n"

// A snapshot as a running broker would give it.
static struct snapshot_node states[] = {
    {.id = "src", .state = NODE_RUNNING, .generation = 2, .pid = 77},
    {.id = "blur", .state = NODE_FAILED, .generation = 1},
};
static struct snapshot_link links[] = {
    {.from = "src.video",
     .to = "blur.video",
     .state = LINK_WIRED,
     .depth = 8,
     .filled = 5,
     .generation = 4,
     .format = "video rgb 64x48 30/1"},
};
static const struct snapshot snapshot = {
    .node_count = 2, .nodes = states, .link_count = 1, .links = links};

static char *print(struct fixture *fixture, const char *text, print_fn form,
                   const struct snapshot *with)
{
    struct diags diags;
    struct graph *graph = fixture_check(fixture, text, &diags);
    char *printed = NULL;
    size_t count = 0;
    assert_int_equal(form(graph, with, &printed, &count), 0);
    assert_int_equal(strlen(printed), count);
    graph_destroy(graph);
    return printed;
}

static void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("'%s' is not in:\n%s", part, text);
    }
}

static void a_text_has_one_line_per_node_and_link(void **state)
{
    char *text = print(*state, GRAPH, graph_print_text, NULL);
    assert_string_equal(text, "graph demo: 3 nodes, 2 links\n"
                              "src: source, untrusted\n"
                              "    video      -> blur.video               latest    3  video\n"
                              "blur: blur, trusted\n"
                              "    video      -> sink.in                  lossless  16  video\n"
                              "sink: sink, untrusted\n");
    free(text);
}

static void a_text_of_a_running_graph_has_states_and_formats(void **state)
{
    char *text = print(*state, GRAPH, graph_print_text, &snapshot);
    assert_contains(text, "src: source, untrusted, running, generation 2\n");
    assert_contains(text, "latest    5/8 wired  video rgb 64x48 30/1\n");
    assert_contains(text, "blur: blur, trusted, failed, generation 1\n");
    // What is not in the snapshot is not running yet.
    assert_contains(text, "sink: sink, untrusted\n");
    free(text);
}

// R-GRAPH-026
static void graphviz_gets_boxes_with_ports_and_labelled_links(void **state)
{
    char *text = print(*state, GRAPH, graph_print_dot, &snapshot);
    assert_contains(text, "digraph \"demo\" {\n    rankdir=LR;\n");
    assert_contains(text, "<b>src</b><br/>source<br/>");
    assert_contains(text, "<td port=\"o_video\" align=\"right\">");
    // A port without a link is there as well, in grey.
    assert_contains(text, "<td port=\"o_text\" align=\"right\"><font color=\"#a0a0a0\"");
    assert_contains(text, "    \"src\":\"o_video\":e -> \"blur\":\"i_video\":w [style=dotted, "
                          "label=<video rgb 64x48 30/1<br/>latest 8>];\n");
    assert_contains(text, "    \"blur\":\"o_video\":e -> \"sink\":\"i_in\":w [style=solid, "
                          "label=<video<br/>lossless 16>];\n");
    assert_contains(text, "trusted, failed");
    free(text);
}

// R-GRAPH-031
static void what_others_named_cannot_break_out_of_a_picture_or_a_line(void **state)
{
    links[0].format[0] = '<';
    links[0].format[1] = '\033';
    char *dot = print(*state, GRAPH, graph_print_dot, &snapshot);
    assert_contains(dot, "label=<&#60;?deo rgb");
    free(dot);
    char *text = print(*state, GRAPH, graph_print_text, &snapshot);
    assert_contains(text, "<?deo rgb");
    memcpy(links[0].format, "vi", 2);
    free(text);
}

static void json_has_nodes_with_ports_links_and_the_file(void **state)
{
    char *text = print(*state, GRAPH, graph_print_json, &snapshot);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    const json_t *node = json_array_get(json_object_get(root, "nodes"), 0);
    assert_string_equal(json_string_value(json_object_get(node, "id")), "src");
    assert_string_equal(json_string_value(json_object_get(node, "state")), "running");
    assert_int_equal(json_integer_value(json_object_get(node, "pid")), 77);
    const json_t *outputs = json_object_get(node, "outputs");
    assert_int_equal(json_array_size(outputs), 2);
    assert_true(json_is_true(json_object_get(json_array_get(outputs, 0), "linked")));
    assert_true(json_is_false(json_object_get(json_array_get(outputs, 1), "linked")));
    const json_t *link = json_array_get(json_object_get(root, "links"), 0);
    assert_string_equal(json_string_value(json_object_get(link, "carries")),
                        "video rgb 64x48 30/1");
    assert_int_equal(json_integer_value(json_object_get(link, "depth")), 8);
    const json_t *file = json_object_get(root, "file");
    assert_int_equal(json_integer_value(json_object_get(file, "version")), 1);
    json_decref(root);
    free(text);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_text_has_one_line_per_node_and_link),
        CASE(a_text_of_a_running_graph_has_states_and_formats),
        CASE(graphviz_gets_boxes_with_ports_and_labelled_links),
        CASE(what_others_named_cannot_break_out_of_a_picture_or_a_line),
        CASE(json_has_nodes_with_ports_links_and_the_file),
    };
    return cmocka_run_group_tests_name("graph_print", tests, NULL, NULL);
}
