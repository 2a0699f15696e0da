// SPDX-License-Identifier: Apache-2.0
// Graphs against real processors: everything that is wrong is found in one run.
#include "unit/broker/graph_fixture.h"

#include "base/clock.h"
#include "broker/lives/cage.h"

#define NODES                                                                                      \
    "version: 1\nnodes:\n  src: {exec: [source], config: {path: x}, sandbox: trusted}\n"           \
    "  blur: {exec: [blur], sandbox: trusted}\n  sink: {exec: [sink], sandbox: trusted}\n"

static void a_right_graph_is_found_right_and_filled(void **state)
{
    struct diags diags;
    struct graph *graph = fixture_check(*state,
                                        NODES "links:\n  - src.video -> blur.video\n"
                                              "  - {from: blur.video, to: sink.in, depth: 8,"
                                              " delivery: latest, max_payload: 2MiB}\n",
                                        &diags);
    assert_int_equal(diags.count, 0);
    assert_string_equal(graph->nodes[1].found.descriptor->name, "blur");
    assert_int_equal(graph->nodes[1].found.mode, SB_MODE_REACTIVE);
    const struct graph_link_found *found = &graph->links[0].found;
    assert_int_equal(found->from_node, 0);
    assert_int_equal(found->to_node, 1);
    assert_int_equal(found->depth, GRAPH_DEPTH_DEFAULT);
    assert_int_equal(found->delivery, SB_DELIVERY_LOSSLESS);
    assert_int_equal(found->claims, 2);
    assert_int_equal(found->max_payload, GRAPH_MAX_PAYLOAD_DEFAULT);
    assert_int_equal(graph->links[1].found.depth, 8);
    assert_int_equal(graph->links[1].found.max_payload, 2 << 20);
    graph_destroy(graph);
}

// R-GRAPH-004
static void a_cycle_is_refused_with_its_path(void **state)
{
    fixture_assert_message(*state,
                           NODES "  b2: {exec: [blur], sandbox: trusted}\nlinks:\n"
                                 "  - src.video -> blur.video\n  - blur.video -> b2.video\n"
                                 "  - b2.video -> blur.video\n",
                           "g.yaml:10:5: the links go in a circle: blur -> b2 -> blur; remove one "
                           "of them");
    fixture_assert_message(*state, NODES "links: [blur.video -> blur.video]\n",
                           "g.yaml:6:9: the links go in a circle: blur -> blur; remove one of "
                           "them");
}

// R-GRAPH-007
static void a_processor_that_is_not_there_is_refused_with_the_places(void **state)
{
    struct fixture *fixture = *state;
    char folder[4096];
    char message[8192];
    assert_non_null(getcwd(folder, sizeof(folder)));
    snprintf(message, sizeof(message),
             "g.yaml:2:20: no processor 'blurr' (looked in %s, $STREAMBROKER_PROCESSOR_PATH (not "
             "set) and %s); did you mean 'blur'?",
             folder, fixture->folder);
    fixture_assert_message(fixture, "version: 1\nnodes: {a: {exec: [blurr], sandbox: trusted}}\n",
                           message);
    snprintf(message, sizeof(message),
             "g.yaml:2:20: no processor './blur' (looked in %s); did you mean 'blur'?", folder);
    fixture_assert_message(fixture, "version: 1\nnodes: {a: {exec: [./blur], sandbox: trusted}}\n",
                           message);
}

static void a_processor_that_does_not_describe_itself_is_refused(void **state)
{
    struct fixture *fixture = *state;
    fixture_add(fixture, "liar", "{\"streambroker\":1}");
    fixture_assert_message(fixture, "version: 1\nnodes: {a: {exec: [liar], sandbox: trusted}}\n",
                           "g.yaml:2:20: processor 'liar' cannot be used: its description is "
                           "wrong: descriptor: no 'name'; try streamctl describe liar");
    fixture_write(fixture, "data", "no program", 0644);
    fixture_assert_message(fixture, "version: 1\nnodes: {a: {exec: [data], sandbox: trusted}}\n",
                           "g.yaml:2:20: processor 'data' cannot be used: it may not be executed, "
                           "chmod +x makes it so; try streamctl describe data");
}

// R-GRAPH-010
static void a_second_link_between_two_ports_is_refused(void **state)
{
    fixture_assert_message(*state,
                           NODES "links:\n  - src.video -> blur.video\n"
                                 "  - {from: src.video, to: blur.video}\n",
                           "g.yaml:8:5: a second link src.video -> blur.video, first in line 7; "
                           "remove one of the two");
}

// As many links as are written, each to an input of its own that is not there.
static struct graph *check_many_links(struct fixture *fixture, size_t links, struct diags *diags)
{
    char *text = NULL;
    size_t count = 0;
    FILE *out = open_memstream(&text, &count);
    assert_non_null(out);
    fputs(NODES "links:\n", out);
    for (size_t i = 0; i < links; i++) {
        fprintf(out, "- src.v%zu->sink.i\n", i);
    }
    assert_int_equal(fclose(out), 0);
    struct graph *graph = fixture_check(fixture, text, diags);
    free(text);
    return graph;
}

// R-GRAPH-033
static void as_many_links_as_are_possible_are_checked_without_a_pause(void **state)
{
    struct diags diags;
    int64_t before_ns = clock_thread_cpu_ns();
    struct graph *graph = check_many_links(*state, LIMIT_LINKS_MAX, &diags);
    // Each with each other this was half a minute.
    assert_true(clock_thread_cpu_ns() - before_ns < 2 * CLOCK_NS_PER_S);
    assert_int_equal(diags_exit_status(&diags), 78);
    assert_true(diags.counts[DIAG_ERROR] >= LIMIT_LINKS_MAX);
    graph_destroy(graph);
    graph = check_many_links(*state, LIMIT_LINKS_MAX + 1, &diags);
    assert_int_equal(diags.counts[DIAG_ERROR], 1);
    char line[DIAGS_LINE_BYTES_MAX];
    diags_format(&diags.items[0], line, sizeof(line));
    assert_string_equal(line, "g.yaml:32775:3: 32769 links, at most 32768 are possible; split the "
                              "graph");
    graph_destroy(graph);
}

// R-SIGN-001 R-EXIT-008
static void a_processor_without_a_required_signature_is_refused_with_77_and_not_asked(void **state)
{
    struct fixture *fixture = *state;
    struct diags diags;
    assert_int_equal(chmod(fixture->folder, 0777), 0);
    graph_destroy(fixture_check(fixture,
                                "version: 1\nsignatures: {policy: require}\nnodes:\n"
                                "  s: {exec: [sink], sandbox: trusted}\n",
                                &diags));
    assert_int_equal(diags_exit_status(&diags), 77);
    assert_int_equal(diags.counts[DIAG_REFUSED], 1);
    assert_int_equal(fixture->described, 0);
    assert_non_null(
        strstr(diags.items[0].diag.text, "processor 'sink' is refused: it belongs to "));
    assert_int_equal(chmod(fixture->folder, 0700), 0);
}

// R-SIGN-002
static void a_processor_without_a_signature_is_a_warning_and_untrusted_only(void **state)
{
    struct fixture *fixture = *state;
    static const char text[] = "version: 1\nsignatures: {policy: warn}\nnodes:\n"
                               "  s: {exec: [source], config: {path: /usr/x}, sandbox: trusted}\n";
    struct diags diags;
    assert_int_equal(chmod(fixture->folder, 0777), 0);
    struct graph *graph = fixture_check(fixture, text, &diags);
    assert_int_equal(diags_exit_status(&diags), 0);
    assert_int_equal(diags.counts[DIAG_WARNING], 1);
    assert_true(graph->nodes[0].found.judged.is_untrusted_only);
    assert_true(cage_is_wanted(&graph->nodes[0]));
    graph_destroy(graph);
    assert_int_equal(chmod(fixture->folder, 0700), 0);
    graph = fixture_check(fixture, text, &diags);
    assert_int_equal(diags.counts[DIAG_WARNING], 0);
    assert_false(graph->nodes[0].found.judged.is_untrusted_only);
    assert_false(cage_is_wanted(&graph->nodes[0]));
    graph_destroy(graph);
}

// R-SIGN-009
static void variables_that_load_code_are_refused_with_required_signatures(void **state)
{
    struct diags diags;
    graph_destroy(fixture_check(*state,
                                "version: 1\nsignatures: {policy: require}\nnodes:\n"
                                "  s: {exec: [sink], sandbox: {tier: untrusted, env: {LD_PRELOAD: "
                                "x.so, PYTHONPATH: p, LANG: C}}}\n",
                                &diags));
    assert_int_equal(diags_exit_status(&diags), 77);
    assert_int_equal(diags.counts[DIAG_REFUSED], 2);
}

// R-SIGN-008
static void keys_that_cannot_be_used_refuse_the_graph(void **state)
{
    fixture_assert_message(
        *state,
        "version: 1\nsignatures: {policy: warn, keys: [/nowhere/keys]}\nnodes:\n"
        "  s: {exec: [sink], sandbox: trusted}\n",
        "g.yaml:2:35: keys that cannot be used: /nowhere/keys: No such file or directory");
}

// R-EXIT-009
static void an_error_weighs_more_than_a_refusal(void **state)
{
    struct diags diags;
    graph_destroy(fixture_check(*state,
                                "version: 1\nnodes:\n  s: {exec: [sink], sandbox: untrusted}\n"
                                "links: [s.in -> t.in]\n",
                                &diags));
    assert_int_equal(diags_exit_status(&diags), 78);
}

// R-GRAPH-018
static void what_nothing_could_honour_is_refused_by_name(void **state)
{
    fixture_assert_message(*state, "version: 1\nnodes:\n  s: {exec: [sink], gpu: require}\n",
                           "g.yaml:3:26: node 's' has gpu: require, but 'sink' works on the CPU "
                           "only; leave it out");
}

static void an_input_without_a_link_is_a_warning(void **state)
{
    fixture_assert_message(*state, NODES "links: [src.video -> sink.in]\n",
                           "g.yaml:4:3: warning: input 'video' of node 'blur' is not linked and "
                           "gets no frame; link it");
}

static void activation_of_a_node_that_is_not_reactive_is_refused(void **state)
{
    fixture_assert_message(*state,
                           "version: 1\nnodes:\n  s: {exec: [sink], run: {mode: tick},"
                           " activate: all}\n",
                           "g.yaml:3:50: node 's' is not reactive, so activate means nothing; "
                           "leave it out");
}

static void more_links_than_a_worker_can_watch_are_refused(void **state)
{
    static char text[64 * 1024];
    size_t length = (size_t)snprintf(text, sizeof(text), "%s", NODES);
    for (int i = 0; i < 121; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length,
                                   "  n%d: {exec: [sink], sandbox: trusted}\n", i);
    }
    length += (size_t)snprintf(text + length, sizeof(text) - length, "links:\n");
    for (int i = 0; i < 121; i++) {
        length +=
            (size_t)snprintf(text + length, sizeof(text) - length, "  - src.video -> n%d.in\n", i);
    }
    fixture_assert_message(*state, text,
                           "g.yaml:3:3: node 'src' has 121 links out, at most 120 are possible; "
                           "put a node between");
}

// R-GRAPH-002
static void the_errors_of_all_nodes_and_links_come_together(void **state)
{
    struct diags diags;
    graph_destroy(fixture_check(*state,
                                "version: 1\nnodes:\n  a: {exec: [nope]}\n"
                                "  b: {exec: [blur], config: {radius: 99, size: 1}}\n"
                                "links: [b.text -> c.in, b.video -> b.video, a.x -> b.video]\n",
                                &diags));
    // nope; radius; size; b.text; c; the circle
    assert_int_equal(diags.counts[DIAG_ERROR], 6);
}

// R-GRAPH-020
static void the_order_has_sources_first_and_sinks_last(void **state)
{
    struct diags diags;
    struct graph *graph = fixture_check(*state,
                                        "version: 1\nnodes:\n"
                                        "  z: {exec: [sink]}\n  y: {exec: [blur]}\n"
                                        "  x: {exec: [source], config: {path: x}}\n"
                                        "  lone: {exec: [sink]}\n"
                                        "links: [x.video -> y.video, y.video -> z.in]\n",
                                        &diags);
    size_t order[4];
    assert_int_equal(graph_order(graph, order), 0);
    assert_int_equal(order[0], 2);
    assert_int_equal(order[1], 1);
    assert_int_equal(order[2], 0);
    assert_int_equal(order[3], 3);
    graph_destroy(graph);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_right_graph_is_found_right_and_filled),
        CASE(a_cycle_is_refused_with_its_path),
        CASE(a_processor_that_is_not_there_is_refused_with_the_places),
        CASE(a_processor_that_does_not_describe_itself_is_refused),
        CASE(a_second_link_between_two_ports_is_refused),
        CASE(as_many_links_as_are_possible_are_checked_without_a_pause),
        CASE(a_processor_without_a_required_signature_is_refused_with_77_and_not_asked),
        CASE(a_processor_without_a_signature_is_a_warning_and_untrusted_only),
        CASE(variables_that_load_code_are_refused_with_required_signatures),
        CASE(keys_that_cannot_be_used_refuse_the_graph),
        CASE(an_error_weighs_more_than_a_refusal),
        CASE(what_nothing_could_honour_is_refused_by_name),
        CASE(an_input_without_a_link_is_a_warning),
        CASE(activation_of_a_node_that_is_not_reactive_is_refused),
        CASE(more_links_than_a_worker_can_watch_are_refused),
        CASE(the_errors_of_all_nodes_and_links_come_together),
        CASE(the_order_has_sources_first_and_sinks_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
