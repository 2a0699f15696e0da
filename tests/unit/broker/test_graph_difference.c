// SPDX-License-Identifier: Apache-2.0
// What makes one graph of another: every kind of step, in the one order, and nothing else.
#include "unit/broker/graph_fixture.h"

#include "broker/graph/graph_difference.h"
#include "broker/graph/graph_fields.h"

#define BASE                                                                                       \
    "version: 1\nnodes:\n  src: {exec: [source], config: {path: x}, sandbox: trusted}\n"           \
    "  blur: {exec: [blur], config: {radius: 4}, sandbox: trusted}\n"                              \
    "  sink: {exec: [sink], sandbox: trusted}\n"

#define LINKS "links:\n  - src.video -> blur.video\n  - blur.video -> sink.in\n"

// Both texts, and what graph_difference_find() makes of them.
struct pair {
    struct graph *before;
    struct graph *after;
    struct graph_difference difference;
};

static struct pair compare(void **state, const char *before, const char *after)
{
    struct pair pair;
    struct diags diags;
    pair.before = fixture_check(*state, before, &diags);
    assert_int_equal(diags_exit_status(&diags), 0);
    pair.after = fixture_check(*state, after, &diags);
    assert_int_equal(diags_exit_status(&diags), 0);
    assert_int_equal(graph_difference_find(pair.before, pair.after, &pair.difference), 0);
    return pair;
}

static void pair_fini(struct pair *pair)
{
    graph_difference_fini(&pair->difference);
    graph_destroy(pair->before);
    graph_destroy(pair->after);
}

// "unwire a.b -> c.d, stop e" of the whole list.
static void assert_steps(void **state, const char *before, const char *after, const char *wanted)
{
    struct pair pair = compare(state, before, after);
    char bytes[1024] = "";
    for (size_t i = 0; i < pair.difference.count; i++) {
        const struct difference_item *item = &pair.difference.items[i];
        size_t length = strlen(bytes);
        snprintf(bytes + length, sizeof bytes - length, "%s%s %s", i == 0 ? "" : ", ",
                 graph_difference_kind_name(item->kind), item->subject);
    }
    assert_string_equal(bytes, wanted);
    assert_false(pair.difference.is_impossible);
    pair_fini(&pair);
}

static void every_field_has_an_effect(void **state)
{
    (void)state;
    for (size_t i = 0; i < GRAPH_FIELDS_COUNT; i++) {
        if (graph_difference_effect((enum graph_field)i) == EFFECT_UNSET) {
            fail_msg("%s has no effect", graph_fields_row((enum graph_field)i)->path);
        }
    }
}

// R-GRAPH-027
static void equal_graphs_have_no_difference_whatever_their_order(void **state)
{
    assert_steps(state, BASE LINKS, BASE LINKS, "");
    assert_steps(state, BASE LINKS,
                 "version: 1\nlinks: [blur.video -> sink.in, src.video -> blur.video]\nnodes:\n"
                 "  sink: {sandbox: trusted, exec: [sink]}\n"
                 "  blur: {exec: [blur], config: {radius: 4, shape: box}, sandbox: trusted}\n"
                 "  src: {exec: [source], config: {path: x}, sandbox: trusted}\n",
                 "");
}

static void a_default_that_is_written_out_is_no_difference(void **state)
{
    assert_steps(state, BASE LINKS,
                 BASE "links:\n  - {from: src.video, to: blur.video, depth: 16, delivery: lossless}"
                      "\n  - blur.video -> sink.in\n",
                 "");
}

static void each_kind_is_found_alone(void **state)
{
    assert_steps(state, BASE LINKS, BASE "links:\n  - src.video -> blur.video\n",
                 "unwire blur.video -> sink.in");
    assert_steps(state, BASE, BASE "links: [src.video -> sink.in]\n", "wire src.video -> sink.in");
    assert_steps(state, BASE, BASE "  more: {exec: [sink], sandbox: trusted}\n", "start more");
    assert_steps(state, BASE "  more: {exec: [sink], sandbox: trusted}\n", BASE, "stop more");
    assert_steps(state, BASE "  more: {exec: [blur], sandbox: trusted}\n",
                 BASE "  more: {exec: [blur], config: {radius: 9}, sandbox: trusted}\n",
                 "configure more");
    assert_steps(state, BASE "  more: {exec: [blur], sandbox: trusted}\n",
                 BASE "  more: {exec: [sink], sandbox: trusted}\n", "replace more");
    assert_steps(state, BASE LINKS,
                 BASE "links:\n  - {from: src.video, to: blur.video, depth: 64}\n"
                      "  - {from: blur.video, to: sink.in, delivery: latest}\n",
                 "update blur.video -> sink.in, update src.video -> blur.video");
}

static void a_node_that_needs_another_process_is_replaced(void **state)
{
    static const char *const more[] = {
        "run: {priority: high}",
        "activate: {batch: 2}",
        "limits: {pids: 7}",
        "gpu: off",
        "sandbox: {tier: trusted, env: {A: b}}",
        "exec: [blur, more]",
    };
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        char text[512];
        bool is_exec = strncmp(more[i], "exec", 4) == 0;
        bool is_sandbox = strncmp(more[i], "sandbox", 7) == 0;
        snprintf(text, sizeof text, "version: 1\nnodes:\n  a: {%s%s%s}\n",
                 is_exec ? "" : "exec: [blur], ", is_sandbox ? "" : "sandbox: trusted, ", more[i]);
        assert_steps(state, "version: 1\nnodes:\n  a: {exec: [blur], sandbox: trusted}\n", text,
                     "replace a");
    }
}

static void rules_change_without_a_step(void **state)
{
    struct pair pair = compare(state, "version: 1\nnodes:\n  a: {exec: [blur], sandbox: trusted}\n",
                               "version: 1\ncommit: manual\nnodes:\n  a: {exec: [blur], sandbox: "
                               "trusted, timeouts: {stop: 1s}, restart: {max: 9}}\n");
    assert_int_equal(pair.difference.count, 0);
    assert_true(pair.difference.has_rules);
    assert_false(pair.difference.is_impossible);
    pair_fini(&pair);
}

static void what_cannot_change_is_named(void **state)
{
    struct pair pair = compare(state, "version: 1\nnodes: {}\n",
                               "version: 1\nclock: {precise: true}\nnodes: {}\n");
    assert_true(pair.difference.is_impossible);
    assert_string_equal(graph_fields_row(pair.difference.fixed)->path, "clock.precise");
    pair_fini(&pair);
}

// R-LIVE-001
static void all_kinds_at_once_come_in_the_fixed_order(void **state)
{
    assert_steps(
        state,
        BASE "  old: {exec: [sink], sandbox: trusted}\n"
             "  swap: {exec: [sink], sandbox: trusted}\n" LINKS "  - src.video -> old.in\n",
        "version: 1\nnodes:\n  src: {exec: [source], config: {path: x}, sandbox: trusted}\n"
        "  blur: {exec: [blur], config: {radius: 5}, sandbox: trusted}\n"
        "  sink: {exec: [sink], sandbox: trusted}\n"
        "  new: {exec: [sink], sandbox: trusted}\n"
        "  swap: {exec: [blur], sandbox: trusted}\nlinks:\n"
        "  - {from: src.video, to: blur.video, depth: 64}\n  - blur.video -> sink.in\n"
        "  - blur.video -> new.in\n",
        "unwire src.video -> old.in, stop old, start new, replace swap, "
        "wire blur.video -> new.in, configure blur, update src.video -> blur.video");
}

// Adding and removing within one batch cancels out: only the two ends are compared.
static void a_link_of_a_node_that_goes_is_taken_away_first(void **state)
{
    struct pair pair = compare(state, BASE LINKS, "version: 1\nnodes: {}\n");
    assert_int_equal(pair.difference.count, 5);
    assert_int_equal(graph_difference_count(&pair.difference, DIFFERENCE_UNWIRE), 2);
    assert_int_equal(pair.difference.items[1].kind, DIFFERENCE_UNWIRE);
    assert_int_equal(pair.difference.items[2].kind, DIFFERENCE_STOP);
    assert_int_equal(pair.difference.items[2].after, DIFFERENCE_NONE);
    assert_string_equal(pair.before->nodes[pair.difference.items[2].before].id, "blur");
    pair_fini(&pair);
}

// R-LIVE-017
static void a_node_that_begins_again_goes_and_comes_with_its_links(void **state)
{
    struct diags diags;
    struct graph *graph = fixture_check(*state, BASE LINKS, &diags);
    bool is_again[3] = {false};
    bool is_out[3] = {false};
    is_again[graph_find_node(graph, "blur")] = true;
    is_out[graph_find_node(graph, "sink")] = true;
    struct graph_difference difference;
    assert_int_equal(graph_difference_again(graph, is_again, is_out, &difference), 0);
    char bytes[512] = "";
    for (size_t i = 0; i < difference.count; i++) {
        size_t length = strlen(bytes);
        snprintf(bytes + length, sizeof bytes - length, "%s %s, ",
                 graph_difference_kind_name(difference.items[i].kind), difference.items[i].subject);
    }
    assert_string_equal(bytes, "unwire blur.video -> sink.in, unwire src.video -> blur.video, "
                               "stop blur, start blur, wire src.video -> blur.video, ");
    graph_difference_fini(&difference);
    graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_has_an_effect),
        cmocka_unit_test(equal_graphs_have_no_difference_whatever_their_order),
        cmocka_unit_test(a_default_that_is_written_out_is_no_difference),
        cmocka_unit_test(each_kind_is_found_alone),
        cmocka_unit_test(a_node_that_needs_another_process_is_replaced),
        cmocka_unit_test(rules_change_without_a_step),
        cmocka_unit_test(what_cannot_change_is_named),
        cmocka_unit_test(all_kinds_at_once_come_in_the_fixed_order),
        cmocka_unit_test(a_link_of_a_node_that_goes_is_taken_away_first),
        cmocka_unit_test(a_node_that_begins_again_goes_and_comes_with_its_links),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
