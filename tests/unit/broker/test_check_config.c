// SPDX-License-Identifier: Apache-2.0
// Parameters are checked by what the processor declares, before it runs.
#include "unit/broker/graph_fixture.h"

#include "broker/graph/check_config.h"

#define NODE(config)                                                                               \
    "version: 1\nnodes:\n  b: {exec: [blur], sandbox: trusted, config: {" config "}}\n"

// R-GRAPH-019
static void an_unknown_parameter_is_refused_with_the_nearest(void **state)
{
    fixture_assert_message(*state, NODE("raduis: 3"),
                           "g.yaml:3:48: 'blur' has no parameter 'raduis'; did you mean 'radius'?");
    fixture_assert_message(*state, NODE("zzzzz: 3"),
                           "g.yaml:3:48: 'blur' has no parameter 'zzzzz'; it has radius, shape, "
                           "wait");
    fixture_assert_message(*state, "version: 1\nnodes: {s: {exec: [sink], config: {x: 1}}}\n",
                           "g.yaml:2:36: 'sink' has no parameter 'x'; leave it out");
}

// R-GRAPH-019
static void a_wrong_type_or_bound_is_refused_with_the_right_one(void **state)
{
    fixture_assert_message(*state, NODE("radius: big"),
                           "g.yaml:3:56: radius: 'big' is not a whole number; write one");
    fixture_assert_message(*state, NODE("radius: 65"),
                           "g.yaml:3:56: radius: '65' is out of bounds; write 0 to 64");
    fixture_assert_message(*state, NODE("radius: -1"),
                           "g.yaml:3:56: radius: '-1' is out of bounds; write 0 to 64");
    fixture_assert_message(*state, NODE("shape: oval"),
                           "g.yaml:3:55: shape: 'oval' is no choice; write box or disc");
    fixture_assert_message(*state, NODE("wait: 2s"),
                           "g.yaml:3:54: wait: '2s' is out of bounds; write 0 to 1s");
    fixture_assert_message(*state, NODE("wait: 2"),
                           "g.yaml:3:54: wait: '2' is not a duration such as 250ms; write one");
}

// R-GRAPH-019
static void a_parameter_without_default_must_be_given(void **state)
{
    fixture_assert_message(*state, "version: 1\nnodes:\n  s: {exec: [source]}\n",
                           "g.yaml:3:3: node 's' has no 'path', which 'source' needs; add config: "
                           "{path: ...}");
}

static void paths_are_absolute_from_the_graphs_folder(void **state)
{
    struct diags diags;
    struct graph *graph =
        fixture_check(*state,
                      "version: 1\nnodes:\n  s: {exec: [source], config: {path: ./sub/x.y4m}}\n"
                      "  t: {exec: [source], config: {path: /abs/x}}\n"
                      "  u: {exec: [source], config: {path: .././//../x/../y}}\n"
                      "  v: {exec: [source], config: {path: ../../../../../../../../../../../z}}\n",
                      &diags);
    char folder[4096];
    char path[8192];
    assert_non_null(getcwd(folder, sizeof(folder)));
    snprintf(path, sizeof(path), "%s/sub/x.y4m", folder);
    assert_string_equal(graph->nodes[0].found.params.items[0].value, path);
    assert_string_equal(graph->nodes[0].config.items[0].value, "./sub/x.y4m");
    assert_string_equal(graph->nodes[1].found.params.items[0].value, "/abs/x");
    // R-GRANT-003: as grants are, so that what is granted is found.
    *strrchr(folder, '/') = '\0';
    *strrchr(folder, '/') = '\0';
    snprintf(path, sizeof(path), "%s/x/../y", folder);
    assert_string_equal(graph->nodes[2].found.params.items[0].value, path);
    assert_string_equal(graph->nodes[3].found.params.items[0].value, "/z");
    graph_destroy(graph);
}

static void every_type_takes_its_values_and_refuses_others(void **state)
{
    (void)state;
    static const char *const choices[] = {"a", "b"};
    static const struct {
        struct descriptor_param param;
        const char *value;
        int result;
    } cases[] = {
        {{.type = SB_PARAM_INT}, "-12", 0},
        {{.type = SB_PARAM_INT}, "1.5", -EINVAL},
        {{.type = SB_PARAM_INT}, "99999999999999999999", -EINVAL},
        {{.type = SB_PARAM_REAL, .minimum = 0, .maximum = 1}, "0.5", 0},
        {{.type = SB_PARAM_REAL, .minimum = 0, .maximum = 1}, "1.01", -EINVAL},
        {{.type = SB_PARAM_REAL}, "nan", -EINVAL},
        {{.type = SB_PARAM_BOOL}, "true", 0},
        {{.type = SB_PARAM_BOOL}, "yes", -EINVAL},
        {{.type = SB_PARAM_STRING}, "", 0},
        {{.type = SB_PARAM_STRING, .minimum = 0, .maximum = 3}, "abc", 0},
        {{.type = SB_PARAM_STRING, .minimum = 0, .maximum = 3}, "abcd", -EINVAL},
        {{.type = SB_PARAM_CHOICE, .choice_count = 2, .choices = choices}, "b", 0},
        {{.type = SB_PARAM_CHOICE, .choice_count = 2, .choices = choices}, "c", -EINVAL},
        {{.type = SB_PARAM_DURATION}, "250ms", 0},
        {{.type = SB_PARAM_DURATION}, "250", -EINVAL},
        {{.type = SB_PARAM_SIZE, .minimum = 0, .maximum = 1024}, "1KiB", 0},
        {{.type = SB_PARAM_SIZE, .minimum = 0, .maximum = 1024}, "1025", -EINVAL},
        {{.type = SB_PARAM_PATH}, "x", 0},
        {{.type = SB_PARAM_PATH}, "", -EINVAL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char why[512] = "";
        assert_int_equal(check_config_value(&cases[i].param, cases[i].value, why, sizeof(why)),
                         cases[i].result);
        assert_int_equal(why[0] != '\0' && strchr(why, ';') != NULL, cases[i].result != 0);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(an_unknown_parameter_is_refused_with_the_nearest),
        CASE(a_wrong_type_or_bound_is_refused_with_the_right_one),
        CASE(a_parameter_without_default_must_be_given),
        CASE(paths_are_absolute_from_the_graphs_folder),
        cmocka_unit_test(every_type_takes_its_values_and_refuses_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
