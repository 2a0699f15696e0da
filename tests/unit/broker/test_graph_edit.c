// SPDX-License-Identifier: Apache-2.0
// Edits of a graph: what comes out is what a file with that change would have been.
#include "unit/broker/graph_fixture.h"

#include "base/cleanup.h"
#include "broker/graph/graph_edit.h"
#include "broker/graph/graph_save.h"

#define BASE                                                                                       \
    "version: 1\nnodes:\n  src: {exec: [source], config: {path: x}, sandbox: trusted}\n"           \
    "  sink: {exec: [sink], sandbox: trusted}\nlinks:\n  - src.video -> sink.in\n"                 \
    "  - {from: src.text, to: sink.in, depth: 4}\n"

static struct graph_edit *begin(void **state, struct graph **out_graph)
{
    struct diags diags;
    *out_graph = fixture_check(*state, BASE, &diags);
    struct graph_edit *edit;
    assert_int_equal(graph_edit_begin(*out_graph, &edit), 0);
    return edit;
}

// Loads the edit and compares its canonical form with that of a file.
static void assert_is(struct graph_edit *edit, const char *file)
{
    struct diags diags = {.count = 0};
    struct graph *edited = NULL;
    struct graph *wanted = NULL;
    assert_int_equal(graph_edit_load(edit, &edited, &diags), 0);
    assert_int_equal(graph_file_load("g.yaml", file, strlen(file), &wanted, &diags), 0);
    auto_free char *first = NULL;
    auto_free char *second = NULL;
    size_t count;
    assert_int_equal(graph_save_yaml(edited, &first, &count), 0);
    assert_int_equal(graph_save_yaml(wanted, &second, &count), 0);
    assert_string_equal(first, second);
    graph_destroy(edited);
    graph_destroy(wanted);
}

static void no_edit_gives_the_same_graph(void **state)
{
    struct graph *graph;
    struct graph_edit *edit = begin(state, &graph);
    assert_is(edit, BASE);
    graph_edit_destroy(edit);
    graph_destroy(graph);
}

static void nodes_and_links_are_added_and_taken_away(void **state)
{
    struct graph *graph;
    struct graph_edit *edit = begin(state, &graph);
    struct diag why;
    static const char *const exec[] = {"blur", "fast"};
    assert_int_equal(graph_edit_add_node(edit, "blur", exec, 2, &why), 0);
    assert_int_equal(graph_edit_set_node(edit, "blur", "config.radius=5", &why), 0);
    assert_int_equal(graph_edit_set_node(edit, "blur", "sandbox=trusted", &why), 0);
    assert_int_equal(graph_edit_set_node(edit, "blur", "sandbox.env={\"A\":\"b\"}", &why), 0);
    assert_int_equal(graph_edit_set_node(edit, "blur", "timeouts.stop=2s", &why), 0);
    assert_int_equal(graph_edit_set_node(edit, "blur", "sandbox.read=[a b.txt, /c ,d/]", &why), 0);
    assert_int_equal(graph_edit_connect(edit, "src.video", "blur.video", &why), 0);
    assert_int_equal(graph_edit_disconnect(edit, "src.video", "sink.in", &why), 0);
    assert_int_equal(graph_edit_set_link(edit, "src.text", "sink.in", "depth=", &why), 0);
    assert_int_equal(graph_edit_set_link(edit, "src.video", "blur.video", "depth=64", &why), 0);
    assert_is(edit, "version: 1\nnodes:\n"
                    "  src: {exec: [source], config: {path: x}, sandbox: trusted}\n"
                    "  sink: {exec: [sink], sandbox: trusted}\n"
                    "  blur: {exec: [blur, fast], config: {radius: 5}, timeouts: {stop: 2s},"
                    " sandbox: {tier: trusted, read: [a b.txt, /c, d/], env: {A: b}}}\n"
                    "links:\n  - {from: src.video, to: blur.video, depth: 64}\n"
                    "  - src.text -> sink.in\n");
    assert_int_equal(graph_edit_remove_node(edit, "sink", &why), 0);
    assert_int_equal(graph_edit_set_exec(edit, "blur", exec, 1, &why), 0);
    assert_is(edit, "version: 1\nnodes:\n"
                    "  src: {exec: [source], config: {path: x}, sandbox: trusted}\n"
                    "  blur: {exec: [blur], config: {radius: 5}, timeouts: {stop: 2s},"
                    " sandbox: {tier: trusted, read: [a b.txt, /c, d/], env: {A: b}}}\n"
                    "links:\n  - {from: src.video, to: blur.video, depth: 64}\n");
    graph_edit_destroy(edit);
    graph_destroy(graph);
}

static void what_is_not_there_is_named_and_nothing_changes(void **state)
{
    struct graph *graph;
    struct graph_edit *edit = begin(state, &graph);
    struct diag why;
    static const char *const exec[] = {"blur"};
    assert_int_equal(graph_edit_add_node(edit, "src", exec, 1, &why), -EEXIST);
    assert_string_equal(why.text, "there is a node 'src' already");
    assert_int_equal(graph_edit_remove_node(edit, "none", &why), -ENOENT);
    assert_string_equal(why.text, "there is no node 'none'");
    assert_int_equal(graph_edit_connect(edit, "src.text", "sink.in", &why), -EEXIST);
    assert_int_equal(graph_edit_disconnect(edit, "src.text", "sink.other", &why), -ENOENT);
    assert_string_equal(why.text, "there is no link src.text -> sink.other");
    assert_int_equal(graph_edit_set_link(edit, "a.b", "c.d", "depth=1", &why), -ENOENT);
    assert_int_equal(graph_edit_set_node(edit, "src", "config", &why), -EINVAL);
    assert_int_equal(graph_edit_set_node(edit, "none", "a=b", &why), -ENOENT);
    assert_int_equal(graph_edit_set_exec(edit, "none", exec, 1, &why), -ENOENT);
    assert_is(edit, BASE);
    graph_edit_destroy(edit);
    graph_destroy(graph);
}

static void what_a_file_may_not_say_an_edit_may_not_say(void **state)
{
    struct graph *graph;
    struct graph_edit *edit = begin(state, &graph);
    struct diag why;
    struct diags diags = {.count = 0};
    struct graph *edited = NULL;
    assert_int_equal(graph_edit_set_link(edit, "src.text", "sink.in", "depth=0", &why), 0);
    assert_int_equal(graph_edit_set_node(edit, "src", "colour=red", &why), 0);
    assert_int_equal(graph_edit_load(edit, &edited, &diags), -EINVAL);
    assert_null(edited);
    assert_int_equal(diags.count, 2);
    graph_edit_destroy(edit);
    graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_edit_gives_the_same_graph),
        cmocka_unit_test(nodes_and_links_are_added_and_taken_away),
        cmocka_unit_test(what_is_not_there_is_named_and_nothing_changes),
        cmocka_unit_test(what_a_file_may_not_say_an_edit_may_not_say),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
