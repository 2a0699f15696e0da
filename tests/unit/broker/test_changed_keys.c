// SPDX-License-Identifier: Apache-2.0
// Every key that differs is told with both of its values, and no other.
#include "unit/broker/graph_fixture.h"

#include "broker/change/changed_keys.h"

#define SOURCE "  src: {exec: [source], config: {path: x}, sandbox: trusted}\n"
#define BLUR "  blur: {exec: [blur], config: {radius: 4}, sandbox: trusted}\n"
#define SINK "  sink: {exec: [sink], sandbox: trusted}\n"
#define LINKS "links:\n  - src.video -> blur.video\n  - blur.video -> sink.in\n"
#define HEAD "version: 1\nnodes:\n"

// "what key: now -> after" of each, with * before a right.
static void assert_changes(void **state, const char *before, const char *after, const char *wanted)
{
    struct diags diags;
    struct graph *first = fixture_check(*state, before, &diags);
    assert_int_equal(diags_exit_status(&diags), 0);
    struct graph *second = fixture_check(*state, after, &diags);
    assert_int_equal(diags_exit_status(&diags), 0);
    json_t *list = changed_keys_list(first, second);
    char said[2048] = "";
    size_t index;
    json_t *entry;
    json_array_foreach(list, index, entry)
    {
        const char *now = json_string_value(json_object_get(entry, "now"));
        size_t length = strlen(said);
        snprintf(said + length, sizeof said - length, "%s%s%s %s: %s -> %s", index > 0 ? "; " : "",
                 json_is_true(json_object_get(entry, "is_right")) ? "*" : "",
                 json_string_value(json_object_get(entry, "what")),
                 json_string_value(json_object_get(entry, "key")), now != NULL ? now : "nothing",
                 json_string_value(json_object_get(entry, "after")));
    }
    assert_string_equal(said, wanted);
    json_decref(list);
    graph_destroy(first);
    graph_destroy(second);
}

static void equal_graphs_have_no_changed_keys(void **state)
{
    assert_changes(state, HEAD SOURCE BLUR SINK LINKS, HEAD SOURCE BLUR SINK LINKS, "");
    assert_changes(state, HEAD SOURCE BLUR SINK LINKS,
                   HEAD SOURCE "  blur: {exec: [blur], config: {radius: 4, shape: box}, sandbox: "
                               "trusted}\n" SINK LINKS,
                   "");
}

// R-LIVE-007
static void parameters_rules_and_keys_of_links_are_told_with_both_values(void **state)
{
    assert_changes(state, HEAD SOURCE BLUR SINK LINKS,
                   HEAD SOURCE
                   "  blur: {exec: [blur], config: {radius: 9}, sandbox: trusted, restart: {max: "
                   "7}}\n" SINK "links:\n  - src.video -> blur.video\n"
                   "  - {from: blur.video, to: sink.in, depth: 64}\n",
                   "blur restart.max: 5 -> 7; blur config.radius: 4 -> 9; "
                   "blur.video -> sink.in depth: (16, with latest 4) -> 64");
    assert_changes(state, HEAD SOURCE BLUR SINK LINKS,
                   "version: 1\nclock: {fps: 60}\nnodes:\n" SOURCE BLUR SINK LINKS,
                   " clock.fps: 30 -> 60");
}

// R-LIVE-007
static void rights_that_are_taken_given_or_changed_are_told(void **state)
{
    assert_changes(state, HEAD SOURCE BLUR SINK LINKS,
                   HEAD SOURCE BLUR
                   "  sink: {exec: [sink], sandbox: {tier: trusted, network: true, read: [/usr, "
                   "/etc]}}\n" LINKS,
                   "*sink sandbox.read: [] -> /usr, /etc; *sink sandbox.network: false -> true");
    // Of a node that is new everything that is no default.
    assert_changes(state, HEAD SOURCE SINK, HEAD SOURCE BLUR SINK,
                   "*blur sandbox.tier: nothing -> trusted");
    // Of a node that goes nothing is left to be told.
    assert_changes(state, HEAD SOURCE BLUR SINK, HEAD SOURCE SINK, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_graphs_have_no_changed_keys),
        cmocka_unit_test(parameters_rules_and_keys_of_links_are_told_with_both_values),
        cmocka_unit_test(rights_that_are_taken_given_or_changed_are_told),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
