// SPDX-License-Identifier: Apache-2.0
// `--check` ends with the status that scripts rely on, and prints what it was asked for.
#include "unit/broker/graph_fixture.h"

static int check(struct fixture *fixture, const char *text)
{
    char path[128];
    fixture_write(fixture, "g.yaml", text, 0644);
    snprintf(path, sizeof(path), "%s/g.yaml", fixture->folder);
    return graph_check_command(path, fixture->catalog, GRAPH_CHECK_QUIET);
}

// R-CLI-002 R-EXIT-005 R-EXIT-008 R-EXIT-009
static void the_status_tells_right_wrong_refused_and_missing_apart(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(check(fixture, "version: 1\nnodes: {s: {exec: [sink]}}\n"), 0);
    assert_int_equal(check(fixture, "version: 1\nnodes: {s: {exec: [snik]}}\n"), 78);
    assert_int_equal(check(fixture, "version: 1\nnodes: [\n"), 78);
    // The install is signed as long as nobody else can write it.
    static const char required[] =
        "version: 1\nsignatures: {policy: require}\nnodes: {s: {exec: [sink]}}\n";
    assert_int_equal(check(fixture, required), 0);
    assert_int_equal(chmod(fixture->folder, 0777), 0);
    assert_int_equal(check(fixture, required), 77);
    assert_int_equal(chmod(fixture->folder, 0700), 0);
    assert_int_equal(graph_check_command("/nowhere/g.yaml", fixture->catalog, GRAPH_CHECK_QUIET),
                     66);
}

static void the_graph_is_printed_in_every_form(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    char text[256] = "";
    assert_int_equal(check(fixture, "version: 1\nname: x\nnodes: {s: {exec: [sink]}}\n"), 0);
    snprintf(path, sizeof(path), "%s/g.yaml", fixture->folder);
    static const struct {
        enum graph_check_print print;
        const char *start;
    } forms[] = {{GRAPH_CHECK_YAML, "version: 1\nname: x\nnodes:\n  s:\n    exec: [sink]\n"},
                 {GRAPH_CHECK_JSON, "{\n  \"name\": \"x\",\n  \"nodes\": ["},
                 {GRAPH_CHECK_DOT, "digraph \"x\" {"},
                 {GRAPH_CHECK_TEXT, "graph x: 1 node, 0 links\n"}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        char out_path[128];
        snprintf(out_path, sizeof(out_path), "%s/out", fixture->folder);
        fflush(stdout);
        int saved = dup(STDOUT_FILENO);
        assert_non_null(freopen(out_path, "w", stdout));
        int status = graph_check_command(path, fixture->catalog, forms[i].print);
        fflush(stdout);
        assert_true(dup2(saved, STDOUT_FILENO) >= 0);
        close(saved);
        assert_int_equal(status, 0);
        FILE *file = fopen(out_path, "r");
        size_t count = fread(text, 1, sizeof(text) - 1, file);
        fclose(file);
        text[count] = '\0';
        text[strlen(forms[i].start)] = '\0';
        assert_string_equal(text, forms[i].start);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(the_status_tells_right_wrong_refused_and_missing_apart),
        CASE(the_graph_is_printed_in_every_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
